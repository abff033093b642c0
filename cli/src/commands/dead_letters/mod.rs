//! `contoso dead-letters`: the records that functions parked and the events that Event Grid gave up: which there are, what is in one,
//! what was done with them. It calls the app as the operations page does, with a key of `OpsApi` where keys are asked for.

mod console;
mod discard;
mod list;
mod log;
mod replay;
mod show;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Subcommand;

use self::console::Console;
use super::Exit;
use crate::environment;

const EXAMPLES: &str = "\
Examples:
  contoso dead-letters list
      How many there are by function and cause, and the newest
  contoso dead-letters list --function Trends --cause \"read the click\" --from 2026-01-05T10:00:00Z
      Those of one function, with this in their cause, since then
  contoso dead-letters show Trends/clicks/3/41-8f….json
      The event with its schema, its properties, its bytes, and why it was parked
  contoso dead-letters replay Trends/clicks/3/41-8f….json
      Give it once more to the function that parked it, and to no other
  contoso dead-letters replay --function Trends --cause schema --yes
      All that are there now with this cause; without --yes it says how many, and what to say for these alone
  contoso dead-letters drop Trends/clicks/3/41-8f….json --reason \"a load test\"
      Throw one away; the log keeps who did it, and why
  contoso dead-letters drop --function Trends --cause \"no productId\" --reason \"a load test\" --yes
      All that are there now with this cause; without --yes it says how many
  contoso dead-letters log
      Who did what

What to do with them is in docs/dead-letters.md. All times are UTC.";

/// See what was parked and why, replay it, or throw it away
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE", global = true)]
    endpoints: Option<PathBuf>,
    /// Key of OpsApi, where the app asks for keys
    #[arg(
        long,
        value_name = "KEY",
        allow_hyphen_values = true,
        env = "CONTOSO_FUNCTION_KEY",
        hide_env_values = true,
        global = true
    )]
    key: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Replay(replay::Args),
    Batch(replay::BatchArgs),
    Drop(discard::Args),
    Log(log::Args),
}

/// The letters that something is to be done with
#[derive(Debug, clap::Args)]
struct Letters {
    /// The letters, as lists show them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Every letter, whatever it is
    #[arg(long)]
    all: bool,
    /// Do it, where a filter or --all chooses the letters; without it, how many there are is said
    #[arg(long)]
    yes: bool,
}

/// Which letters
#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Those that this function parked, or that this subscription of Event Grid's gave up
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Those with this text in the first 240 bytes of their cause, in any case
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Those of this hub; `feed`, `event-grid` or `event-grid-delivery` for others
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Those written from this time on, such as 2026-01-05T10:00:00Z or 2026-01-05 (UTC)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those written before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl Filter {
    fn members(&self) -> Vec<(&'static str, &str)> {
        let Self { function, cause, origin, from, to } = self;
        let members = [("function", function), ("cause", cause), ("origin", origin), ("from", from), ("to", to)];
        members.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let console = Console::new(args.endpoints.as_deref(), args.key).await?;
    match args.command {
        Command::List(args) => list::run(&console, &args).await,
        Command::Show(args) => show::run(&console, &args).await,
        Command::Replay(args) => replay::run(&console, args).await,
        Command::Batch(args) => replay::batch(&console, &args).await,
        Command::Drop(args) => discard::run(&console, args).await,
        Command::Log(args) => log::run(&console, &args).await,
    }
}

/// The user of this machine, as the log shows who did something.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(environment::text);
    // Containers and timers often set none of these.
    let asked = || {
        let id = std::process::Command::new("id").arg("-un").output().ok()?;
        Some(String::from_utf8_lossy(&id.stdout).trim().to_owned()).filter(|name| !name.is_empty())
    };
    named.or_else(asked).unwrap_or_else(|| "unknown".to_owned())
}

fn print(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", line.trim_end())?)
}

/// A stranger's text on a terminal: what would move the cursor or change colours is a space. Line ends stay where `lines` says so.
fn plain(text: &str, lines: bool) -> String {
    text.chars().map(|c| if c.is_control() && !(lines && c == '\n') { ' ' } else { c }).collect()
}
