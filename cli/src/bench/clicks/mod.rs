//! What clicks cost: each reader of the hub apart with a backlog, both together behind the public door, and a whole day.
//!
//! The clicks are planned by [`crate::traffic`], on as many products as asked, and sent straight to the hub by a process of its own
//! ([`feed`]), so that its processor time is not the stack's. Latency is measured through `POST /api/clicks`.

mod apart;
mod day;
pub mod feed;
mod latency;
mod sparse;

use std::time::Duration;

use anyhow::Result;

use super::{report::Report, shop::Shop};
use crate::project::Project;

/// The hub of clicks.
const HUB: &str = "clicks";

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Clicks in the backlog that each function works off alone; 0 leaves that out.
    pub clicks: u64,
    /// Products that are clicked on.
    pub products: usize,
    /// Clicks a second while latency is measured.
    pub rate: u32,
    /// How long latency is measured; none leaves it out.
    pub latency: Option<Duration>,
    /// Clicks of the whole day; none leaves it out.
    pub day: Option<u64>,
    /// The largest batch on that day.
    pub day_batch: u32,
    /// Clicks of the day of sixty a minute; none leaves it out.
    pub sparse: Option<u64>,
}

/// Runs the whole plan on stacks of its own, in temporary directories.
///
/// # Errors
/// When the stack or the app does not start, or the flow does not finish in time.
pub async fn run(plan: &Plan, project: &Project) -> Result<Report> {
    let mut report = Report::default();
    if plan.clicks > 0 {
        apart::measure(project, plan, &mut report).await?;
    }
    if let Some(duration) = plan.latency {
        let shop = Shop::prepare(project).await?;
        latency::measure(&shop, plan, duration, &mut report).await?;
        shop.stop().await;
    }
    if let Some(clicks) = plan.day {
        let shop = Shop::prepare(project).await?;
        day::measure(&shop, plan, clicks, &mut report).await?;
        shop.stop().await;
    }
    if let Some(clicks) = plan.sparse {
        for functions in [&["Trends"][..], &["Trends", "TrendRollup"]] {
            let shop = Shop::prepare(project).await?;
            sparse::measure(&shop, plan, clicks, functions, &mut report).await?;
            shop.stop().await;
        }
    }
    Ok(report)
}

/// The reader whose cost is measured: its function, its consumer group, and where it writes.
#[derive(Clone, Copy)]
struct Reader {
    function: &'static str,
    group: &'static str,
    database: &'static str,
    container: &'static str,
}

const READERS: [Reader; 2] = [
    Reader { function: "RecentlyViewed", group: "recently-viewed", database: "site", container: "visitors" },
    Reader { function: "Trends", group: "trends", database: "analytics", container: "windows" },
];

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: f64) -> f64 {
    part as f64 / whole
}
