//! `contoso replay clicks`: a real log of clicks, sent to the hub as other producers send them.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use contoso_handlers::{
    app::App,
    domain::click::{Click, SessionId, VisitorId},
    events::{HubMessage, Outgoing, contracts::CLICK_RECORDED},
};
use indicatif::ProgressBar;
use time::{Date, macros::format_description};
use tokio::time::Instant;

use super::{
    super::Exit,
    schedule::{Extent, Schedule},
    shuffle::Shuffled,
};
use crate::{
    catalogue,
    clickstream::{self, ClickstreamError, Row},
    clock, endpoints, identity, output,
    products::Products,
    seed,
    signals::Signals,
    units,
};

const EXAMPLES: &str = "\
Examples:
  contoso replay clicks e-shop-clothing.csv.gz
      Every click of the log, its days moved so that the last one was yesterday
  contoso replay clicks e-shop-clothing.csv --start 2026-09-01 --spacing 1m
      From a day of your choice, the clicks of a session a minute apart
  contoso replay clicks e-shop-clothing.csv.gz --rate 500 --limit 10000
      The first ten thousand, 500 a second
  contoso replay clicks e-shop-clothing.csv.gz --shuffle 2h
      Out of order: each click reaches the hub up to two hours after it happened, when later ones are there already
  contoso replay clicks e-shop-clothing.csv.gz --products
      With what was clicked on sale, so that the pages show it

The log is that of UCI data set 553, as csv or csv.gz. It knows days, not times: sessions are spread over their day, always in the same way. Sending the same log to the same days again changes nothing: repeats are told by their ids. So --shuffle changes the order alone, and no count.";

/// The hub of clicks.
const HUB: &str = "clicks";
/// Clicks sent at a time.
const AT_ONCE: usize = 1_000;

/// Replay a real shop's log of clicks, straight to the hub `clicks`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The log: csv or csv.gz
    file: PathBuf,
    /// The day that the log's first day becomes, like 2026-09-01 [default: so that the last day was yesterday]
    #[arg(long, value_name = "DATE", value_parser = date)]
    start: Option<Date>,
    /// Time between two clicks of a session
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = units::duration)]
    spacing: Duration,
    /// Clicks per second [default: as fast as the hub takes them]
    #[arg(long, value_name = "N", value_parser = units::rate)]
    rate: Option<f64>,
    /// End after this many clicks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Send clicks out of order, each by chance up to so long after it happened; the same order each time
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    shuffle: Option<Duration>,
    /// Put the products of the log on sale first, with its categories and prices, so that pages and lists show them
    #[arg(long)]
    products: bool,
    /// The function key for --products, where the stack runs with --auth
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, env = "CONTOSO_FUNCTION_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// What was sent.
#[derive(Default)]
struct Sent {
    clicks: u64,
    /// Told by their first clicks, since the others may come before.
    sessions: u64,
}

/// Reads the whole log first, so that nothing is sent of one that has a mistake.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    endpoints::check_hub(&endpoints, HUB)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let Some(extent) = Extent::of(clickstream::open(&args.file)?)? else {
        bail!("{}: no clicks after the header", args.file.display());
    };
    let spacing = time::Duration::try_from(args.spacing).context("--spacing is too long")?;
    let shuffle = args.shuffle.map(time::Duration::try_from).transpose().context("--shuffle is too long")?;
    let schedule = Schedule::new(extent, args.start, spacing, clock::now())?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let mut signals = Signals::install()?;
    if args.products {
        endpoints::check_functions(&endpoints).await?;
        tokio::select! {
            seeded = sell(&args, &endpoints.functions) => seeded?,
            () = signals.next() => return Ok(Exit::Interrupted),
        }
    }
    let bar = output::bar("clicks", args.limit.map_or(extent.clicks, |limit| limit.min(extent.clicks)));
    let mut sent = Sent::default();
    let started = Instant::now();
    let ended = tokio::select! {
        ended = Box::pin(send(&args, &app, &schedule, shuffle, &mut sent, &bar)) => ended.map(|()| Exit::Done),
        () = signals.next() => Ok(Exit::Interrupted),
    };
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout().lock(),
        "{} clicks of {} sessions in {seconds:.1} s ({:.0}/s); the log's days {} to {} are now {} to {}",
        sent.clicks,
        sent.sessions,
        sent.clicks as f64 / seconds.max(f64::EPSILON),
        extent.first,
        extent.last,
        schedule.first,
        schedule.last,
    )?;
    ended
}

/// Puts the products of the whole log on sale.
async fn sell(args: &Args, functions: &str) -> anyhow::Result<()> {
    let products = catalogue::logged(clickstream::open(&args.file)?)?;
    let door = Products::new(reqwest::Client::new(), functions, args.key.clone());
    let bar = output::bar("products", products.len() as u64);
    let seeded = seed::seed(&door, &args.file.display().to_string(), &products, &bar).await;
    bar.finish_and_clear();
    Ok(seeded?)
}

async fn send(
    args: &Args,
    app: &App,
    schedule: &Schedule,
    shuffle: Option<time::Duration>,
    sent: &mut Sent,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let source = source(&args.file);
    let limit = usize::try_from(args.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let rows = clickstream::open(&args.file)?.take(limit);
    let mut rows: Box<dyn Iterator<Item = Result<Row, ClickstreamError>> + Send> = match shuffle {
        Some(bound) => Box::new(Shuffled::new(rows, *schedule, bound)),
        None => Box::new(rows),
    };
    let at_once = args.rate.map_or(AT_ONCE, |rate| (rate.ceil() as usize).clamp(1, AT_ONCE));
    let started = Instant::now();
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(at_once).collect::<Result<_, _>>()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut messages = Vec::with_capacity(chunk.len());
        for row in &chunk {
            messages.push(message(app, schedule, &source, row).await?);
        }
        // One call after the other keeps the order of each session, unless that is not wanted.
        app.hubs().send(HUB, messages).await?;
        for row in &chunk {
            sent.clicks += 1;
            sent.sessions += u64::from(row.order == 1);
        }
        bar.set_position(sent.clicks);
        if let Some(rate) = args.rate {
            tokio::time::sleep_until(started + Duration::from_secs_f64(sent.clicks as f64 / rate)).await;
        }
    }
}

/// The click as an event, with the partition key it goes by. Each session of the log is a visitor of its own.
async fn message(app: &App, schedule: &Schedule, source: &str, row: &Row) -> anyhow::Result<(String, HubMessage)> {
    let visitor = VisitorId::try_from(format!("session-{:06}", row.session))?;
    let click = Click {
        product_id: row.product.clone(),
        category: Some(row.category.clone()),
        session_id: Some(SessionId::try_from(row.session.to_string())?),
        visitor_id: Some(visitor.clone()),
    };
    let key = String::from(visitor);
    let event = Outgoing {
        id: format!("{}-{}-{}", schedule.first, row.session, row.order),
        source,
        subject: Some(key.clone()),
        time: Some(schedule.moment(row)),
        extensions: BTreeMap::from([
            ("partitionkey".to_owned(), key.clone()),
            ("originaltime".to_owned(), row.date.to_string()),
        ]),
        trace: None,
        schema: &CLICK_RECORDED,
        data: &click,
    };
    Ok((key, app.events().encode(event).await?))
}

/// The producer: the log's name, as far as it can stand in a URI.
fn source(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    let safe: String = stem.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    format!("/contoso/replay/{safe}")
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(|_| "write it like 2026-09-01".to_owned())
}
