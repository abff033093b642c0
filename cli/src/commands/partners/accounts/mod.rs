//! Accounts and keys: documents that `Partners` reads, and that these commands write with the handler's own code, as the identity
//! `partner-manager`, which reaches no other container than those and the audit log.

mod account;
mod audit;
mod keys;
mod wish;

use std::{
    io::{self, Write},
    num::NonZeroU32,
    path::Path,
};

use anyhow::Context;
use contoso_handlers::{
    app::App,
    azure::cosmos::Stored,
    domain::partner::{
        NameError, PartnerName,
        api_key::{Account, ApiKey, KeyId, NoKeyId},
    },
    stores::partners::{Partners, audit::Entry},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(super) use self::{account::AddArgs, keys::KeyArgs};
use crate::{endpoints, identity};

/// What can be done to accounts and keys.
#[derive(Debug)]
pub(super) enum Work {
    Add(AddArgs),
    List { json: bool },
    Key(KeyArgs),
    Keys { partner: PartnerName, json: bool },
    Revoke { partner: PartnerName, key: KeyId },
    Disable { partner: PartnerName, is_disabled: bool },
    Audit { partner: PartnerName, last: NonZeroU32, json: bool },
}

pub(super) fn partner(name: &str) -> Result<PartnerName, NameError> {
    name.to_owned().try_into()
}

/// An id, or that of a whole key: whoever has a leaked key at hand pastes that.
pub(super) fn key_id(text: &str) -> Result<KeyId, NoKeyId> {
    match ApiKey::parse(text) {
        Ok(key) => Ok(key.id().clone()),
        Err(_) => text.to_owned().try_into(),
    }
}

/// Does the work on the stack of the file `endpoints`.
pub(super) async fn run(endpoints: Option<&Path>, work: Work) -> anyhow::Result<()> {
    let endpoints = endpoints::read(&endpoints::locate(endpoints)?)?;
    identity::sign_in(&endpoints, identity::PARTNER_MANAGER)?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let (partners, now) = (&app.stores().partners, app.now());
    match work {
        Work::Add(args) => account::add(partners, args, now).await,
        Work::List { json } => account::list(partners, json).await,
        Work::Key(args) => keys::key(partners, args, now).await,
        Work::Keys { partner, json } => keys::keys(partners, &partner, json, now).await,
        Work::Revoke { partner, key } => keys::revoke(partners, &partner, &key, now).await,
        Work::Disable { partner, is_disabled } => {
            account::disable(partners, &partner, is_disabled.then_some(now), now).await
        }
        Work::Audit { partner, last, json } => audit::audit(partners, &partner, last.get(), json).await,
    }
}

/// The partner's account, or what to do where there is none.
async fn known(partners: &Partners, partner: &PartnerName) -> anyhow::Result<Stored<Account>> {
    let account = partners.accounts.account(partner).await.context("cannot read the partner's account")?;
    account.with_context(|| format!("there is no partner `{partner}`; `contoso partners list` shows them"))
}

/// Puts what an operator did into the partner's audit log.
async fn note(partners: &Partners, partner: &PartnerName, action: String, now: OffsetDateTime) -> anyhow::Result<()> {
    let entry = Entry::new(partner.clone(), None, action, 200, now);
    partners.audit.add(&entry).await.context("it is done, and the audit log does not say so")
}

/// A time as it stands in lists.
pub(super) fn text(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", line.trim_end())?)
}
