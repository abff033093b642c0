//! `contoso dead-letters replay`, and what becomes of it: `contoso dead-letters batch`.

use std::time::Duration;

use anyhow::bail;
use backon::{ConstantBuilder, Retryable};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Console, Letters, plain, print, user};
use crate::{
    commands::{Exit, WrongUsage},
    output::{self, counted},
};

const POLL: Duration = Duration::from_secs(1);

/// Give records once more to the functions that parked them: of these letters, or of all that a filter takes now
///
/// The app does it, within its next seconds. Each record goes to the function that parked it and to no other; a letter goes once that is done.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    letters: Letters,
    /// Why; the log keeps it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who does it, for the log [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do not wait for the end
    #[arg(long)]
    no_wait: bool,
    /// Seconds to wait for the end
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show what became of a batch of replays
#[derive(Debug, clap::Args)]
pub(super) struct BatchArgs {
    /// The batch, as `replay` and the log show it
    #[arg(value_name = "ID")]
    id: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: Args) -> anyhow::Result<Exit> {
    let mut order = json!({ "by": args.by.unwrap_or_else(user) });
    if let Some(reason) = &args.reason {
        order["reason"] = json!(reason);
    }
    let order = match console.order(&args.letters, order, "replay").await? {
        Ok(order) => order,
        Err(exit) => return Ok(exit),
    };
    let queued = console.post("/batches", &order, "replay dead letters").await?;
    let id = queued["batch"].as_str().unwrap_or_default().to_owned();
    let count = queued["count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    output::say(&format!("batch {id}: {} to be replayed", counted(count, "letter")));
    for (name, said) in [
        ("notReplayable", "cannot be replayed: Event Grid gave them up"),
        ("left", "are left; the same command goes on"),
    ] {
        if queued[name].as_u64().is_some_and(|count| count > 0) {
            output::say(&format!("{} {said}", queued[name]));
        }
    }
    if args.no_wait {
        print(&if args.json { queued.to_string() } else { id })?;
        return Ok(Exit::Done);
    }
    let ended = || async {
        let batch = console.get(&format!("/batches/{id}"), &[], "look at the batch").await?;
        if batch["ended"] == true { Ok(batch) } else { bail!("{} letters wait still", batch["progress"]["waiting"]) }
    };
    let tries = usize::try_from(args.timeout / POLL.as_secs()).unwrap_or(usize::MAX);
    let batch = ended.retry(ConstantBuilder::new().with_delay(POLL).with_max_times(tries)).await?;
    tell(&whole(console, batch).await?, args.json)
}

pub(super) async fn batch(console: &Console, args: &BatchArgs) -> anyhow::Result<Exit> {
    if args.id.is_empty() || !args.id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Err(WrongUsage("a batch's id is of digits, letters a to f and -".to_owned()).into());
    }
    let batch = console.get(&format!("/batches/{}", args.id), &[], "look at the batch").await?;
    tell(&whole(console, batch).await?, args.json)
}

/// A batch with the letters of all pages, of which the first is here.
async fn whole(console: &Console, mut batch: Value) -> anyhow::Result<Value> {
    let path = format!("/batches/{}", batch["batch"].as_str().unwrap_or_default());
    while let Some(next) = batch["next"].as_str().map(Console::members_of) {
        let query: Vec<(&str, &str)> = next.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let bytes = console.bytes(Method::GET, &path, &query, None, "look at the batch").await?;
        let mut more = contoso_json::plain(&bytes)?;
        if let (Some(items), Some(more)) = (batch["items"].as_array_mut(), more["items"].as_array_mut()) {
            items.append(more);
        }
        batch["next"] = more["next"].take();
    }
    Ok(batch)
}

/// What became of a batch: counts, and the letters that stay with the reason.
fn tell(batch: &Value, json: bool) -> anyhow::Result<Exit> {
    print(&if json { batch.to_string() } else { text(batch) })?;
    let progress = &batch["progress"];
    let is_fine = ["parked", "refused", "failed"].iter().all(|name| progress[name] == 0);
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

fn text(batch: &Value) -> String {
    let progress = &batch["progress"];
    let names = ["done", "skipped", "parked", "gone", "refused", "failed", "waiting"];
    let counts = names.iter().filter(|name| progress[**name] != 0).map(|name| format!("{} {name}", progress[*name]));
    let mut text = counts.collect::<Vec<_>>().join(", ");
    for item in batch["items"].as_array().into_iter().flatten() {
        let outcome = item["outcome"].as_str().unwrap_or("waiting");
        if matches!(outcome, "done" | "gone") || (outcome == "waiting" && item["reason"].is_null()) {
            continue;
        }
        let shown = |value: &Value| plain(value.as_str().unwrap_or("-"), false);
        text += &format!("\n{outcome:<8} {}: {}", shown(&item["letter"]), shown(&item["reason"]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_what_stays_and_why() {
        let batch = json!({ "progress": { "done": 2, "skipped": 0, "parked": 1, "waiting": 0 }, "items": [
            { "letter": "F/o/0/1-a.json", "outcome": "done" },
            { "letter": "F/o/0/2-a.json", "outcome": "parked", "reason": "bad\nstill" } ] });
        let text = text(&batch);
        assert!(text.starts_with("2 done, 1 parked") && text.ends_with("parked   F/o/0/2-a.json: bad still"), "{text}");
    }
}
