//! `contoso dead-letters log`.

use serde_json::Value;

use super::{Console, plain, print};
use crate::commands::Exit;

/// Entries that are asked for at a time.
const PAGE: usize = 200;

/// Show who did what with letters, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many entries
    #[arg(long, default_value_t = 20, value_name = "N")]
    last: usize,
    /// Print one JSON object for each entry
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: &Args) -> anyhow::Result<Exit> {
    let mut query = vec![("limit".to_owned(), args.last.clamp(1, PAGE).to_string())];
    let mut left = args.last;
    loop {
        let members: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = console.get("/log", &members, "read the log").await?;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in items.iter().take(left) {
            print(&if args.json { entry.to_string() } else { line(entry) })?;
        }
        left = left.saturating_sub(items.len());
        match page["next"].as_str() {
            Some(next) if left > 0 => query = Console::members_of(next),
            _ => return Ok(Exit::Done),
        }
    }
}

fn line(entry: &Value) -> String {
    let text = |value: &Value| plain(value.as_str().unwrap_or("-"), false);
    let at = text(&entry["at"]);
    let at = at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let (by, action) = (text(&entry["by"]), text(&entry["action"]));
    let chosen = match &entry["filter"] {
        Value::Object(filter) if filter.is_empty() => " (all)".to_owned(),
        Value::Object(filter) => {
            let members = filter.iter().map(|(name, value)| format!("{name}={}", text(value)));
            format!(" ({})", members.collect::<Vec<_>>().join(", "))
        }
        _ => entry["letters"][0].as_str().map(|id| format!(" ({})", plain(id, false))).unwrap_or_default(),
    };
    let ended = match &entry["ended"] {
        Value::Null if entry["batch"].is_string() => format!(", batch {}", text(&entry["batch"])),
        Value::Null => ", not ended".to_owned(),
        ended => ended["dropped"].as_u64().map(|dropped| format!(", {dropped} dropped")).unwrap_or_default(),
    };
    let reason = entry["reason"].as_str().map(|reason| format!(": {}", plain(reason, false))).unwrap_or_default();
    format!("{at}Z  {by:<12}  {action} {}{chosen}{ended}{reason}", entry["count"])
}
