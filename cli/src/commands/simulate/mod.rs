//! `contoso simulate`: staff at work, at a steady rate.

mod change;
mod report;
mod shop;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use indicatif::ProgressBar;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Exit;
use crate::data_dir::Seeded;
use crate::products::Products;
use crate::signals::Signals;
use crate::{endpoints, output, units};
use change::Mix;
use report::{Call, Report};
use shop::Listed;

const EXAMPLES: &str = "\
Examples:
  contoso simulate
      Five changes a second for a minute: four in five change a price, the others restock
  contoso simulate --rate 100 --duration 10s --price-changes 100%
      A hundred price changes a second
  contoso simulate --seed 7 --category Footwear
      The same changes each time, to one category";

/// Calls in flight at once. Beyond it a call waits, and its latency counts from when it was due.
const MAX_IN_FLIGHT: usize = 256;

/// How long the site may take for its first list: right after the start its projection still reads the hub.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Change prices and restock products at a rate, through the public API
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Changes per second
    #[arg(long, value_name = "N", default_value = "5", value_parser = units::rate)]
    rate: f64,
    /// How long, like 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = units::duration)]
    duration: Duration,
    /// The share of price changes; the others restock
    #[arg(long, value_name = "SHARE", default_value = "80%", value_parser = units::share)]
    price_changes: f64,
    /// Repeat the changes of an earlier run [default: a new seed, shown at the end]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only products of this category; may be repeated [default: all that were seeded]
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// The function key, where the stack runs with --auth
    #[arg(long, value_name = "KEY", env = "CONTOSO_FUNCTION_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// Drives traffic and prints what became of it.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let file = endpoints::locate(args.endpoints.as_deref())?;
    let endpoints = endpoints::read(&file)?;
    let http = Client::new();
    let categories = if args.category.is_empty() { seeded_categories(&file) } else { args.category.clone() };
    if categories.is_empty() {
        bail!("no catalogue was seeded here; say which products with --category NAME");
    }
    let products = listed(&http, &endpoints.functions, &categories, CATCH_UP).await?;
    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let mut mix = Mix::new(products, args.price_changes, StdRng::seed_from_u64(seed));
    let door = Products::new(http, &endpoints.functions, args.key);
    let mut signals = Signals::install()?;

    let bar = output::bar("changes", (args.rate * args.duration.as_secs_f64()).ceil() as u64);
    let mut report = Report::new()?;
    let started = Instant::now();
    let interrupted = {
        let traffic = Box::pin(drive(&door, &mut mix, args.rate, args.duration, &mut report, &bar));
        tokio::select! {
            () = traffic => false,
            () = signals.next() => true,
        }
    };
    bar.finish_and_clear();
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

/// What the site lists, as soon as it lists anything.
async fn listed(
    http: &Client,
    functions: &str,
    categories: &[String],
    patience: Duration,
) -> anyhow::Result<Vec<Listed>> {
    let started = Instant::now();
    let mut told = false;
    loop {
        let products = shop::products(http, functions, categories).await?;
        if !products.is_empty() {
            return Ok(products);
        }
        let names = categories.join(", ");
        if started.elapsed() >= patience {
            bail!(
                "the site listed no products in {names} for {} seconds; \
                 {functions}/api/site/health says how far its projection is",
                patience.as_secs()
            );
        }
        if !told {
            output::say(&format!("waiting for the site to list products in {names}"));
            told = true;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What `up` remembered beside its endpoints.
fn seeded_categories(endpoints: &Path) -> Vec<String> {
    let seeded = endpoints.parent().and_then(Seeded::read).unwrap_or_default();
    seeded.categories.into_iter().collect()
}

/// Sends changes when they are due, whether earlier ones are answered or not, as independent people would.
async fn drive(door: &Products, mix: &mut Mix, rate: f64, duration: Duration, report: &mut Report, bar: &ProgressBar) {
    let room = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut calls: JoinSet<Call> = JoinSet::new();
    let started = Instant::now();
    for number in 0_u32.. {
        let due = Duration::from_secs_f64(f64::from(number) / rate);
        if due >= duration {
            break;
        }
        let due = started + due;
        tokio::time::sleep_until(due).await;
        // Never closed, so there is always a permit to come.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let change = mix.next();
        let door = door.clone();
        calls.spawn(async move {
            let result = door.patch(&change.product, &change.body).await;
            drop(permit);
            Call { kind: change.kind, latency: due.elapsed(), result }
        });
        while let Some(Ok(call)) = calls.try_join_next() {
            report.add(call);
            bar.inc(1);
        }
    }
    while let Some(Ok(call)) = calls.join_next().await {
        report.add(call);
        bar.inc(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Json, Router, routing::get};
    use serde_json::{Value, json};

    use super::*;

    /// A site that lists its one product from the look number `from` on.
    async fn site(from: usize) -> String {
        let looks = Arc::new(AtomicUsize::new(0));
        let list = move || async move {
            let product = json!({"id": "boot", "price": {"amount": "9.99", "currency": "USD"}});
            let items = if looks.fetch_add(1, Ordering::SeqCst) < from { vec![] } else { vec![product] };
            Json::<Value>(json!({"items": items, "next": null}))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/api/site/products", get(list))).await });
        url
    }

    #[tokio::test]
    async fn the_first_list_is_waited_for_and_no_longer_than_said() {
        let (http, categories) = (Client::new(), ["Climbing".to_owned()]);
        let found = listed(&http, &site(2).await, &categories, CATCH_UP).await.expect("the third look finds it");
        assert_eq!(found.len(), 1);
        let error = listed(&http, &site(usize::MAX).await, &categories, Duration::ZERO).await.expect_err("nothing");
        assert!(error.to_string().contains("no products in Climbing"), "{error}");
    }
}
