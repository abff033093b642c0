//! A sales file through the whole app: how fast its lines are read and told, how fast the totals follow, and what memory that takes.
//!
//! The handler may be killed on the way. At the end the totals of every day must be what the file's lines come to; if they are not, there
//! are no figures.

mod file;
mod watch;

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use contoso_local::blobs::PutOptions;
use serde::Serialize;

use self::{file::Made, watch::Watch};
use super::shop::Shop;
use crate::{output, project::Project};

/// The container of files, and the file's name in it.
const FILES: &str = "sales-files";
const NAME: &str = "bench.csv";
/// The hub of sales, and who makes totals of it.
const HUB: &str = "sales";
const GROUP: &str = "totals";
/// The aim of lines read and told (1/s).
const AIM: f64 = 20_000.0;

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lines of the file.
    pub rows: u64,
    /// Days that they are of (1 to 28).
    pub days: u64,
    /// How often the handler is killed before all is told.
    pub kills: u32,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    rows: u64,
    days: u64,
    invoices: u64,
    file_bytes: usize,
    kills: u32,
    /// Until all lines were read once, so that nothing could reject the file any more.
    seconds_read: f64,
    /// Until every invoice was told to the hub: what the aim is about.
    seconds_told: f64,
    aim_rows_per_second: f64,
    rows_per_second: f64,
    /// Until the totals had every invoice.
    seconds_in_totals: f64,
    invoices_per_second_in_totals: f64,
    /// Highest resident memory of the handler.
    handler_bytes: u64,
    /// Its processor time until the end, without that of handlers that were killed.
    handler_seconds: f64,
}

/// Runs the measurement on a stack of its own, in a temporary directory.
///
/// # Errors
/// When the stack or the app does not start, the file is rejected, does not come to its end, or the totals are wrong.
pub async fn run(plan: &Plan, project: &Project) -> Result<Figures> {
    let Made { csv, invoices, days } = Made::new(plan.rows, plan.days);
    let file_bytes = csv.len();
    let shop = Shop::prepare(project).await?;
    shop.run(&shop.package("whole", &[])?).await?;
    let began = Instant::now();
    shop.stack.blobs().put(FILES, NAME, csv.into(), PutOptions::default())?;
    let mut watch = Watch::new(&shop, plan.kills);
    let (mut seconds_read, mut shown) = (None, String::new());
    loop {
        let report = watch.look()?;
        let state = report["state"].as_str().unwrap_or("waiting");
        let told = report["confirmed"].as_u64().unwrap_or(0) + report["refunded"].as_u64().unwrap_or(0);
        match state {
            "sending" | "done" if seconds_read.is_none() => seconds_read = Some(began.elapsed().as_secs_f64()),
            "rejected" => bail!("the file is rejected: {}", report["rejection"]),
            _ => {}
        }
        let line = format!("{state}: {} lines read, {told} of {invoices} invoices told", report["rows"]);
        if shown != line && state != "waiting" {
            output::say(&format!("{:>7.1} s  {line}", began.elapsed().as_secs_f64()));
            shown = line;
        }
        if state == "done" {
            break;
        }
        watch.kill_after(told * (u64::from(plan.kills) + 1) / invoices.max(1))?;
        watch.pause().await;
    }
    let seconds_told = began.elapsed().as_secs_f64();
    let events = shop.events(HUB)?;
    loop {
        let handled = shop.handled(HUB, GROUP)?;
        watch.look()?;
        if handled >= events {
            break;
        }
        let line = format!("totals: {handled} of {events} events");
        if began.elapsed().as_secs().is_multiple_of(5) && shown != line {
            output::say(&format!("{:>7.1} s  {line}", began.elapsed().as_secs_f64()));
            shown = line;
        }
        watch.pause().await;
    }
    let seconds_in_totals = began.elapsed().as_secs_f64();
    for (day, (quantity, amount)) in &days {
        let totals = shop.document_in("sales", day, "totals").await?.with_context(|| format!("{day} has no totals"))?;
        let net = &totals["sums"]["GBP"]["net"];
        if (net["quantity"].as_i64(), net["amount"].as_i64()) != (Some(*quantity), Some(*amount)) {
            bail!("{day} comes to {net}, and not to {quantity} pieces and {amount} pence");
        }
    }
    let (handler_bytes, handler_seconds) = (watch.peak(), watch.processor_time()?.as_secs_f64());
    drop(watch);
    shop.stop().await;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let per_second = |count: u64, seconds: f64| count as f64 / seconds.max(f64::MIN_POSITIVE);
    Ok(Figures {
        rows: plan.rows,
        days: plan.days,
        invoices,
        file_bytes,
        kills: plan.kills,
        seconds_read: seconds_read.unwrap_or(seconds_told),
        seconds_told,
        aim_rows_per_second: AIM,
        rows_per_second: per_second(plan.rows, seconds_told),
        seconds_in_totals,
        invoices_per_second_in_totals: per_second(invoices, seconds_in_totals),
        handler_bytes,
        handler_seconds,
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, invoices, days, kills, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let size = megabytes(self.file_bytes as u64);
        writeln!(
            out,
            "{rows} lines, {invoices} invoices, {size:.0} MB, days: {days}; the handler was killed {kills} times"
        )?;
        writeln!(out, "all lines read after        {:>9.1} s", self.seconds_read)?;
        let (told, rate) = (self.seconds_told, self.rows_per_second);
        writeln!(out, "all invoices told after     {told:>9.1} s   {rate:.0} lines/s (the aim is {AIM:.0})")?;
        let (totals, rate) = (self.seconds_in_totals, self.invoices_per_second_in_totals);
        writeln!(out, "all in the totals after     {totals:>9.1} s   {rate:.0} invoices/s; every day is right")?;
        writeln!(out, "handler, highest memory     {:>9.0} MB", megabytes(self.handler_bytes))?;
        writeln!(out, "handler, processor time     {:>9.1} s", self.handler_seconds)
    }
}

/// Between two looks at the report.
const PAUSE: Duration = Duration::from_millis(100);
