//! `contoso dead-letters list`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Console, Filter, plain, print};
use crate::{commands::Exit, output::counted};

/// Letters that are asked for at a time.
const PAGE: usize = 200;

/// List letters: how many by function and cause, and the newest
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// How many letters to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    last: usize,
    /// Print one JSON object for each letter
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: &Args) -> anyhow::Result<Exit> {
    let limit = args.last.clamp(1, PAGE).to_string();
    let mut query: Vec<(String, String)> =
        args.filter.members().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    query.push(("limit".to_owned(), limit));
    let mut left = args.last;
    let mut is_first = true;
    loop {
        let members: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = console.get("", &members, "list dead letters").await?;
        if is_first && !args.json {
            print(&summary(&page, !args.filter.members().is_empty()))?;
            if let Some(function) = args.filter.function.as_deref().filter(|_| number(&page["letters"]) == 0) {
                print(&others(&console.get("", &[("limit", "1")], "list dead letters").await?, function))?;
            }
        }
        is_first = false;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        for item in items.iter().take(left) {
            print(&if args.json { item.to_string() } else { line(item) })?;
        }
        left = left.saturating_sub(items.len());
        match page["next"].as_str() {
            Some(next) if left > 0 => query = Console::members_of(next),
            _ => return Ok(Exit::Done),
        }
    }
}

/// Whose letters there are, where there are none of the function that was asked for: its name may be another.
fn others(page: &Value, function: &str) -> String {
    let groups = page["groups"].as_array().into_iter().flatten();
    let names: BTreeSet<&str> = groups.filter_map(|group| group["function"].as_str()).collect();
    match names.is_empty() {
        true => "nor is there one of another function".to_owned(),
        false if names.contains(function) => format!("other letters of {function} there are"),
        false => format!("letters are of: {}", plain(&names.into_iter().collect::<Vec<_>>().join(", "), false)),
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

/// How many there are, and of which kinds.
fn summary(page: &Value, is_filtered: bool) -> String {
    let more = if page["isMore"] == true { ", and more that were not counted" } else { "" };
    let (letters, records) = (number(&page["letters"]), number(&page["records"]));
    if letters == 0 && is_filtered {
        return format!("no dead letter fits the filter{more}");
    }
    if letters == 0 {
        return format!("no dead letters{more}");
    }
    let mut text = format!("{} of {}{more}\n", counted(letters, "letter"), counted(records, "record"));
    if number(&page["unread"]) > 0 {
        text += &format!("the causes of {} were not read yet; list again\n", number(&page["unread"]));
    }
    text += &format!("\n{:>7}  {:>7}  {:<22}  CAUSE\n", "LETTERS", "RECORDS", "FUNCTION");
    for group in page["groups"].as_array().into_iter().flatten() {
        let (function, label) = (group["function"].as_str(), group["label"].as_str());
        text += &format!(
            "{:>7}  {:>7}  {:<22}  {}\n",
            number(&group["letters"]),
            number(&group["records"]),
            function.unwrap_or_default(),
            plain(label.unwrap_or("(not read yet)"), false),
        );
    }
    text
}

fn line(item: &Value) -> String {
    let text = |name: &str| plain(item[name].as_str().unwrap_or("-"), false);
    let at = text("parkedAt");
    let at = at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let event = item["event"]["id"].as_str().map(|id| format!("\n    event {}", plain(id, false))).unwrap_or_default();
    format!("{at}Z  {}\n    {}{event}", text("id"), text("cause"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_told_from_letters_and_a_stranger_cannot_paint() {
        let page = json!({ "letters": 6, "records": 2, "isMore": false, "groups": [
            { "function": "Trends", "label": "read\u{1b}[31m the click", "letters": 2, "records": 2 } ] });
        let text = summary(&page, false);
        assert!(text.starts_with("6 letters of 2 records\n") && !text.contains('\u{1b}'), "{text}");
        let none = json!({ "letters": 0, "records": 0, "isMore": true, "groups": [] });
        assert_eq!(summary(&none, true), "no dead letter fits the filter, and more that were not counted");
        let page =
            json!({ "groups": [{ "function": "Trends" }, { "function": "PriceAlerts" }, { "function": "Trends" }] });
        assert_eq!(others(&page, "Trend"), "letters are of: PriceAlerts, Trends");
        assert_eq!(others(&json!({ "groups": [] }), "Trend"), "nor is there one of another function");
        let item = json!({ "id": "F/o/0/1-a.json", "parkedAt": "2026-01-05T10:00:00.123Z", "cause": "bad\nthing", "event": null });
        assert_eq!(line(&item), "2026-01-05T10:00:00Z  F/o/0/1-a.json\n    bad thing");
    }
}
