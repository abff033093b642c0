//! `contoso bench`.

use std::io::Write;
use std::time::Duration;

use super::Exit;
use crate::bench::{self, Plan};
use crate::output;
use crate::project::Project;
use crate::units;

const EXAMPLES: &str = "\
Examples:
  contoso bench
      The figures of docs/performance.md, in about two minutes
  contoso bench --products 500 --duration 10s --json
      A quick look, for scripts";

/// Measure the product flow on this machine: latency, throughput, cost per event, cold start, memory
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Products in the catalogue; changes choose among them uniformly
    #[arg(long, default_value_t = 10_000)]
    products: usize,
    /// Changes a second while latency is measured
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// How long latency is measured
    #[arg(long, default_value = "30s", value_parser = units::duration)]
    duration: Duration,
    /// Starts of the handler for the cold-start figure
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measures on a stack of its own, in a temporary directory and on free ports.
pub(super) async fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let plan = Plan { products: args.products, rate: args.rate.max(1), duration: args.duration, starts: args.starts };
    output::say("Measuring; the machine should have nothing else to do.");
    let report = bench::run(&plan, project).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", report.to_json())?
    } else {
        write!(out, "{report}")?
    }
    Ok(Exit::Done)
}
