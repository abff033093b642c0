//! Which events failed, by the topic's log of failed deliveries.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use time::{Duration, OffsetDateTime};

use crate::{
    app::App,
    azure::monitor::{Asked, MOST_ROWS},
    domain::partner::{event_grid_name, subscription::Subscription},
    functions::partners::monitored::{topic, unavailable},
    http::Problem,
};

/// The most events of one job that are known by their ids.
const MOST: usize = 10_000;

/// The most pages of the log that are read for them.
const PAGES: usize = 20;

/// The ids of the events whose delivery to a subscription failed since a time. Among them are events that another attempt delivered: the
/// log has failures alone. What failed is not older than when it failed, so an event of a time failed in it or later.
pub(super) async fn events(
    app: &App,
    subscription: &Subscription,
    from: OffsetDateTime,
) -> Result<BTreeSet<String>, Problem> {
    let name = event_grid_name(&subscription.partner, &subscription.name);
    let mut to = app.now();
    let mut events = BTreeSet::new();
    for _ in 0..PAGES {
        let asked = Asked { topic: topic(app)?, subscription: &name, from, to };
        let rows = app.monitor().failures(&asked, None).await.map_err(unavailable)?;
        let is_last = rows.len() < MOST_ROWS;
        let oldest = rows.iter().map(|row| row.at).min();
        events.extend(rows.into_iter().filter_map(|row| row.event));
        match oldest.map(|oldest| oldest.saturating_add(Duration::MICROSECOND)) {
            _ if is_last && events.len() <= MOST => return Ok(events),
            // Rows of that very moment are read again, since some may be left.
            Some(next) if next < to && events.len() <= MOST => to = next,
            _ => break,
        }
    }
    let detail = format!(
        "More than {MOST} events failed in that time, or the log is longer than is read; ask for less, or for all."
    );
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("too-many-failures"))
}
