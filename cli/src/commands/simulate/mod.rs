//! `contoso simulate`: staff and visitors at work.

mod change;
mod clicks;
mod progress;
mod report;
mod shop;
mod staff;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Client;
use tokio::{sync::mpsc, time::Instant};

use self::{
    change::Mix,
    progress::Progress,
    report::{Call, Report},
    shop::Listed,
};
use super::Exit;
use crate::{
    clock,
    data_dir::Seeded,
    endpoints, output,
    products::Products,
    signals::Signals,
    traffic::{Item, Outage, Plan, Traffic},
    units,
};

const EXAMPLES: &str = "\
Examples:
  contoso simulate
      A minute of a small shop: 20 clicks a second, five changes a second of which four in five are prices
  contoso simulate --clicks 200 --rate 0 --duration 10m --outage 2m@5m
      Visitors alone; five minutes in, no click arrives for two minutes
  contoso simulate --clicks 100 --day 10m --duration 30m --bursts 60
      Three days of ten minutes each, with their quiet nights, and a burst a minute
  contoso simulate --rate 100 --duration 10s --price-changes 100% --clicks 0
      A hundred price changes a second
  contoso simulate --seed 7 --category Footwear
      The same traffic each time, on one category";

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Calls in flight at once. Beyond it a call waits, and its latency counts from when it was due.
const MAX_IN_FLIGHT: usize = 256;

/// Traffic that a shop could have: visitors who click, staff who change prices and restock
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Clicks per second, averaged over a day; 0 for none
    #[arg(long, value_name = "N", default_value = "20", value_parser = units::rate_or_none)]
    clicks: f64,
    /// Changes of products per second; 0 for none
    #[arg(long, value_name = "N", default_value = "5", value_parser = units::rate_or_none)]
    rate: f64,
    /// How long, like 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = units::duration)]
    duration: Duration,
    /// The share of price changes; the others restock
    #[arg(long, value_name = "SHARE", default_value = "80%", value_parser = units::share)]
    price_changes: f64,
    /// How long a day lasts, with its quiet and its busy hours; it begins at the present hour (UTC)
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = units::duration)]
    day: Duration,
    /// Bursts per hour: four times the sessions for a minute or so, most of them at one product; 0 for none
    #[arg(long, value_name = "N", default_value = "6", value_parser = units::rate_or_none)]
    bursts: f64,
    /// No clicks for a while, like 2m@5m: for two minutes, from five minutes after the start; may be repeated
    #[arg(long, value_name = "FOR@AFTER", value_parser = outage)]
    outage: Vec<Outage>,
    /// The share of visitors who consent to be recognised
    #[arg(long, value_name = "SHARE", default_value = "80%", value_parser = units::share)]
    consent: f64,
    /// Repeat the traffic of an earlier run [default: a new seed, shown at the end]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only products of this category; may be repeated [default: all that were seeded]
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// The function key, where the stack runs with --auth
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, env = "CONTOSO_FUNCTION_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// Drives traffic and prints what became of it.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let file = endpoints::locate(args.endpoints.as_deref())?;
    let endpoints = endpoints::read(&file)?;
    endpoints::check_functions(&endpoints).await?;
    let http = Client::new();
    let seeded = seeded_categories(&file);
    let categories = if args.category.is_empty() { seeded.clone() } else { args.category.clone() };
    if categories.is_empty() {
        bail!("no catalogue was seeded here; say which products with --category NAME");
    }
    shop::check(&http, &endpoints.functions, &args.category, &seeded).await?;
    let products = shop::listed(&http, &endpoints.functions, &categories).await?;
    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let items = products.iter().map(item).collect::<Vec<_>>();
    let staff = (args.rate > 0.0).then(|| {
        let client = Products::new(http.clone(), &endpoints.functions, args.key.clone());
        (client, Mix::new(products, args.price_changes, StdRng::seed_from_u64(seed)))
    });
    let visitors = (args.clicks > 0.0).then(|| {
        // Another stream of the same seed: more changes must not mean other clicks.
        let traffic = Traffic::new(&items, args.plan(), StdRng::seed_from_u64(!seed));
        (clicks::ClickClient::new(http, &endpoints.functions), items, traffic)
    });
    let mut signals = Signals::install()?;

    let mut progress = Progress::new(args.duration);
    let mut report = Report::new()?;
    let started = Instant::now();
    let interrupted = {
        let (calls, mut answered) = mpsc::channel::<Call>(MAX_IN_FLIGHT);
        let staff_calls = calls.clone();
        let traffic = async move {
            let staff = async {
                if let Some((client, mix)) = staff {
                    staff::drive(client, mix, args.rate, args.duration, staff_calls).await;
                }
            };
            let visitors = async {
                if let Some((client, items, traffic)) = visitors {
                    // Two runs of one seed send the same clicks, but not as repeats of each other.
                    let run = format!("sim-{:x}", clock::now().unix_timestamp());
                    clicks::drive(client, items, traffic, run, calls).await;
                }
            };
            futures::join!(staff, visitors);
        };
        let counting = async {
            let mut look = tokio::time::interval(LOOK);
            loop {
                tokio::select! {
                    call = answered.recv() => match call {
                        Some(call) => report.add(call),
                        None => break,
                    },
                    _ = look.tick() => progress.at(started.elapsed(), report.counts()),
                }
            }
        };
        tokio::select! {
            ((), ()) = async { futures::join!(Box::pin(traffic), counting) } => false,
            () = signals.next() => true,
        }
    };
    progress.finish();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", report.summary(started.elapsed(), seed))?;
    for (message, count) in report.failures() {
        output::say(&format!("{count} x {message}"));
    }
    Ok(if interrupted {
        Exit::Interrupted
    } else if report.any_failed() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// What `up` remembered beside its endpoints.
fn seeded_categories(endpoints: &Path) -> Vec<String> {
    let seeded = endpoints.parent().and_then(Seeded::read).unwrap_or_default();
    seeded.categories.into_iter().collect()
}

impl Args {
    fn plan(&self) -> Plan {
        let now = clock::now().time();
        let seconds = f64::from(now.hour()) * 3600.0 + f64::from(now.minute()) * 60.0 + f64::from(now.second());
        Plan {
            rate: self.clicks,
            duration: self.duration,
            day: self.day,
            time_of_day: seconds / 86_400.0,
            bursts: self.bursts,
            outages: self.outage.clone(),
            consent: self.consent,
        }
    }
}

fn item(listed: &Listed) -> Item {
    Item { id: listed.id.to_string(), category: listed.category.clone() }
}

fn outage(text: &str) -> Result<Outage, String> {
    let (lasts, after) = text.split_once('@').ok_or("write it like 2m@5m: for two minutes, after five")?;
    // An outage may be there from the start, which no other span of time is.
    let after = if after.trim() == "0s" { Ok(Duration::ZERO) } else { units::duration(after) };
    let lasts = units::duration(lasts).map_err(|error| error.to_string())?;
    Ok(Outage { lasts, after: after.map_err(|error| error.to_string())? })
}
