//! A day of few clicks a minute, in an order that has nothing to do with their minutes: each click is of another window than the one before.
//!
//! That is what a log looks like which knows days and no times, and whose times are made up in a replay.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{
    super::{
        process::{cpu_time, memory},
        report::{Report, mebibytes},
        shop::Shop,
    },
    HUB, Plan,
    feed::{self, Feed},
    ratio,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const BATCH: u32 = 500;
/// Where the clicks are counted, and where that is summed.
const CONTAINERS: [&str; 2] = ["windows", "minutes"];

/// Has an app of these functions work off a backlog of such clicks.
pub(super) async fn measure(
    shop: &Shop,
    plan: &Plan,
    clicks: u64,
    functions: &[&str],
    report: &mut Report,
) -> Result<()> {
    let name = format!("{clicks} sparse clicks, {}", functions.join(" beside "));
    let feed = Feed { clicks, products: plan.products, lasts: DAY, is_scattered: true };
    feed::finished(feed::start(&shop.endpoints_file()?, feed)?).await?;
    let app = shop.package("sparse", functions)?;
    let stack = std::process::id();
    let (stack_before, began) = (cpu_time(stack)?, Instant::now());
    let handler = shop.run_with(&app, Some(BATCH)).await?;
    shop.reach("counted clicks", i64::try_from(clicks)?, |shop| shop.handled(HUB, "trends")).await?;
    let seconds = began.elapsed().as_secs_f64();
    report.add(&name, format!("{:.0} clicks/s in {seconds:.1} s", ratio(clicks, seconds)));
    let cores = |used: Duration| used.as_secs_f64() / seconds;
    report.add(
        format!("{name}: processor time"),
        format!(
            "handler {:.2} cores, stack {:.2} cores",
            cores(cpu_time(handler)?),
            cores(cpu_time(stack)?.saturating_sub(stack_before))
        ),
    );
    let thousands = ratio(clicks, 1000.0);
    for container in CONTAINERS {
        let usage = shop.stack.cosmos().usage("analytics", container);
        report.add(
            format!("{name}: analytics/{container} per 1,000 clicks"),
            format!(
                "{:.0} writes, {:.0} reads, {:.0} pages of feeds",
                ratio(usage.writes, thousands),
                ratio(usage.reads, thousands),
                ratio(usage.queries, thousands),
            ),
        );
    }
    report.add(format!("{name}: handler memory"), format!("peak {}", mebibytes(memory(handler)?.peak)));
    Ok(())
}
