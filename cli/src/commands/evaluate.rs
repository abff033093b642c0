//! `contoso evaluate`.

use std::{io::Write, path::PathBuf};

use clap::Subcommand;

use super::Exit;
use crate::{
    clickstream,
    evaluate::{anomalies, recommendations},
    units,
};

const EXAMPLES: &str = "\
Examples:
  contoso evaluate anomalies --file clicks.csv.gz
      How many injected spikes, drops and outages are found, how soon, and how many false alarms there are
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
    Anomalies(AnomaliesArgs),
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

const ANOMALIES_EXAMPLES: &str = "\
Examples:
  contoso evaluate anomalies
      On simulated traffic of a large and a small shop
  contoso evaluate anomalies --file clicks.csv.gz --seed 7 --seeds 1 --json
      On a real log too, one seed only; for scripts";

/// Inject spikes, drops and outages into simulated and real traffic, and see what the detector and a z-score find
#[derive(Debug, clap::Args)]
#[command(after_help = ANOMALIES_EXAMPLES, after_long_help = ANOMALIES_EXAMPLES)]
struct AnomaliesArgs {
    /// A log, csv or csv.gz, with the columns of the data set "clickstream data for online shopping"
    #[arg(long)]
    file: Option<PathBuf>,
    /// The first seed; the same seeds give the same figures
    #[arg(long, default_value_t = 101)]
    seed: u64,
    /// How many seeds, one after the other
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads, computes and prints; needs no stack.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.what {
        What::Recommendations(args) => {
            let rows = clickstream::open(&args.file)?.collect::<Result<Vec<_>, _>>()?;
            print(args.json, &recommendations::evaluate(&rows, args.train)?)
        }
        What::Anomalies(args) => {
            let plan = anomalies::Plan { seed: args.seed, seeds: args.seeds, file: args.file.clone() };
            print(args.json, &anomalies::run(&plan)?)
        }
    }
}

fn print(json: bool, figures: &(impl serde::Serialize + std::fmt::Display)) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(figures)?)?
    } else {
        write!(out, "{figures}")?
    }
    Ok(Exit::Done)
}
