//! `contoso partners`: who may call the partner API, and with which keys.
//!
//! Accounts and keys are documents that `Partners` reads; this command writes them with the handler's own code, as the identity
//! `partner-manager`, which reaches no other container than those and the audit log.

use std::{
    io::{self, Write},
    num::NonZeroU32,
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use contoso_handlers::{
    app::App,
    domain::partner::{
        NameError, PartnerName,
        api_key::{Account, ApiKey, GRACE, KeyId, KeyRecord, KeyState, KeyWish, LONGEST_GRACE, NoKeyId, Scope},
    },
    stores::partners::{
        Partners,
        audit::Entry,
        issue::{IssueError, Superseded},
    },
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Exit, WrongUsage};
use crate::{endpoints, identity, output, units};

const EXAMPLES: &str = "\
Examples:
  contoso partners add acme --contact ops@acme.example
      A partner and its first key, which is shown this once
  KEY=$(contoso partners add acme --contact ops@acme.example --key-only)
      The same for scripts
  contoso partners key acme --supersedes A1b2C3d4E5f6 --grace 48h
      Another key; the one with that id counts for two more days
  contoso partners revoke acme A1b2C3d4E5f6
      After a leak: the key counts no more from the next call on

What a partner does with a key is in docs/partners.md.";

/// The longest contact or title, in characters.
const TEXT: usize = 200;
/// Entries of the audit log that are read at once.
const PAGE: u32 = 100;

/// Let partners join, give them keys, and see what they did
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE", global = true)]
    endpoints: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a partner, and show its first key this once
    Add(AddArgs),
    /// List partners
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give a partner another key, and show it this once
    Key(KeyArgs),
    /// List the keys of a partner: since when, last used, until when
    Keys {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// End a key at once
    Revoke {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// The key's id: the letters between `cpk_` and the next `_`
        #[arg(value_parser = key_id)]
        key: KeyId,
    },
    /// Refuse all calls of a partner; its subscriptions go on
    Disable {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
    },
    /// Take calls of a disabled partner again
    Enable {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
    },
    /// Show what was done in the name of a partner, newest first
    Audit {
        /// The partner
        #[arg(value_parser = partner)]
        partner: PartnerName,
        /// How many entries
        #[arg(long, default_value_t = NonZeroU32::MIN.saturating_add(49), value_name = "N")]
        last: NonZeroU32,
        /// Print one JSON object for each entry
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Its name in paths: small letters, digits and single hyphens
    #[arg(value_parser = partner)]
    partner: PartnerName,
    /// Where people of the partner are reached, such as an address of mail
    #[arg(long)]
    contact: String,
    /// What people call it [default: its name]
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    wish: WishArgs,
}

#[derive(Debug, clap::Args)]
struct KeyArgs {
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

/// What a new key shall be.
#[derive(Debug, clap::Args)]
struct WishArgs {
    /// What the key may do
    #[arg(long, value_enum, default_value_t = Allowed::Write)]
    scope: Allowed,
    /// What the key is called in lists
    #[arg(long)]
    label: Option<String>,
    /// When the key ends by itself, such as 2160h [default: never]
    #[arg(long, value_parser = units::duration, value_name = "DURATION")]
    expires_in: Option<std::time::Duration>,
    /// Print the key alone
    #[arg(long, conflicts_with = "json")]
    key_only: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Allowed {
    /// Look at subscriptions and failures
    Read,
    /// Everything that a partner may do
    Write,
}

fn partner(name: &str) -> Result<PartnerName, NameError> {
    name.to_owned().try_into()
}

/// An id, or that of a whole key: whoever has a leaked key at hand pastes that.
fn key_id(text: &str) -> Result<KeyId, NoKeyId> {
    match ApiKey::parse(text) {
        Ok(key) => Ok(key.id().clone()),
        Err(_) => text.to_owned().try_into(),
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    identity::sign_in(&endpoints, identity::PARTNER_MANAGER)?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let (partners, now) = (&app.stores().partners, app.now());
    match args.command {
        Command::Add(args) => add(partners, args, now).await?,
        Command::List { json } => list(partners, json).await?,
        Command::Key(args) => key(partners, args, now).await?,
        Command::Keys { partner, json } => keys(partners, &partner, json, now).await?,
        Command::Revoke { partner, key } => revoke(partners, &partner, &key, now).await?,
        Command::Disable { partner } => disable(partners, &partner, Some(now), now).await?,
        Command::Enable { partner } => disable(partners, &partner, None, now).await?,
        Command::Audit { partner, last, json } => audit(partners, &partner, last.get(), json).await?,
    }
    Ok(Exit::Done)
}

async fn add(partners: &Partners, args: AddArgs, now: OffsetDateTime) -> anyhow::Result<()> {
    let AddArgs { partner, contact, title, wish } = args;
    let wanted = wish.read(now)?;
    let title = title.unwrap_or_else(|| partner.to_string());
    for (option, text) in [("--contact", &contact), ("--title", &title)] {
        check_text(option, text)?;
    }
    let account = Account::new(partner.clone(), title, contact, now);
    match partners.accounts.create_account(&account).await {
        Ok(()) => {}
        Err(error) if error.is_lost_race() => bail!(
            "there is a partner `{partner}` already; `contoso partners key {partner}` gives it another key, and the same name in other \
             letters is no other partner"
        ),
        Err(error) => return Err(error).context("cannot add the partner"),
    }
    let made = partners.accounts.issue(&partner, wanted, None, now).await;
    let (key, record) = made
        .with_context(|| format!("`{partner}` is added, and has no key; `contoso partners key {partner}` makes one"))?;
    show(&key, &record, &wish)?;
    note(partners, &partner, format!("add partner with key {}", record.key.as_str()), now).await
}

async fn key(partners: &Partners, args: KeyArgs, now: OffsetDateTime) -> anyhow::Result<()> {
    let KeyArgs { partner, supersedes, grace, no_grace, wish } = args;
    let wanted = wish.read(now)?;
    known(partners, &partner).await?;
    let grace = match (grace, no_grace) {
        (_, true) => Duration::ZERO,
        (Some(grace), false) => Duration::try_from(grace).unwrap_or(Duration::MAX),
        (None, false) => GRACE,
    };
    if grace > LONGEST_GRACE {
        return Err(WrongUsage(format!("--grace is at most {}h", LONGEST_GRACE.whole_hours())).into());
    }
    let superseded = supersedes.as_ref().map(|key| Superseded { key, grace });
    let (key, record) = match partners.accounts.issue(&partner, wanted, superseded, now).await {
        Err(IssueError::NoSuchKey) => bail!("--supersedes {}", IssueError::NoSuchKey),
        made => made?,
    };
    let mut did = format!("add key {}", record.key.as_str());
    if let Some(supersedes) = &supersedes {
        did += &format!(" in place of {}", supersedes.as_str());
    }
    show(&key, &record, &wish)?;
    note(partners, &partner, did, now).await
}

async fn list(partners: &Partners, json: bool) -> anyhow::Result<()> {
    let accounts = partners.accounts.all().await.context("cannot list partners")?;
    if json {
        return print(&json!({ "partners": accounts }).to_string());
    }
    for Account { partner, name, contact, created, disabled, .. } in accounts {
        let state = if disabled.is_some() { "disabled" } else { "active" };
        print(&format!("{:<40} {state:<8} since {}  {name}  {contact}", partner.as_str(), text(created)))?;
    }
    Ok(())
}

async fn keys(partners: &Partners, partner: &PartnerName, json: bool, now: OffsetDateTime) -> anyhow::Result<()> {
    known(partners, partner).await?;
    let mut keys = partners.accounts.keys(partner).await.context("cannot list the keys")?;
    keys.sort_by_key(|key| key.created);
    if json {
        let keys: Vec<Value> = keys.iter().map(shown).collect();
        return print(&json!({ "keys": keys }).to_string());
    }
    for key in keys {
        let state = match key.state {
            KeyState::Revoked { at } => format!("revoked {}", text(at)),
            KeyState::Superseded { until } => format!("superseded, until {}", text(until)),
            KeyState::Active if !key.counts(now) => "expired".to_owned(),
            KeyState::Active => "active".to_owned(),
        };
        let ends = key.expires.map_or_else(String::new, |at| format!(", expires {}", text(at)));
        let used = key.last_used.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", text(at)));
        let (id, label) = (key.key.as_str(), key.label.unwrap_or_default());
        print(&format!("{id}  {:<5}  made {}, {used}{ends}  {state}  {label}", word(key.scope), text(key.created)))?;
    }
    Ok(())
}

async fn revoke(partners: &Partners, partner: &PartnerName, key: &KeyId, now: OffsetDateTime) -> anyhow::Result<()> {
    let revoked = partners.accounts.change_key(partner, key, |record| record.revoked(now)).await;
    if revoked.context("cannot revoke the key")?.is_none() {
        bail!("`{partner}` has no key {}; `contoso partners keys {partner}` lists them", key.as_str());
    }
    note(partners, partner, format!("revoke key {}", key.as_str()), now).await?;
    output::say(&format!("Key {} of {partner} counts no more.", key.as_str()));
    Ok(())
}

async fn disable(
    partners: &Partners,
    partner: &PartnerName,
    disabled: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let stored = known(partners, partner).await?;
    let word = if disabled.is_some() { "disable" } else { "enable" };
    if stored.value.disabled.is_some() != disabled.is_some() {
        let mut account = stored.value;
        account.disabled = disabled;
        partners
            .accounts
            .replace_account(&account, &stored.etag)
            .await
            .with_context(|| format!("cannot {word} the partner"))?;
        note(partners, partner, format!("{word} partner"), now).await?;
    }
    output::say(&format!("{partner} is {word}d."));
    Ok(())
}

async fn audit(partners: &Partners, partner: &PartnerName, last: u32, json: bool) -> anyhow::Result<()> {
    known(partners, partner).await?;
    let (mut left, mut before) = (last, None::<String>);
    while let Some(size) = NonZeroU32::new(left.min(PAGE)) {
        let page = partners.audit.page(partner, before.as_deref(), size).await.context("cannot read the audit log")?;
        for entry in &page.items {
            if json {
                print(&serde_json::to_string(entry)?)?;
            } else {
                let by = entry.key.as_ref().map_or("operator", KeyId::as_str);
                print(&format!("{}  {by:<12}  {}  {}", text(entry.at), entry.status, entry.action))?;
            }
        }
        let read = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        if read < size.get() {
            break;
        }
        left = left.saturating_sub(read);
        before = page.items.last().map(|entry| entry.id.clone());
    }
    Ok(())
}

/// The partner's account, or what to do where there is none.
async fn known(
    partners: &Partners,
    partner: &PartnerName,
) -> anyhow::Result<contoso_handlers::azure::cosmos::Stored<Account>> {
    let account = partners.accounts.account(partner).await.context("cannot read the partner's account")?;
    account.with_context(|| format!("there is no partner `{partner}`; `contoso partners list` shows them"))
}

/// Puts what an operator did into the partner's audit log.
async fn note(partners: &Partners, partner: &PartnerName, action: String, now: OffsetDateTime) -> anyhow::Result<()> {
    let entry = Entry::new(partner.clone(), None, action, 200, now);
    partners.audit.add(&entry).await.context("it is done, and the audit log does not say so")
}

/// Shows a new key: on a line of its own on stdout, so that it can be copied whole.
fn show(key: &ApiKey, record: &KeyRecord, wish: &WishArgs) -> anyhow::Result<()> {
    if wish.json {
        let mut document = shown(record);
        document["partner"] = json!(record.partner);
        document["key"] = json!(key.reveal());
        return print(&document.to_string());
    }
    if !wish.key_only {
        output::say(&format!(
            "Key {} of {} may {}. It is shown this once; keep it as a secret, and call the API with `Authorization: Bearer <key>`:",
            record.key.as_str(),
            record.partner,
            word(record.scope)
        ));
    }
    print(key.reveal())
}

/// A key without what it is checked by.
fn shown(record: &KeyRecord) -> Value {
    json!({
        "id": record.key, "scope": record.scope, "label": record.label, "created": text(record.created),
        "expires": record.expires.map(text), "lastUsed": record.last_used.map(text), "state": record.state,
    })
}

impl WishArgs {
    fn read(&self, now: OffsetDateTime) -> anyhow::Result<KeyWish> {
        if let Some(label) = &self.label {
            check_text("--label", label)?;
        }
        let expires = match self.expires_in.map(Duration::try_from) {
            None => None,
            Some(span) => {
                let at = span.ok().and_then(|span| now.checked_add(span));
                Some(at.ok_or_else(|| WrongUsage("--expires-in is longer than dates last".to_owned()))?)
            }
        };
        let scope = match self.scope {
            Allowed::Read => Scope::Read,
            Allowed::Write => Scope::Write,
        };
        Ok(KeyWish { scope, label: self.label.clone(), expires })
    }
}

fn check_text(option: &str, text: &str) -> Result<(), WrongUsage> {
    let is_text = !text.trim().is_empty() && text.chars().count() <= TEXT && !text.chars().any(char::is_control);
    if is_text { Ok(()) } else { Err(WrongUsage(format!("{option} is a text of 1 to {TEXT} characters on one line"))) }
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
    }
}

fn text(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}
