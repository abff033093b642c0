//! `contoso sales`: sales files of partners: look at one before it is sent, and send it.

mod check;
mod send;

use std::path::Path;

use anyhow::{Context, bail};
use clap::Subcommand;

use super::Exit;

const EXAMPLES: &str = "\
Examples:
  contoso sales check 2010-12-01.csv.gz
      What would become of the file: its lines, its invoices, its totals, and every bad line with its reason
  contoso sales check *.csv --json
      The same for programs, one JSON object a file
  contoso sales check sales.csv --bad-lines bad.csv
      With the bad lines as a CSV file, safe to open in a spreadsheet
  contoso sales send 2010-12-01.csv.gz
      Into the container of the stack that runs here; prints what became of it

What a file must look like and how its lines count is in docs/sales-files.md.";

/// Check sales files before they are sent, and send them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Send(send::Args),
}

/// The name of a file, as a name of sales files.
fn name(file: &Path) -> anyhow::Result<&str> {
    let name = file.file_name().and_then(|name| name.to_str()).context("the file has no name that is text")?;
    let lower = name.to_ascii_lowercase();
    if !lower.ends_with(".csv") && !lower.ends_with(".csv.gz") {
        bail!("{name} would not be read: names of sales files end in .csv or .csv.gz");
    }
    Ok(name)
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    match args.command {
        Command::Check(args) => check::run(&args),
        Command::Send(args) => Box::pin(send::run(args)).await,
    }
}
