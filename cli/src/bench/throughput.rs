//! Throughput: how much goes through: into the hub, out of a backlog, and end to end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::{
    Plan,
    process::{cpu_time, memory},
    report::{Report, mebibytes},
    shop::{HUB, Shop},
};
use crate::catalogue::Product;

/// Requests in flight while the catalogue is filled or changed in a burst.
pub(super) const CONCURRENCY: usize = 32;

/// Creates the catalogue with the writing half of the app only: the events wait on the hub.
pub(super) async fn fill(shop: &Shop, plan: &Plan, report: &mut Report) -> Result<()> {
    let pid = shop.run(&shop.package("writers", &["Products", "ProductChanges"])?).await?;
    let cost = Cost::begin(pid)?;
    let began = Instant::now();
    put_all(shop, plan, 1_000).await?;
    shop.reach("events on the hub", count(plan), |shop| shop.events(HUB)).await?;
    report.add("PUT → hub, new products", per_second(plan.products, began));
    report.add("PUT → hub, processor time", cost.of(plan.products)?);
    Ok(())
}

/// Lets the projection alone work off the backlog: batches are as large as the host makes them.
pub(super) async fn drain(shop: &Shop, report: &mut Report) -> Result<()> {
    let events = shop.events(HUB)?;
    let began = Instant::now();
    let pid = shop.run(&shop.package("projection", &["ProductProjection"])?).await?;
    let cost = Cost::begin(pid)?;
    shop.reach("projected events", events, |shop| shop.handled(HUB, "site")).await?;
    let cost = cost.of(usize::try_from(events)?)?;
    #[expect(clippy::cast_precision_loss, reason = "event counts are far below 2^52")]
    let events = events as f64;
    report.add("hub → projection, batches of 500", format!("{:.0} events/s", events / began.elapsed().as_secs_f64()));
    report.add("hub → projection, processor time", cost);
    let cpu = cpu_time(pid)?.as_secs_f64();
    report.add("handler, ProductProjection", format!("{:.0} events per CPU-second", events / cpu));
    report.add("handler memory after the backlog", format!("peak {}", mebibytes(memory(pid)?.peak)));
    Ok(())
}

/// Changes every price as fast as the app takes it, with all functions running, until site and partners have it all.
pub(super) async fn burst(shop: &Shop, plan: &Plan, report: &mut Report) -> Result<()> {
    let before = shop.events(HUB)?;
    let cost = Cost::begin(shop.stack.handler_pid().context("no handler runs")?)?;
    let began = Instant::now();
    put_all(shop, plan, 2_000_000).await?;
    shop.reach("events on the hub", before + count(plan), |shop| shop.events(HUB)).await?;
    let events = shop.events(HUB)?;
    shop.reach("projected events", events, |shop| shop.handled(HUB, "site")).await?;
    shop.reach("published events", events, |shop| shop.handled(HUB, "partners")).await?;
    report.add("PUT → projection and Event Grid, burst of changes", per_second(plan.products, began));
    report.add("burst of changes, processor time", cost.of(plan.products)?);
    Ok(())
}

/// Processor time from a moment on: what is left of a rate on a machine that has other work too.
struct Cost {
    handler: u32,
    before: (Duration, Duration),
}

impl Cost {
    fn begin(handler: u32) -> Result<Self> {
        Ok(Self { handler, before: Self::now(handler)? })
    }

    fn now(handler: u32) -> Result<(Duration, Duration)> {
        Ok((cpu_time(handler)?, cpu_time(std::process::id())?))
    }

    /// Since then, for each of `events`.
    fn of(&self, events: usize) -> Result<String> {
        let now = Self::now(self.handler)?;
        let each = |now: Duration, before: Duration| {
            #[expect(clippy::cast_precision_loss, reason = "event counts are far below 2^52")]
            let events = events as f64;
            now.saturating_sub(before).as_secs_f64() * 1000.0 / events
        };
        let (handler, stack) = (each(now.0, self.before.0), each(now.1, self.before.1));
        Ok(format!("handler {handler:.3} ms, stack and load {stack:.3} ms an event"))
    }
}

async fn put_all(shop: &Shop, plan: &Plan, minor_units: u64) -> Result<()> {
    let door = shop.products();
    stream::iter(0..plan.products)
        .map(|number| {
            let door = door.clone();
            async move { door.put(&product(number, minor_units)).await }
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// A believable product, the same for the same number but for its price.
pub(super) fn product(number: usize, minor_units: u64) -> Product {
    let body = json!({
        "name": format!("Product number {number}"),
        "category": format!("Category {}", number % 40),
        "brand": format!("Brand {}", number % 25),
        "description": "A believable description of a believable product, as long as such texts are in a real catalogue, \
                        so that documents and events have a realistic size of half a kilobyte or so.",
        "price": price(minor_units + u64::try_from(number).unwrap_or(0)),
        "stock": number % 100,
    });
    Product { id: id(number), body }
}

pub(super) fn id(number: usize) -> String {
    format!("p{number}")
}

pub(super) fn price(minor_units: u64) -> serde_json::Value {
    json!({"amount": amount(minor_units), "currency": "USD"})
}

pub(super) fn amount(minor_units: u64) -> String {
    format!("{}.{:02}", minor_units / 100, minor_units % 100)
}

fn count(plan: &Plan) -> i64 {
    i64::try_from(plan.products).unwrap_or(i64::MAX)
}

fn per_second(count: usize, began: Instant) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let rate = count as f64 / began.elapsed().as_secs_f64();
    format!("{rate:.0} events/s ({count} in {:.1} s)", began.elapsed().as_secs_f64())
}
