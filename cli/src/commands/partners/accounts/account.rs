//! Accounts: a partner joins, is listed, is refused and taken again.

use anyhow::{Context, bail};
use contoso_handlers::{
    domain::partner::{PartnerName, api_key::Account},
    stores::partners::Partners,
};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    known, note, partner, print, text,
    wish::{WishArgs, show},
};
use crate::{commands::WrongUsage, output};

/// The longest contact or title, in characters.
const TEXT: usize = 200;

#[derive(Debug, clap::Args)]
pub(in crate::commands::partners) struct AddArgs {
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

pub(super) async fn add(partners: &Partners, args: AddArgs, now: OffsetDateTime) -> anyhow::Result<()> {
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

pub(super) async fn list(partners: &Partners, json: bool) -> anyhow::Result<()> {
    let accounts = partners.accounts.all().await.context("cannot list partners")?;
    if json {
        return print(&json!({ "partners": accounts }).to_string());
    }
    print(&format!("{:<40} {:<8} {:<20}  {:<24}  CONTACT", "PARTNER", "STATE", "SINCE", "TITLE"))?;
    for Account { partner, name, contact, created, disabled, .. } in accounts {
        let state = if disabled.is_some() { "disabled" } else { "active" };
        print(&format!("{:<40} {state:<8} {:<20}  {name:<24}  {contact}", partner.as_str(), text(created)))?;
    }
    Ok(())
}

pub(super) async fn disable(
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
    let after = match disabled {
        Some(_) => {
            " Its active subscriptions still get events; `contoso partners disable --help` says how to stop them."
        }
        None => "",
    };
    output::say(&format!("{partner} is {word}d.{after}"));
    Ok(())
}

fn check_text(option: &str, text: &str) -> Result<(), WrongUsage> {
    let is_text = !text.trim().is_empty() && text.chars().count() <= TEXT && !text.chars().any(char::is_control);
    if is_text { Ok(()) } else { Err(WrongUsage(format!("{option} is a text of 1 to {TEXT} characters on one line"))) }
}
