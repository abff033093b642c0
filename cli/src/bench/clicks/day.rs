//! A day of clicks, or the beginning of one, as fast as it goes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{
    super::{
        process::{cpu_time, memory},
        report::{Report, mebibytes},
        shop::Shop,
    },
    HUB, Plan, READERS,
    feed::{self, Feed},
    ratio,
};
use crate::{clock, output};

/// Clicks of a whole day. Fewer are the beginning of such a day, as dense as it is: how many a batch has of one visitor depends on that.
const WHOLE: u64 = 10_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Pause between two looks at how far the readers are.
const LOOK: Duration = Duration::from_millis(500);
/// Without progress for so long, something is broken.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn measure(shop: &Shop, plan: &Plan, clicks: u64, report: &mut Report) -> Result<()> {
    let app = shop.package("day", &["RecentlyViewed", "Trends", "TrendRollup"])?;
    let handler = shop.run_with(&app, Some(plan.day_batch)).await?;
    let stack = std::process::id();
    let usage = || READERS.map(|reader| shop.stack.cosmos().usage(reader.database, reader.container));
    let (handler_before, stack_before, usage_before) = (cpu_time(handler)?, cpu_time(stack)?, usage());
    let began = Instant::now();
    let lasts = DAY.mul_f64(ratio(clicks, ratio(WHOLE, 1.0)));
    let sending = async {
        let feed = Feed { clicks, products: plan.products, lasts, is_scattered: false };
        feed::finished(feed::start(&shop.endpoints_file()?, feed)?).await?;
        anyhow::Ok(began.elapsed())
    };
    let (sent, quarters) = tokio::try_join!(sending, handled(shop, clicks, handler, stack))?;
    let seconds = began.elapsed().as_secs_f64();
    report.add(
        format!("a day of {clicks} clicks, batches up to {}", plan.day_batch),
        format!(
            "{:.1} min, {:.0} clicks/s; the last was on the hub after {:.1} min",
            seconds / 60.0,
            ratio(clicks, seconds),
            sent.as_secs_f64() / 60.0
        ),
    );
    let cores = |before: Duration, after: Duration| (after.saturating_sub(before)).as_secs_f64() / seconds;
    report.add(
        "its processor time",
        format!(
            "handler {:.2} cores, stack {:.2} cores",
            cores(handler_before, cpu_time(handler)?),
            cores(stack_before, cpu_time(stack)?)
        ),
    );
    let thousands = ratio(clicks, 1000.0);
    for ((reader, before), after) in READERS.iter().zip(usage_before).zip(usage()) {
        report.add(
            format!("its {}, Cosmos DB per 1,000 clicks", reader.function),
            format!(
                "{:.0} writes, {:.0} reads, {:.0} request units",
                ratio(after.writes - before.writes, thousands),
                ratio(after.reads - before.reads, thousands),
                (after.request_units - before.request_units) / thousands,
            ),
        );
    }
    report.add("its memory, handler, after each quarter", list(quarters.iter().map(|quarter| quarter.0)));
    report.add("its memory, stack with the data", list(quarters.iter().map(|quarter| quarter.1)));
    report.add("its memory, handler", format!("peak {}", mebibytes(memory(handler)?.peak)));
    Ok(())
}

/// Waits until both readers have handled so many clicks; returns the memory of handler and stack after each quarter.
async fn handled(shop: &Shop, clicks: u64, handler: u32, stack: u32) -> Result<Vec<(u64, u64)>> {
    let bar = output::bar("clicks", clicks);
    let mut quarters = Vec::new();
    let (mut before, mut since) = (0, Instant::now());
    loop {
        let mut slowest = u64::MAX;
        for reader in READERS {
            slowest = slowest.min(u64::try_from(shop.handled(HUB, reader.group)?)?);
        }
        bar.set_position(slowest);
        while quarters.len() < 4 && slowest * 4 >= clicks * (quarters.len() as u64 + 1) {
            quarters.push((memory(handler)?.now, memory(stack)?.now));
        }
        if slowest >= clicks {
            bar.finish_and_clear();
            return Ok(quarters);
        }
        if slowest > before {
            (before, since) = (slowest, Instant::now());
        } else if since.elapsed() > PATIENCE {
            bail!("{slowest} of {clicks} clicks were handled, then none for {PATIENCE:?}");
        }
        clock::until_next_look(LOOK).await;
    }
}

fn list(sizes: impl Iterator<Item = u64>) -> String {
    sizes.map(mebibytes).collect::<Vec<_>>().join(", ")
}
