//! `contoso partners listeners`: what `listen` leaves for some hours where it was killed.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::bail;
use contoso_handlers::domain::partner::{ListenerId, PartnerName};
use reqwest::{Method, StatusCode};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    accounts::{self, partner},
    api::Api,
    caller::CallerArgs,
};
use crate::{commands::Exit, output};

/// List a partner's listeners, or remove one that is left over
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The partner, as --partner
    #[arg(value_parser = partner)]
    partner: Option<PartnerName>,
    #[command(flatten)]
    caller: CallerArgs,
    /// Remove this one, with what waits for it
    #[arg(long, value_name = "ID")]
    remove: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, endpoints: Option<&Path>) -> anyhow::Result<Exit> {
    let api = args.caller.api(args.partner, endpoints).await?;
    if let Some(id) = args.remove {
        return remove(&api, &id, args.json).await;
    }
    let listed = api.call(Method::GET, "/listeners", None, "list listeners").await?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{listed}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{:<22}  {:<8}  {:<20}  {:<20}  LIKE", "LISTENER", "STATE", "MADE", "ENDS")?;
    for item in listed["items"].as_array().into_iter().flatten() {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let (made, ends) = (in_seconds(text("created")), in_seconds(text("expires")));
        let line = format!("{:<22}  {:<8}  {made:<20}  {ends:<20}  {}", text("id"), text("state"), text("like"));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(Exit::Done)
}

/// Removes the listener `id`; fails where there is none, since another was meant.
async fn remove(api: &Api, id: &str, is_json: bool) -> anyhow::Result<Exit> {
    let is_removed = match ListenerId::try_from(id.to_owned()) {
        // It would lead to another path.
        Err(_) => false,
        Ok(id) => {
            let path = format!("/listeners/{}", id.as_str());
            match api.call(Method::DELETE, &path, None, "remove the listener").await {
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => false,
                removed => removed.map(|_| true)?,
            }
        }
    };
    let partner = api.partner();
    let said = match is_removed {
        true => format!("Listener {id} of {partner} is removed."),
        false => {
            format!("{partner} has no listener {id}; `contoso partners listeners {partner}` shows those that there are")
        }
    };
    if is_json {
        let mut document = json!({ "listener": id, "removed": is_removed });
        if !is_removed {
            document["error"] = json!(said);
        }
        writeln!(io::stdout().lock(), "{document}")?;
    }
    if is_removed {
        output::say(&said);
        return Ok(Exit::Done);
    }
    bail!(said)
}

/// A time without the parts of its second.
fn in_seconds(at: &str) -> String {
    OffsetDateTime::parse(at, &Rfc3339).map_or_else(|_| at.to_owned(), accounts::text)
}
