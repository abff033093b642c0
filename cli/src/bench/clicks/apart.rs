//! Each reader alone with a backlog, so that its batches are full.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{
    super::{
        process::{cpu_time, memory},
        report::{Report, mebibytes},
        shop::Shop,
    },
    HUB, Plan, READERS, Reader,
    feed::{self, Feed},
    ratio,
};

/// The time that the backlog's clicks are spread over: that of an average shop's stream at 1,160 a second, ten times its average.
const CLICKS_A_SECOND: u64 = 1_160;
const BATCH: u32 = 500;

pub(super) async fn measure(shop: &Shop, plan: &Plan, report: &mut Report) -> Result<()> {
    let lasts = Duration::from_secs(plan.clicks / CLICKS_A_SECOND);
    let began = Instant::now();
    let feed = Feed { clicks: plan.clicks, products: plan.products, lasts, is_scattered: false };
    feed::finished(feed::start(&shop.endpoints_file()?, feed)?).await?;
    let clicks = shop.events(HUB)?;
    report.add("clicks into the hub", format!("{:.0}/s", ratio(plan.clicks, began.elapsed().as_secs_f64())));
    for reader in READERS {
        one(shop, reader, clicks, report).await?;
    }
    Ok(())
}

async fn one(shop: &Shop, reader: Reader, clicks: i64, report: &mut Report) -> Result<()> {
    let Reader { function, group, database, container } = reader;
    let before = shop.stack.cosmos().usage(database, container);
    let began = Instant::now();
    let pid = shop.run_with(&shop.package(function, &[function])?, Some(BATCH)).await?;
    shop.reach("handled clicks", clicks, |shop| shop.handled(HUB, group)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_time(pid)?.as_secs_f64();
    let after = shop.stack.cosmos().usage(database, container);
    let clicks = u64::try_from(clicks)?;
    let thousands = ratio(clicks, 1000.0);
    report.add(
        format!("{function}, batches of {BATCH}"),
        format!("{:.0} clicks per CPU-second, {:.0} clicks/s", ratio(clicks, cpu), ratio(clicks, seconds)),
    );
    report.add(
        format!("{function}, Cosmos DB per 1,000 clicks"),
        format!(
            "{:.0} writes, {:.0} reads, {:.0} request units",
            ratio(after.writes - before.writes, thousands),
            ratio(after.reads - before.reads, thousands),
            (after.request_units - before.request_units) / thousands,
        ),
    );
    report.add(format!("{function}, handler memory"), format!("peak {}", mebibytes(memory(pid)?.peak)));
    Ok(())
}
