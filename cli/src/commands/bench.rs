//! `contoso bench`.

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Subcommand, ValueEnum};
use contoso_local::storage::Sync;

use super::{Exit, WrongUsage};
use crate::{
    bench::{self, Plan, clicks, contracts, hubs, partners, sales},
    output,
    project::{NoProject, Project},
    units,
};

/// Subscriptions with good webhooks; four bad ones come on top.
const MOST_SUBSCRIPTIONS: usize = 496;

const EXAMPLES: &str = "\
Examples:
  contoso bench
      The product flow: the figures of docs/performance.md, in about two minutes
  contoso bench --products 500 --duration 10s --json
      A quick look, for scripts
  contoso bench clicks
      Readers of clicks apart and together, and how soon a click is shown
  contoso bench hubs --sync always
      Event Hubs, Capture and Blob Storage of the stack alone, each write flushed to the disk
  contoso bench partners
      Notifications a second, and how soon after a change, beside endpoints that are bad
  contoso bench contracts
      What encoding and decoding each event costs, beside plain JSON
  contoso bench sales --kills 3
      A sales file of a million lines through the app, which is killed three times meanwhile";

const SALES_EXAMPLES: &str = "\
Examples:
  contoso bench sales
      A file of a million lines, until its last invoice is in the totals
  contoso bench sales --days 1 --kills 3
      All of one day, which is dearer for the totals; the handler is killed three times
  contoso bench sales --rows 50000 --json
      A quick look, for scripts";

const CONTRACTS_EXAMPLES: &str = "\
Examples:
  contoso bench contracts
      Every event type: some seconds each
  contoso bench contracts --duration 200ms --json
      A quick look, for scripts";

const HUBS_EXAMPLES: &str = "\
Examples:
  contoso bench hubs
      Events in and out at once, capture, blobs, memory: about two minutes
  contoso bench hubs --duration 2s --retained 100000 --json
      A quick look, for scripts";

const CLICKS_EXAMPLES: &str = "\
Examples:
  contoso bench clicks
      Each reader apart, both behind the public door, latency: some two minutes
  contoso bench clicks --clicks 150000 --apart
      What a click costs each reader: processor time and memory of its handler, working off a backlog
  contoso bench clicks --day
      A day of ten million clicks as well
  contoso bench clicks --clicks 0 --sparse
      A day of sixty clicks a minute alone, in an order that has nothing to do with their minutes
  contoso bench clicks --clicks 20000 --duration 5s --json
      A quick look, for scripts";

const PARTNERS_EXAMPLES: &str = "\
Examples:
  contoso bench partners
      Four partners beside four bad endpoints: some three minutes
  contoso bench partners --partners 1
      One partner: a notification for each change
  contoso bench partners --products 300 --duration 5s --json
      A quick look, for scripts";

/// Measure the product flow on this machine: latency, throughput, cost per event, cold start, memory
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Products in the catalogue; changes choose among them uniformly
    #[arg(long, default_value_t = 10_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    products: usize,
    /// Changes a second while latency is measured
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long latency is measured
    #[arg(long, default_value = "30s", value_parser = units::duration)]
    duration: Duration,
    /// Starts of the handler for the cold-start figure
    #[arg(long, default_value_t = 20, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    starts: usize,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    Hubs(HubsArgs),
    Clicks(ClicksArgs),
    Partners(PartnersArgs),
    Contracts(ContractsArgs),
    Sales(SalesArgs),
    #[command(hide = true)]
    Codec(CodecArgs),
    #[command(hide = true)]
    Feed(FeedArgs),
    #[command(hide = true)]
    Serve(ServeArgs),
}

/// Measure Event Hubs, Capture and Blob Storage of the local stack with the official Rust clients
#[derive(Debug, clap::Args)]
#[command(after_help = HUBS_EXAMPLES, after_long_help = HUBS_EXAMPLES)]
struct HubsArgs {
    /// How long each combination of event size, batch and partitions is measured
    #[arg(long, default_value = "5s", value_parser = units::duration)]
    duration: Duration,
    /// How far a write goes before it is acknowledged: to the operating system, or to the disk
    #[arg(long, value_enum, default_value_t = SyncChoice::Process)]
    sync: SyncChoice,
    /// Events that the hubs retain when their memory is read
    #[arg(long, default_value_t = 1_000_000)]
    retained: u64,
    /// Megabytes of the captured file, and of the blob that goes up and down
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=2000))]
    file_megabytes: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measure the flow of clicks: each reader apart, all together, and how soon a click is shown
