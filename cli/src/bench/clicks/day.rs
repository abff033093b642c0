//! A day of clicks, or the beginning of one, as fast as it goes.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::process::{cpu_time, memory};
use super::super::report::{Report, mebibytes};
use super::super::shop::Shop;
use super::{HUB, Plan, READERS, feed, ratio};

/// Clicks of a whole day. Fewer are the beginning of such a day, as dense as it is: how many a batch has of one visitor depends on that.
const WHOLE: u64 = 10_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn measure(shop: &Shop, plan: &Plan, clicks: u64, report: &mut Report) -> Result<()> {
    let handler = shop.run(&shop.package("day", &["RecentlyViewed", "Trends", "TrendRollup"])?).await?;
    let stack = std::process::id();
    let (handler_before, stack_before) = (cpu_time(handler)?, cpu_time(stack)?);
    let began = Instant::now();
    let lasts = DAY.mul_f64(ratio(clicks, ratio(WHOLE, 1.0)));
    let sender = feed::start(&shop.endpoints_file()?, clicks, plan.products, lasts)?;
    feed::finished(sender).await?;
    let sent = began.elapsed();
    let events = shop.events(HUB)?;
    for reader in READERS {
        shop.reach("handled clicks", events, |shop| shop.handled(HUB, reader.group)).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    report.add(
        format!("a day of {clicks} clicks"),
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
    report.add(
        "its memory",
        format!("handler peak {}, stack peak {}", mebibytes(memory(handler)?.peak), mebibytes(memory(stack)?.peak)),
    );
    Ok(())
}
