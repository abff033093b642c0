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
use crate::project::Project;

/// The time that the backlog's clicks are spread over: that of an average shop's stream at 1,160 a second, ten times its average.
const CLICKS_A_SECOND: u64 = 1_160;
const BATCH: u32 = 500;

/// Each reader has a stack of its own, whose hub is filled while nobody reads: what one of them stored is not there when the other runs.
pub(super) async fn measure(project: &Project, plan: &Plan, report: &mut Report) -> Result<()> {
    for reader in READERS {
        let shop = Shop::prepare(project).await?;
        let lasts = Duration::from_secs(plan.clicks / CLICKS_A_SECOND);
        let feed = Feed { clicks: plan.clicks, products: plan.products, lasts, is_scattered: false };
        feed::finished(feed::start(&shop.endpoints_file()?, feed)?).await?;
        one(&shop, reader, report).await?;
        shop.stop().await;
    }
    Ok(())
}

/// From the handler's start until the last click has its checkpoint.
async fn one(shop: &Shop, reader: Reader, report: &mut Report) -> Result<()> {
    let Reader { function, group, database, container } = reader;
    let clicks = shop.events(HUB)?;
    let began = Instant::now();
    let pid = shop.run_with(&shop.package(function, &[function])?, Some(BATCH)).await?;
    shop.reach("handled clicks", clicks, |shop| shop.handled(HUB, group)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_time(pid)?.as_secs_f64();
    let usage = shop.stack.cosmos().usage(database, container);
    let clicks = u64::try_from(clicks)?;
    let thousands = ratio(clicks, 1000.0);
    report.add(
        format!("{function}, handler CPU-seconds per 1,000 clicks"),
        format!("{:.4} ({clicks} clicks in {cpu:.2} CPU-seconds)", cpu / thousands),
    );
    report.add(
        format!("{function}, batches of {BATCH}"),
        format!("{:.0} clicks per CPU-second, {:.0} clicks/s", ratio(clicks, cpu), ratio(clicks, seconds)),
    );
    report.add(
        format!("{function}, Cosmos DB per 1,000 clicks"),
        format!(
            "{:.0} writes, {:.0} reads, {:.0} request units",
            ratio(usage.writes, thousands),
            ratio(usage.reads, thousands),
            usage.request_units / thousands,
        ),
    );
    let memory = memory(pid)?;
    report.add(
        format!("{function}, handler memory"),
        format!("peak {}, then {}", mebibytes(memory.peak), mebibytes(memory.now)),
    );
    Ok(())
}