#[derive(Debug, clap::Args)]
#[command(after_help = CLICKS_EXAMPLES, after_long_help = CLICKS_EXAMPLES)]
struct ClicksArgs {
    /// Clicks in the backlog that each reader works off alone; 0 leaves out all but the days
    #[arg(long, default_value_t = 200_000)]
    clicks: u64,
    /// Only the backlog that each reader works off alone: processor time and memory
    #[arg(long)]
    apart: bool,
    /// Products that are clicked on
    #[arg(long, default_value_t = 1_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    products: usize,
    /// Clicks a second while latency is measured
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long latency is measured
    #[arg(long, default_value = "30s", value_parser = units::duration)]
    duration: Duration,
    /// Run a day of ten million clicks too, or so many from its beginning
    #[arg(long, value_name = "CLICKS", num_args = 0..=1, default_missing_value = "10000000")]
    day: Option<u64>,
    /// The largest batch on that day
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    day_batch: u32,
    /// Count a day of sixty clicks a minute too, or so many of them, sent in an order that has nothing to do with their minutes
    #[arg(long, value_name = "CLICKS", num_args = 0..=1, default_missing_value = "86400")]
    sparse: Option<u64>,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measure what partners get: notifications a second, how soon after a change, beside bad endpoints
#[derive(Debug, clap::Args)]
#[command(after_help = PARTNERS_EXAMPLES, after_long_help = PARTNERS_EXAMPLES)]
struct PartnersArgs {
    /// Partners with good webhooks
    #[arg(long, default_value_t = 4, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100))]
    partners: usize,
    /// Subscriptions of each of them, to all changes
    #[arg(long, default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=20))]
    subscriptions: usize,
    /// Products in the catalogue; each is changed once for each rate
    #[arg(long, default_value_t = 2_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    products: usize,
    /// Changes a second while latency is measured
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long latency is measured, once without bad endpoints and once beside four of them
    #[arg(long, default_value = "30s", value_parser = units::duration)]
    duration: Duration,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measure what encoding and decoding an event costs, for each contract, beside plain JSON
#[derive(Debug, clap::Args)]
#[command(after_help = CONTRACTS_EXAMPLES, after_long_help = CONTRACTS_EXAMPLES)]
struct ContractsArgs {
    /// How long each figure is measured
    #[arg(long, default_value = "1s", value_parser = units::duration)]
    duration: Duration,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Measure a large sales file through the app: lines a second, until when the totals have it, memory
#[derive(Debug, clap::Args)]
#[command(after_help = SALES_EXAMPLES, after_long_help = SALES_EXAMPLES)]
struct SalesArgs {
    /// Lines of the file
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=2_000_000))]
    rows: u64,
    /// Days that they are of
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(u64).range(1..=28))]
    days: u64,
    /// How often the handler is killed while it tells the invoices
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=20))]
    kills: u32,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// The codec that `contoso bench contracts` measures, in a process of its own
#[derive(Debug, clap::Args)]
struct CodecArgs {
    #[arg(long, value_parser = units::duration)]
    duration: Duration,
    #[arg(long)]
    endpoints: PathBuf,
}

/// The sender of clicks, in a process of its own
#[derive(Debug, clap::Args)]
struct FeedArgs {
    #[arg(long)]
    clicks: u64,
    #[arg(long)]
    products: usize,
    #[arg(long, value_parser = units::duration)]
    lasts: Duration,
    #[arg(long)]
    scattered: bool,
    #[arg(long)]
    endpoints: PathBuf,
}

/// The stack that `contoso bench hubs` measures, until stdin ends
#[derive(Debug, clap::Args)]
struct ServeArgs {
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long, value_enum)]
    sync: SyncChoice,
    #[arg(long)]
    capture_bytes: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SyncChoice {
    Process,
    Always,
}

