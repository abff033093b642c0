//! `contoso evaluate`.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use super::Exit;
use crate::clickstream;
use crate::evaluate::recommendations;
use crate::units;

const EXAMPLES: &str = "\
Examples:
  contoso evaluate recommendations clicks.csv.gz
      How often the next product of a real session is among those we would recommend
  contoso evaluate recommendations clicks.csv --train 50% --json
      Learn from the first half of the days only; for scripts";

/// Measure our predictions on real data, beside simpler ones
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Recommendations(RecommendationsArgs),
}

/// Learn from the first days of a log of clicks, predict the next product of each session of the others
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
struct RecommendationsArgs {
    /// The log, csv or csv.gz, with the columns of the data set "clickstream data for online shopping"
    file: PathBuf,
    /// The part of the days to learn from, 0.8 or 80%
    #[arg(long, default_value = "0.8", value_parser = units::share)]
    train: f64,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads, computes and prints; needs no stack.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let What::Recommendations(args) = &args.what;
    let rows = clickstream::open(&args.file)?.collect::<Result<Vec<_>, _>>()?;
    let evaluation = recommendations::evaluate(&rows, args.train)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&evaluation)?)?
    } else {
        write!(out, "{evaluation}")?
    }
    Ok(Exit::Done)
}
