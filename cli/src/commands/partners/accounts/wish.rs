//! What a new key shall be, and how it is shown.

use clap::ValueEnum;
use contoso_handlers::domain::partner::api_key::{ApiKey, KeyRecord, KeyWish, LONGEST_LABEL, Scope, is_label};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{print, text};
use crate::{commands::WrongUsage, output, units};

/// What a new key shall be.
#[derive(Debug, clap::Args)]
pub(super) struct WishArgs {
    /// What the key may do
    #[arg(long, value_enum, default_value_t = Allowed::Write)]
    scope: Allowed,
    /// What the key is called in lists
    #[arg(long)]
    label: Option<String>,
    /// When the key ends by itself, such as 90d [default: never]
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

impl WishArgs {
    pub(super) fn read(&self, now: OffsetDateTime) -> anyhow::Result<KeyWish> {
        if self.label.as_deref().is_some_and(|label| !is_label(label)) {
            return Err(WrongUsage(format!("--label is a text of 1 to {LONGEST_LABEL} characters on one line")).into());
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

/// Shows a new key: on a line of its own on stdout, so that it can be copied whole.
pub(super) fn show(key: &ApiKey, record: &KeyRecord, wish: &WishArgs) -> anyhow::Result<()> {
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
pub(super) fn shown(record: &KeyRecord) -> Value {
    json!({
        "id": record.key, "scope": record.scope, "label": record.label, "created": text(record.created),
        "expires": record.expires.map(text), "lastUsed": record.last_used.map(text), "state": record.state,
    })
}

pub(super) fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
    }
}
