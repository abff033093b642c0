//! Which events failed, by the topic's log of failed deliveries.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use time::{Duration, OffsetDateTime};

use crate::{
    app::App,
    azure::monitor::{Asked, MOST_ROWS},
    domain::partner::{
        event_grid_name,
        failure::{FailedDelivery, LOG_DELAY},
        redelivery::FailureLog,
        subscription::Subscription,
    },
    functions::partners::monitored::{topic, unavailable},
    http::Problem,
};

/// The most events of one job that are known by their ids.
const MOST: usize = 10_000;

/// The most pages of the log that are read for them.
const PAGES: usize = 20;

/// How long the log is kept at least: who asks for more is not told of all.
pub(super) const KEPT: Duration = Duration::days(30);

/// Which events failed.
pub(super) struct Failed {
    /// Their ids.
    pub(super) events: BTreeSet<String>,
    /// How far the log can be relied on.
    pub(super) log: FailureLog,
}

/// The events whose delivery to a subscription failed since a time. Among them are events that another attempt delivered: the
/// log has failures alone. What failed is not older than when it failed, so an event of a time failed in it or later.
pub(super) async fn read(app: &App, subscription: &Subscription, from: OffsetDateTime) -> Result<Failed, Problem> {
    let name = event_grid_name(&subscription.partner, &subscription.name);
    let now = app.now();
    let mut to = now;
    let mut failed = Failed {
        events: BTreeSet::new(),
        log: FailureLog { until: now.saturating_sub(LOG_DELAY).max(from), without_id: 0 },
    };
    for _ in 0..PAGES {
        let asked = Asked { topic: topic(app)?, subscription: &name, from, to };
        let rows = app.monitor().failures(&asked, None).await.map_err(unavailable)?;
        let is_last = rows.len() < MOST_ROWS;
        let oldest = rows.iter().map(|row| row.at).min();
        add(&mut failed, rows, oldest.filter(|_| !is_last));
        match oldest.map(|oldest| oldest.saturating_add(Duration::MICROSECOND)) {
            _ if is_last && failed.events.len() <= MOST => return Ok(failed),
            // Rows of that very moment are read again, since some may be left.
            Some(next) if next < to && failed.events.len() <= MOST => to = next,
            _ => break,
        }
    }
    let detail = format!(
        "More than {MOST} events failed in that time, or the log is longer than is read; ask for less, or for all."
    );
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("too-many-failures"))
}

/// Adds rows; those of the time `again` are read again with the next page, and counted there.
fn add(failed: &mut Failed, rows: Vec<FailedDelivery>, again: Option<OffsetDateTime>) {
    for row in rows {
        match row.event {
            Some(event) => _ = failed.events.insert(event),
            None if Some(row.at) == again => {}
            None => failed.log.without_id += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_do_not_tell_their_event_are_counted_once() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let log = FailureLog { until: at, without_id: 0 };
        let mut failed = Failed { events: BTreeSet::new(), log };
        let row = |seconds, text| FailedDelivery::parse(at + Duration::seconds(seconds), text);
        let page = || vec![row(9, "no id here"), row(5, "outcome=Aborted, id=a, and so on"), row(5, "none either")];
        add(&mut failed, page(), Some(at + Duration::seconds(5)));
        assert_eq!((failed.events.len(), failed.log.without_id), (1, 1));
        add(&mut failed, page().split_off(1), None);
        assert_eq!((failed.events.len(), failed.log.without_id), (1, 2));
    }
}
