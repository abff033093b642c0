//! `contoso replay`: what really happened, once more.

mod clicks;
mod schedule;
mod shuffle;

use clap::Subcommand;

use super::Exit;

const EXAMPLES: &str = "\
Examples:
  contoso replay clicks e-shop-clothing.csv.gz
      Every click of the log, its days moved so that the last one was yesterday
  contoso replay clicks e-shop-clothing.csv.gz --start 2026-09-01 --rate 500
      From a day of your choice, 500 clicks a second
  contoso replay clicks e-shop-clothing.csv.gz --shuffle 2h
      Out of order, each click up to two hours late
  contoso replay clicks e-shop-clothing.csv.gz --products
      With what was clicked on sale, so that the pages show it";

/// Send events of a real log through the pipeline
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    log: Log,
}

#[derive(Debug, Subcommand)]
enum Log {
    Clicks(clicks::Args),
}

/// Replays a log and prints what was sent.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    match args.log {
        Log::Clicks(args) => Box::pin(clicks::run(args)).await,
    }
}
