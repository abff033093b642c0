//! Measuring the product flow on this machine: latency, throughput, cost per event, start and memory.
//!
//! Every figure is taken from outside the handler: the clock of this process, the webhook that a partner would run, the
//! documents that the site would read, and what the kernel accounts to the handler's process.

pub mod clicks;
mod cold_start;
pub mod contracts;
pub mod hubs;
mod latency;
pub mod partners;
mod process;
mod report;
pub mod sales;
mod shop;
mod throughput;
mod webhook;

use std::time::Duration;

use anyhow::Result;

use self::shop::Shop;
pub use report::Report;

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Products in the catalogue; changes choose among them uniformly.
    pub products: usize,
    /// Changes a second while latency is measured.
    pub rate: u32,
    /// How long latency is measured.
    pub duration: Duration,
    /// Starts of the handler for the cold-start figure.
    pub starts: usize,
}

/// Feed polling while measuring, in milliseconds; production polls less often, see `docs/performance.md`.
pub const FEED_POLL_MILLIS: u32 = 50;

/// Runs the whole plan on a stack of its own, in a temporary directory.
///
/// # Errors
/// When the stack or the app does not start, or the flow does not finish in time.
pub async fn run(plan: &Plan, project: &crate::project::Project) -> Result<Report> {
    let shop = Shop::prepare(project).await?;
    let mut report = Report::default();

    // First without the readers, so that their backlog is what the next phase measures.
    throughput::fill(&shop, plan, &mut report).await?;
    throughput::drain(&shop, &mut report).await?;
    cold_start::measure(&shop, plan, &mut report).await?;
    latency::measure(&shop, plan, &mut report).await?;
    throughput::burst(&shop, plan, &mut report).await?;
    shop.stop().await;
    Ok(report)
}
