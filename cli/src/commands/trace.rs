//! `contoso trace`: one event from its cause to its effects, as a waterfall.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use reqwest::{StatusCode, Url};
use time::format_description::well_known::Rfc3339;

use super::Exit;
use crate::{
    endpoints,
    failure::{self, CallError},
    output::Paint,
    traces::{self, PATH, Row, Waterfall},
};

const EXAMPLES: &str = "\
Examples:
  contoso trace 4bf92f3577b34da6a3ce929d0e0e4736
      The trace of that id, or of the traceparent that an event has: what caused what, when, and for how long
  contoso trace 0199b1c2-5d8e-7c3a-9f00-2f6a1b7c8d9e
      The trace of the event with that id; `contoso tail products --json` shows ids
  contoso trace 4bf92f3577b34da6a3ce929d0e0e4736 --json | jq '.spans[] | select(.failed)'
      The same for scripts

Traces are kept for an hour, by the stack that `contoso up` runs.";

/// Show one event from its cause to its effects: what happened, when, and for how long
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Id of a trace, its traceparent, or the id of an event
    id: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// Prints the trace.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let trace = read(args.endpoints.as_deref(), args.id.trim()).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&trace)?)?;
    } else {
        write!(out, "{}", text(&trace, Paint::stdout()))?;
    }
    Ok(Exit::Done)
}

async fn read(file: Option<&Path>, id: &str) -> anyhow::Result<Waterfall> {
    let endpoints = endpoints::read(&endpoints::locate(file)?)?;
    let mut url = Url::parse(&endpoints.site).context("the address of the pages is none")?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend([PATH.trim_start_matches('/'), "traces", id]);
    }
    let operation = || format!("read the trace {id}");
    let answer = reqwest::get(url).await.map_err(|source| CallError::Send { operation: operation(), source })?;
    match answer.status() {
        StatusCode::OK => {
            contoso_json::from_slice(&answer.bytes().await?).context("the stack's answer is not understood")
        }
        StatusCode::NOT_FOUND => bail!(traces::unknown(id)),
        _ => Err(failure::refused(operation(), answer).await.into()),
    }
}

/// Characters of the bars.
const WIDTH: usize = 32;

/// The waterfall: offset, duration, a bar, and the names, each below what caused it.
fn text(trace: &Waterfall, paint: Paint) -> String {
    let start = trace.start.format(&Rfc3339).unwrap_or_default();
    let spans = if trace.count == 1 { "1 span".to_owned() } else { format!("{} spans", trace.count) };
    let head = format!("{start}  {spans}, {}", milliseconds(trace.duration_ms));
    let mut text = format!("{}  {head}\n", paint.strong(&format!("trace {}", trace.id)));
    for row in &trace.spans {
        let (offset, duration) = (milliseconds(row.offset_ms), milliseconds(row.duration_ms));
        let bar = bar(row, trace.duration_ms);
        let bar = if row.failed { paint.bad(&bar) } else { paint.name(&bar) };
        let name = format!("{}{}", "  ".repeat(row.depth.min(20)), printable(&row.name));
        let mut line = format!("{offset:>10} {duration:>10}  {bar}  {name} {}", paint.faint(&row.kind));
        if row.failed {
            let cause = row.cause.as_deref().map_or("failed".to_owned(), printable);
            line.push_str(&format!("  {}", paint.bad(&cause)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let more = trace.count - trace.spans.len().min(trace.count);
    if more > 0 {
        text.push_str(&format!("… and {more} more\n"));
    }
    text
}

/// Where a span lies in its trace, a character at least.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "few characters"
)]
fn bar(row: &Row, whole_ms: f64) -> String {
    let place = |ms: f64| if whole_ms > 0.0 { (ms / whole_ms * WIDTH as f64).clamp(0.0, WIDTH as f64) } else { 0.0 };
    let from = (place(row.offset_ms) as usize).min(WIDTH - 1);
    let to = (place(row.offset_ms + row.duration_ms).ceil() as usize).clamp(from + 1, WIDTH);
    format!("{}{}{}", " ".repeat(from), "█".repeat(to - from), " ".repeat(WIDTH - to))
}

fn milliseconds(ms: f64) -> String {
    match ms {
        _ if ms >= 10_000.0 => format!("{:.1} s", ms / 1000.0),
        _ if ms >= 10.0 => format!("{ms:.0} ms"),
        _ => format!("{ms:.1} ms"),
    }
}

/// What anybody may have named so, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waterfall_shows_what_caused_what_and_when() {
        let row = |id: &str, depth: usize, offset: f64, duration: f64, name: &str, cause: Option<&str>| {
            json!({"id": id, "parent": null, "depth": depth, "offsetMs": offset, "durationMs": duration, "name": name,
                "kind": "consumer", "service": "shop", "failed": cause.is_some(), "cause": cause, "attributes": {}})
        };
        let trace: Waterfall = serde_json::from_value(json!({
            "id": "01".repeat(16), "start": "2026-01-05T10:00:00Z", "durationMs": 16000.0, "count": 5, "spans": [
                row("1", 0, 0.0, 8000.0, "Products", None),
                row("2", 1, 8000.0, 0.5, "send", None),
                row("3", 2, 12_000.0, 4000.0, "Project\u{1b}[2J", Some("no stock")),
            ],
        }))
        .expect("a trace");
        let expected = format!(
            "trace {}  2026-01-05T10:00:00Z  5 spans, 16.0 s\n    0.0 ms    8000 ms  {}{}  Products consumer\n   8000 ms     \
             0.5 ms  {}█{}    send consumer\n    12.0 s    4000 ms  {}{}      Project\u{fffd}[2J consumer  no stock\n… and 2 more\n",
            "01".repeat(16),
            "█".repeat(16),
            " ".repeat(16),
            " ".repeat(16),
            " ".repeat(15),
            " ".repeat(24),
            "█".repeat(8)
        );
        assert_eq!(text(&trace, Paint::plain()), expected);
    }
}
