//! `contoso dead-letters drop`.

use serde_json::json;

use super::{Console, Letters, print, user};
use crate::{commands::Exit, output};

/// Throw letters away: those with these ids, or all that a filter takes now
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    letters: Letters,
    /// Why; the log keeps it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who does it, for the log [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: Args) -> anyhow::Result<Exit> {
    let order = json!({ "reason": args.reason, "by": args.by.unwrap_or_else(user) });
    let order = match console.order(&args.letters, order, "drop").await? {
        Ok(order) => order,
        Err(exit) => return Ok(exit),
    };
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