impl From<SyncChoice> for Sync {
    fn from(choice: SyncChoice) -> Self {
        match choice {
            SyncChoice::Process => Self::Process,
            SyncChoice::Always => Self::Always,
        }
    }
}

/// Measures on a stack of its own, in a temporary directory and on free ports.
pub(super) async fn run(args: Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Exit> {
    match args.part {
        Some(Part::Serve(args)) => {
            hubs::serve(&args.data_dir, args.sync.into(), args.capture_bytes).await?;
            return Ok(Exit::Done);
        }
        Some(Part::Feed(args)) => {
            let feed = clicks::feed::Feed {
                clicks: args.clicks,
                products: args.products,
                lasts: args.lasts,
                is_scattered: args.scattered,
            };
            Box::pin(clicks::feed::run(&args.endpoints, feed)).await?;
            return Ok(Exit::Done);
        }
        Some(Part::Codec(args)) => {
            let figures = Box::pin(contracts::codec(&args.endpoints, &project()?, args.duration)).await?;
            writeln!(std::io::stdout().lock(), "{}", serde_json::to_value(&figures)?)?;
            return Ok(Exit::Done);
        }
        Some(Part::Contracts(args)) => {
            announce();
            let figures = Box::pin(contracts::run(&project()?, args.duration)).await?;
            return print(args.json, &serde_json::to_value(&figures)?, &figures);
        }
        Some(Part::Hubs(args)) => return run_hubs(&args).await,
        Some(Part::Clicks(args)) => return run_clicks(args, &project()?).await,
        Some(Part::Partners(args)) => return run_partners(&args, &project()?).await,
        Some(Part::Sales(SalesArgs { rows, days, kills, json })) => {
            announce();
            let figures = Box::pin(sales::run(&sales::Plan { rows, days, kills }, &project()?)).await?;
            return print(json, &serde_json::to_value(&figures)?, &figures);
        }
        None => {}
    }
    let plan = Plan { products: args.products, rate: args.rate, duration: args.duration, starts: args.starts };
    announce();
    let report = bench::run(&plan, &project()?).await?;
    print(args.json, &report.to_json(), &report)
}

async fn run_hubs(args: &HubsArgs) -> anyhow::Result<Exit> {
    let plan = hubs::Plan {
        duration: args.duration,
        sync: args.sync.into(),
        retained: args.retained,
        file_bytes: args.file_megabytes * 1_000_000,
    };
    announce();
    let figures = Box::pin(hubs::run(&plan)).await?;
    print(args.json, &serde_json::to_value(&figures)?, &figures)
}

async fn run_clicks(args: ClicksArgs, project: &Project) -> anyhow::Result<Exit> {
    let ClicksArgs { clicks, apart, products, rate, duration, day, day_batch, sparse, json } = args;
    let latency = (clicks > 0 && !apart).then_some(duration);
    let plan = clicks::Plan { clicks, products, rate, latency, day, day_batch, sparse };
    announce();
    let report = Box::pin(clicks::run(&plan, project)).await?;
    print(json, &report.to_json(), &report)
}

async fn run_partners(args: &PartnersArgs, project: &Project) -> anyhow::Result<Exit> {
    let &PartnersArgs { partners, subscriptions, products, rate, duration, json } = args;
    if partners * subscriptions > MOST_SUBSCRIPTIONS {
        let most = "--partners times --subscriptions is at most";
        return Err(WrongUsage(format!("{most} {MOST_SUBSCRIPTIONS}: a topic has 500 subscriptions")).into());
    }
    let plan = partners::Plan { partners, subscriptions, products, rate, duration };
    announce();
    let figures = Box::pin(partners::run(&plan, project)).await?;
    print(json, &serde_json::to_value(&figures)?, &figures)
}

fn announce() {
    output::say("Measuring; the machine should have nothing else to do.");
}

fn print(json: bool, value: &serde_json::Value, text: &impl std::fmt::Display) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{value}")?
    } else {
        write!(out, "{text}")?
    }
    Ok(Exit::Done)
}
