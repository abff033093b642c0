//! `contoso schemas infer`: a first schema for events that are JSON so far.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use contoso_handlers::{app::App, azure::hub_reader::incoming, events::EventData};
use contoso_schema_checker::infer::{Proposal, Seen};
use serde_json::{Value, json};

use super::super::{Exit, WrongUsage};
use crate::{endpoints, hub, identity, output};

const EXAMPLES: &str = "\
Examples:
  contoso schemas infer orders
      A proposal for each type of event in JSON that the hub holds
  contoso schemas infer orders --type com.contoso.order.placed.v1 > schemas/order/placed.v1.avsc
      One of them, into a file: what was seen of each field and what to look at is on stderr
  contoso schemas infer --file orders.jsonl --name com.contoso.order.OrderPlaced --json
      From a file with an event a line, or one array; with counts and warnings, for scripts

Whole numbers become long, any fraction double; what is missing or null somewhere becomes [\"null\", …] with the default null; texts stay texts. No value that was seen is in a proposal, but names of members are. Read it before you land it: docs/schemas.md.";

/// Bytes of a line or file beyond which it is no list of events.
const MAX_LINE: u64 = 1 << 20;
const MAX_ARRAY: u64 = 64 << 20;
/// Types that are kept apart.
const MAX_TYPES: usize = 100;

/// Propose a schema for events in JSON
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The event hub
    #[arg(value_name = "HUB", required_unless_present = "file")]
    hub: Option<String>,
    /// Read this file instead: JSON lines, or an array; a CloudEvent counts by its data
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hub", "endpoints"])]
    file: Option<PathBuf>,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Full name of the record [default: after the event's type]
    #[arg(long, value_name = "NAME", value_parser = full_name)]
    name: Option<String>,
    /// How many of the newest events of each partition to look at
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    limit: u64,
    /// Print one JSON object, with counts and warnings
    #[arg(long)]
    json: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// Events, by type; those without one under the empty name.
#[derive(Default)]
struct Found {
    types: BTreeMap<String, Seen>,
    /// Events that are Avro, and so have a schema.
    avro: u64,
    /// What is no event in JSON, such as a line of a file that is none.
    unread: u64,
    /// What was read is cut off there.
    notes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the stack does not answer, the file cannot be read, or there is no event in JSON.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut found = Found::default();
    match (&args.hub, &args.file) {
        (_, Some(file)) => {
            from_file(file, &mut found).map_err(|error| WrongUsage(output::chain(error.as_ref())))?;
        }
        (Some(hub), None) => from_hub(hub, args, &mut found).await?,
        (None, None) => bail!("say which hub, or --file FILE"),
    }
    if let Some(wanted) = &args.event_type {
        found.types.retain(|name, _| name == wanted);
    }
    found.types.retain(|_, seen| seen.events() > 0);
    let place = args.hub.as_ref().map_or_else(|| "the file".to_owned(), |hub| format!("the hub {hub}"));
    if found.types.is_empty() {
        let of = args.event_type.as_ref().map(|name| format!(" of type {name}")).unwrap_or_default();
        bail!(
            "{place} has no event{of} with a JSON object for data ({} in Avro, {} unreadable)",
            found.avro,
            found.unread
        );
    }
    if found.types.len() > 1 && args.name.is_some() {
        let types: Vec<&str> = found.types.keys().map(String::as_str).collect();
        return Err(
            WrongUsage(format!("--name is for one type, and {place} has {}; say --type", types.join(", "))).into()
        );
    }
    print(args, &found)
}

fn print(args: &Args, found: &Found) -> anyhow::Result<Exit> {
    let proposals: Vec<(&str, Proposal)> = found
        .types
        .iter()
        .filter_map(|(of, seen)| {
            let name = args.name.clone().unwrap_or_else(|| record_name(of));
            Some((of.as_str(), seen.proposal(&name)?))
        })
        .collect();
    let mut out = std::io::stdout().lock();
    if args.json {
        let proposals = proposals.iter().map(|(of, proposal)| {
            let mut json = proposal.to_json();
            json["eventType"] = json!(of);
            json
        });
        let proposals: Vec<Value> = proposals.collect();
        writeln!(
            out,
            "{}",
            json!({ "proposals": proposals, "avro": found.avro, "unread": found.unread, "notes": found.notes })
        )?;
        return Ok(Exit::Done);
    }
    for (of, proposal) in &proposals {
        writeln!(out, "{}", proposal.text())?;
        let of = if of.is_empty() { "events without a type" } else { of };
        output::say(&format!("{of}: proposed from {}", output::counted(usize::try_from(proposal.events)?, "event")));
        for field in &proposal.fields {
            let nulls = if field.nulls > 0 { format!(", null in {}", field.nulls) } else { String::new() };
            output::say(&format!("  {}: {}, seen {} of {}{nulls}", field.path, field.of, field.seen, field.of_objects));
        }
        for warning in &proposal.warnings {
            output::say(&format!("  warning: {warning}"));
        }
    }
    if proposals.len() > 1 {
        output::say("these are several schemas; --type has one of them alone, for a file");
    }
    for note in &found.notes {
        output::say(note);
    }
    if found.avro + found.unread > 0 {
        output::say(&format!(
            "not looked at: {} in Avro, which have a schema; {} unreadable",
            found.avro, found.unread
        ));
    }
    Ok(Exit::Done)
}

impl Found {
    fn add(&mut self, event_type: &str, data: &Value) {
        if let Some(seen) = self.types.get_mut(event_type) {
            seen.add(data);
        } else if self.types.len() < MAX_TYPES {
            let mut seen = Seen::default();
            seen.add(data);
            self.types.insert(event_type.to_owned(), seen);
        } else {
            self.unread += 1;
        }
    }

    /// An event as a file has it: a CloudEvent in JSON, or its data alone.
    fn add_json(&mut self, value: &Value) {
        let of_event = |value: &Value| value.get("specversion").is_some() && value["type"].is_string();
        if of_event(value) {
            let data = if value.get("data").is_some() { &value["data"] } else { &Value::Null };
            self.add(value["type"].as_str().unwrap_or_default(), data);
        } else {
            self.add("", value);
        }
    }
}

async fn from_hub(name: &str, args: &Args, found: &mut Found) -> anyhow::Result<()> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    endpoints::check_hub(&endpoints, name)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let settings = endpoints::handler_settings(&endpoints)?;
    let hubs = settings.event_hubs.clone();
    let app = App::new(settings);
    hub::newest(&hubs, name, args.limit, async |_, received| {
        match app.events().decode(incoming(received)).await {
            Ok(event) => match &event.data {
                EventData::Json(data) => found.add(&event.r#type, data),
                EventData::Avro(..) => found.avro += 1,
            },
            // No CloudEvent; perhaps the data alone.
            Err(_) => match contoso_json::from_slice::<Value>(received.event_data().body().unwrap_or_default()) {
                Ok(value) => found.add_json(&value),
                Err(_) => found.unread += 1,
            },
        }
    })
    .await
}

fn from_file(file: &Path, found: &mut Found) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", file.display());
    let opened = std::fs::File::open(file).with_context(cannot)?;
    let mut reader = BufReader::new(opened);
    let begin = reader.fill_buf().with_context(cannot)?;
    if begin.trim_ascii_start().starts_with(b"[") {
        let mut text = Vec::new();
        reader.take(MAX_ARRAY + 1).read_to_end(&mut text).with_context(cannot)?;
        if text.len() as u64 > MAX_ARRAY {
            bail!("{} is an array of more than {} MiB; write an event a line", file.display(), MAX_ARRAY >> 20);
        }
        // An array over several lines, or a line that is one.
        if let Ok(values) = contoso_json::from_slice::<Vec<Value>>(&text) {
            values.iter().for_each(|value| found.add_json(value));
            return Ok(());
        }
        bail!("{} begins as an array and is none", file.display());
    }
    let mut number = 0_u64;
    loop {
        let mut line = Vec::new();
        if reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).with_context(cannot)? == 0 {
            return Ok(());
        }
        number += 1;
        if line.len() as u64 > MAX_LINE {
            found.notes.push(format!("line {number} has more than {MAX_LINE} bytes; it and what follows was not read"));
            return Ok(());
        }
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line).trim_ascii();
        if line.is_empty() {
            continue;
        }
        match contoso_json::from_slice::<Value>(line) {
            Ok(value) => found.add_json(&value),
            Err(error) => {
                found.unread += 1;
                // The first says enough.
                if found.notes.is_empty() {
                    found.notes.push(format!("line {number} is not JSON: {error}"));
                }
            }
        }
    }
}

