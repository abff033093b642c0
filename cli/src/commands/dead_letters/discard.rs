//! `contoso dead-letters drop`.

use serde_json::{Map, Value, json};

use super::{Console, Filter, print, user};
use crate::{
    commands::{Exit, WrongUsage},
    output,
};

/// Throw letters away: those with these ids, or all that a filter takes now
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The letters, as lists show them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Every letter, whatever it is
    #[arg(long)]
    all: bool,
    /// Why; the log keeps it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who does it, for the log [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do it, where a filter or --all chooses the letters; without it, how many there are is said
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: Args) -> anyhow::Result<Exit> {
    let members = args.filter.members();
    let mut order = json!({ "reason": args.reason, "by": args.by.unwrap_or_else(user) });
    match (args.ids.is_empty(), members.is_empty()) {
        (false, true) if !args.all => order["ids"] = json!(args.ids),
        (true, is_empty) if is_empty == args.all => {
            let expected = match console.confirmed(&members, args.yes, "drop").await? {
                Ok(expected) => expected,
                Err(exit) => return Ok(exit),
            };
            let filter: Map<String, Value> =
                members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            order["filter"] = Value::Object(filter);
            order["expected"] = expected;
        }
        _ => {
            let said = "say either ids of letters, or a filter such as --function, or --all";
            return Err(WrongUsage(said.to_owned()).into());
        }
    }
    let done = console.post("/drop", &order, "drop dead letters").await?;
    if args.json {
        print(&done.to_string())?;
    } else {
        print(&format!("{} dropped", done["dropped"]))?;
        let notes = [
            ("gone", "were not there"),
            ("changed", "were written again meanwhile, and stay"),
            ("failed", "could not be dropped, and stay"),
            ("left", "are left; the same command goes on"),
        ];
        for (name, said) in notes {
            if done[name].as_u64().is_some_and(|count| count > 0) {
                output::say(&format!("{} {said}", done[name]));
            }
        }
    }
    Ok(if done["failed"] == 0 { Exit::Done } else { Exit::Failed })
}
