//! Throughput: how fast events flow: differences between measurements. Document `recent` of `site/health`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::lag::Health;

/// Id of the document of `site/health` with the last measurements, or how the id of each app's own begins.
pub const RECENT: &str = "recent";

/// Measurements kept.
const KEPT: usize = 60;
/// A rate is taken over about this time.
const OVER: Duration = Duration::minutes(1);
/// Measurements further apart give no rate: it would be an average over too long.
const LONGEST: Duration = Duration::minutes(10);

/// The last measurements, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// [`RECENT`], or `recent.<app>` where several apps share the functions.
    pub id: String,
    /// At most 60.
    pub measurements: Vec<Measurement>,
}

/// What was stored and handled up to one moment, counted since each log began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// When it was measured.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Events by hub, and log sequence numbers by container with a change feed (`database/container`).
    pub stored: BTreeMap<String, i64>,
    /// The same by [`flow`], as far as it is handled.
    pub handled: BTreeMap<String, i64>,
}

/// A flow is known by what it reads and who reads it.
pub fn flow(log: &str, reader: &str) -> String {
    format!("{log}|{reader}")
}

impl Measurement {
    /// What a health document says about amounts.
    pub fn of(health: &Health) -> Self {
        let mut measurement = Self { at: health.at, stored: BTreeMap::new(), handled: BTreeMap::new() };
        for hub in &health.hubs {
            let stored = hub.partitions.iter().map(|partition| partition.last_sequence + 1).sum::<i64>();
            measurement.stored.insert(hub.hub.clone(), stored);
            measurement.handled.insert(flow(&hub.hub, &hub.consumer_group), stored - hub.lag);
        }
        for feed in &health.feeds {
            let stored = feed.ranges.iter().map(|range| range.lsn).sum::<i64>();
            measurement.stored.insert(feed.container.clone(), stored);
            if let Some(lag) = feed.lag {
                measurement.handled.insert(flow(&feed.container, ""), stored - lag);
            }
        }
        measurement
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { id: RECENT.to_owned(), measurements: Vec::new() }
    }
}

impl Recent {
    /// With one more measurement, unless a later one is there.
    pub fn with(mut self, measurement: Measurement) -> Self {
        if self.measurements.last().is_none_or(|last| last.at < measurement.at) {
            self.measurements.push(measurement);
            let surplus = self.measurements.len().saturating_sub(KEPT);
            self.measurements.drain(..surplus);
        }
        self
    }

    /// What several apps measured, by time.
    pub fn together(measured: Vec<Self>) -> Self {
        let mut measurements: Vec<_> = measured.into_iter().flat_map(|recent| recent.measurements).collect();
        measurements.sort_by_key(|measurement| measurement.at);
        Self { measurements, ..Self::default() }
    }

    /// How much was stored in a log, per second; `None` if it is not known.
    pub fn stored_per_second(&self, log: &str) -> Option<f64> {
        self.per_second(|measurement| measurement.stored.get(log).copied())
    }

    /// How much a [`flow`] handled, per second; `None` if it is not known.
    pub fn handled_per_second(&self, flow: &str) -> Option<f64> {
        self.per_second(|measurement| measurement.handled.get(flow).copied())
    }

    /// What a [`flow`] had not handled at each measurement, oldest first.
    pub fn lags(&self, log: &str, flow: &str) -> Vec<i64> {
        let lag = |measurement: &Measurement| Some(measurement.stored.get(log)? - measurement.handled.get(flow)?);
        self.measurements.iter().filter_map(lag).collect()
    }

    /// Between the newest measurement and the oldest of the last minute, or the one before it where that was longer ago.
    fn per_second(&self, amount: impl Fn(&Measurement) -> Option<i64>) -> Option<f64> {
        let mut points =
            self.measurements.iter().rev().filter_map(|measurement| Some((measurement.at, amount(measurement)?)));
        let (end, newest) = points.next()?;
        let mut start = points.next()?;
        start = points.take_while(|(at, _)| end - *at <= OVER).last().unwrap_or(start);
        let (start, oldest) = start;
        // A log that was made anew counts from its beginning.
        let is_known = newest >= oldest && end - start <= LONGEST && end > start;
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits than a float has")]
        is_known.then(|| (newest - oldest) as f64 / (end - start).as_seconds_f64())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn recent(points: &[(i64, i64, i64)]) -> Recent {
        points.iter().fold(Recent::default(), |recent, (second, stored, handled)| {
            recent.with(Measurement {
                at: START + Duration::seconds(*second),
                stored: BTreeMap::from([("clicks".to_owned(), *stored)]),
                handled: BTreeMap::from([(flow("clicks", "trends"), *handled)]),
            })
        })
    }

    #[test]
    fn a_rate_is_taken_over_the_last_minute() {
        let points = [(0, 0, 0), (30, 3_000, 0), (60, 4_000, 100), (90, 4_600, 700)];
        let recent = recent(&points);
        assert_eq!(recent.stored_per_second("clicks"), Some(1_600.0 / 60.0));
        assert_eq!(recent.handled_per_second("clicks|trends"), Some(700.0 / 60.0));
        assert_eq!(recent.lags("clicks", "clicks|trends"), [0, 3_000, 3_900, 3_900]);
    }

    #[test]
    fn nothing_is_guessed() {
        assert_eq!(recent(&[]).stored_per_second("clicks"), None);
        assert_eq!(recent(&[(0, 5, 5)]).stored_per_second("clicks"), None);
        assert_eq!(recent(&[(0, 5, 5), (90, 95, 5)]).stored_per_second("clicks"), Some(1.0), "the last two");
        assert_eq!(recent(&[(0, 5, 5), (900, 6, 5)]).stored_per_second("clicks"), None, "too long ago");
        assert_eq!(recent(&[(0, 500, 5), (10, 6, 5)]).stored_per_second("clicks"), None, "another log");
        assert_eq!(recent(&[(0, 5, 5), (10, 6, 5)]).stored_per_second("products"), None);
    }

    #[test]
    fn apps_measure_apart_what_they_read() {
        let other = |second: i64, stored: i64| Measurement {
            at: START + Duration::seconds(second),
            stored: BTreeMap::from([("products".to_owned(), stored)]),
            handled: BTreeMap::new(),
        };
        let others = Recent::default().with(other(5, 0)).with(other(65, 60));
        let together = Recent::together(vec![recent(&[(0, 0, 0), (60, 600, 0)]), others]);
        assert_eq!(together.stored_per_second("clicks"), Some(10.0));
        assert_eq!(together.stored_per_second("products"), Some(1.0));
    }

    #[test]
    fn a_measurement_that_comes_late_is_left_out_and_old_ones_go() {
        let late = recent(&[(10, 1, 1), (5, 0, 0), (10, 9, 9)]);
        assert_eq!(late.measurements.len(), 1);
        let many: Vec<_> = (0..100).map(|second| (second, second, second)).collect();
        let kept = recent(&many).measurements;
        assert_eq!((kept.len(), kept[0].stored["clicks"]), (KEPT, 40));
    }
}
