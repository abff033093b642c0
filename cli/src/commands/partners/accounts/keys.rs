//! Keys: another one, those that there are, the end of one.

use anyhow::{Context, bail};
use contoso_handlers::{
    domain::partner::{
        PartnerName,
        api_key::{GRACE, KeyId, KeyRecord, KeyState, LONGEST_GRACE, is_last_to_write, writes_until},
    },
    stores::partners::{
        Partners,
        issue::{IssueError, Superseded},
    },
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    key_id, known, note, partner, print, text,
    wish::{WishArgs, show, shown, word},
};
use crate::{commands::WrongUsage, output, units};

#[derive(Debug, clap::Args)]
pub(in crate::commands::partners) struct KeyArgs {
    /// The partner
    #[arg(value_parser = partner)]
    partner: PartnerName,
    /// The id of the key that this one takes the place of
    #[arg(long, value_name = "KEY", value_parser = key_id)]
    supersedes: Option<KeyId>,
    /// How long that one still counts [default: 24h]
    #[arg(long, value_parser = units::duration, requires = "supersedes", conflicts_with = "no_grace")]
    grace: Option<std::time::Duration>,
    /// End that one at once
    #[arg(long, requires = "supersedes")]
    no_grace: bool,
    #[command(flatten)]
    wish: WishArgs,
}

pub(super) async fn key(partners: &Partners, args: KeyArgs, now: OffsetDateTime) -> anyhow::Result<()> {
    let KeyArgs { partner, supersedes, grace, no_grace, wish } = args;
    let wanted = wish.read(now)?;
    known(partners, &partner).await?;
    let grace = match (grace, no_grace) {
        (_, true) => Duration::ZERO,
        (Some(grace), false) => Duration::try_from(grace).unwrap_or(Duration::MAX),
        (None, false) => GRACE,
    };
    if grace > LONGEST_GRACE {
        return Err(WrongUsage(format!("--grace is at most {}d", LONGEST_GRACE.whole_days())).into());
    }
    let superseded = supersedes.as_ref().map(|key| Superseded { key, grace, may_be_last: true });
    let (key, record) = match partners.accounts.issue(&partner, wanted, superseded, now).await {
        Err(IssueError::NoSuchKey) => bail!("--supersedes {}", IssueError::NoSuchKey),
        Err(error @ IssueError::TooMany) => bail!(
            "{error}; end one with `contoso partners revoke {partner} KEY`, or replace one at once with `--supersedes KEY --no-grace` \
             (`contoso partners keys {partner}` lists them)"
        ),
        made => made?,
    };
    let mut did = format!("add key {}", record.key.as_str());
    if let Some(supersedes) = &supersedes {
        did += &format!(" in place of {}", supersedes.as_str());
    }
    show(&key, &record, &wish)?;
    note(partners, &partner, did, now).await?;
    let keys = partners.accounts.keys(&partner).await.context("cannot list the keys")?;
    warn_of_end(&partner, &keys, now);
    Ok(())
}

pub(super) async fn keys(
    partners: &Partners,
    partner: &PartnerName,
    json: bool,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    known(partners, partner).await?;
    let mut keys = partners.accounts.keys(partner).await.context("cannot list the keys")?;
    keys.sort_by_key(|key| key.created);
    if json {
        let until = writes_until(&keys, now).map(text);
        let keys: Vec<Value> = keys.iter().map(shown).collect();
        return print(&json!({ "keys": keys, "writeUntil": until }).to_string());
    }
    print(&format!(
        "{:<12}  {:<5}  {:<20}  {:<20}  {:<20}  {:<33}  LABEL",
        "KEY", "SCOPE", "MADE", "LAST USED", "EXPIRES", "STATE"
    ))?;
    for key in &keys {
        let state = match key.state {
            KeyState::Revoked { at } => format!("revoked {}", text(at)),
            KeyState::Superseded { until } => format!("valid until {}", text(until)),
            KeyState::Active if !key.counts(now) => "expired".to_owned(),
            KeyState::Active => "active".to_owned(),
        };
        let (expires, used) = (key.expires.map_or_else(never, text), key.last_used.map_or_else(never, text));
        let (id, label) = (key.key.as_str(), key.label.as_deref().unwrap_or_default());
        print(&format!(
            "{id:<12}  {:<5}  {:<20}  {used:<20}  {expires:<20}  {state:<33}  {label}",
            word(key.scope),
            text(key.created)
        ))?;
    }
    warn_of_end(partner, &keys, now);
    Ok(())
}

/// Says so if every key that may write has an end: after the last of them only the operators can help.
fn warn_of_end(partner: &PartnerName, keys: &[KeyRecord], now: OffsetDateTime) {
    if let Some(until) = writes_until(keys, now) {
        output::say(&format!(
            "warning: the last key of {partner} that may write ends at {}; `contoso partners key {partner}` gives it another",
            text(until)
        ));
    }
}

pub(super) async fn revoke(
    partners: &Partners,
    partner: &PartnerName,
    key: &KeyId,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let keys = partners.accounts.keys(partner).await.context("cannot list the keys")?;
    if is_last_to_write(&keys, key, now) {
        output::say(&format!(
            "warning: this is the last key of {partner} that may write; `contoso partners key {partner}` gives it another"
        ));
    }
    let revoked = partners.accounts.change_key(partner, key, |record| record.revoked(now)).await;
    if revoked.context("cannot revoke the key")?.is_none() {
        bail!("`{partner}` has no key {}; `contoso partners keys {partner}` lists them", key.as_str());
    }
    note(partners, partner, format!("revoke key {}", key.as_str()), now).await?;
    output::say(&format!("Key {} of {partner} counts no more.", key.as_str()));
    let keys = partners.accounts.keys(partner).await.context("cannot list the keys")?;
    warn_of_end(partner, &keys, now);
    Ok(())
}

fn never() -> String {
    "never".to_owned()
}