/// Name of the record for an event type: `com.contoso.order.placed.v1` holds a `com.contoso.order.OrderPlaced`.
fn record_name(event_type: &str) -> String {
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let legal = |part: &&str| !part.is_empty() && !is_version(part);
    let parts: Vec<&str> = event_type.split('.').filter(legal).collect();
    match parts.as_slice() {
        [] => "Event".to_owned(),
        [.., aggregate, happened] => {
            let space: Vec<String> = parts[..parts.len() - 1].iter().map(|part| word(part, false)).collect();
            format!("{}.{}{}", space.join("."), word(aggregate, true), word(happened, true))
        }
        [one] => word(one, true),
    }
}

/// A part of a type as a name: `anomaly-detected` as `AnomalyDetected` or `anomaly_detected`.
fn word(part: &str, is_capital: bool) -> String {
    let words = part.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = if is_capital {
        words.map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect::<String>()
    } else {
        words.collect::<Vec<_>>().join("_")
    };
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("E{name}") }
}

fn full_name(text: &str) -> Result<String, String> {
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if text.split('.').all(is_name) {
        Ok(text.to_owned())
    } else {
        Err("a name is letters, digits and _, with dots between its parts, such as com.contoso.order.OrderPlaced"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_events_a_line_or_in_an_array_by_type() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("events");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("written");
            let mut found = Found::default();
            from_file(&file, &mut found).map(|()| found)
        };
        let found = read("\u{feff}{\"a\":1}\n\nnothing\n{\"a\":1.5}\n[1]\n{}").expect("read");
        assert_eq!((found.unread, found.types[""].events()), (1, 3));
        assert!(found.notes[0].starts_with("line 3 "), "{:?}", found.notes);
        let event =
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.contoso.order.placed.v1","data":{"a":1}}"#;
        let found = read(&format!("[{event},\n{event}]")).expect("read");
        assert_eq!(found.types["com.contoso.order.placed.v1"].events(), 2);
        assert!(read("[1,").is_err());
        let long = read(&format!("{{\"a\":1}}\n{}\n{{\"a\":1}}", "x".repeat(1 << 21))).expect("read");
        assert_eq!((long.types[""].events(), long.notes.len()), (1, 1));
        assert!(from_file(&directory.path().join("none"), &mut Found::default()).is_err());
    }

    #[test]
    fn a_record_is_called_after_the_type_of_its_events() {
        assert_eq!(record_name("com.contoso.click.recorded.v1"), "com.contoso.click.ClickRecorded");
        assert_eq!(
            record_name("com.contoso.analytics.anomaly-detected.v12"),
            "com.contoso.analytics.AnalyticsAnomalyDetected"
        );
        assert_eq!(record_name("placed"), "Placed");
        assert_eq!((record_name(""), record_name("v1")), ("Event".to_owned(), "Event".to_owned()));
        assert_eq!(record_name("com.7-up.größe"), "com.E7_up.E7UpGrE");
        assert!(full_name("a.B_1").is_ok() && full_name("a..B").is_err() && full_name("1").is_err());
    }
}
