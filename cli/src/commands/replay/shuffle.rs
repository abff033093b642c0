//! Clicks that overtake each other on their way to the hub.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use time::{Duration, OffsetDateTime};

use super::schedule::Schedule;
use crate::clickstream::{ClickstreamError, Row};

/// Clicks that wait for their turn, at most; with more, the next in turn goes early, so that memory stays bounded.
const WAITING: usize = 200_000;

/// Always the same, so that the same log comes in the same order.
const SEED: u64 = 553;

/// The clicks of a log, whose days ascend, in the order in which they arrive: each by chance up to a bound after it happened.
pub(super) struct Shuffled<I> {
    rows: I,
    schedule: Schedule,
    bound: Duration,
    random: StdRng,
    /// By arrival and place in the log.
    waiting: BTreeMap<(OffsetDateTime, u64), Row>,
    read: u64,
    /// Nothing still to be read happens before this moment; `None` before the first row.
    reached: Option<OffsetDateTime>,
    is_read: bool,
}

impl<I: Iterator<Item = Result<Row, ClickstreamError>>> Shuffled<I> {
    /// Clicks of `rows` that happen as `schedule` says and arrive up to `bound` later.
    pub(super) fn new(rows: I, schedule: Schedule, bound: Duration) -> Self {
        let random = StdRng::seed_from_u64(SEED);
        Self { rows, schedule, bound, random, waiting: BTreeMap::new(), read: 0, reached: None, is_read: false }
    }

    fn add(&mut self, row: Row) {
        let lateness = self.bound * self.random.random::<f64>();
        let arrival = self.schedule.moment(&row).saturating_add(lateness);
        self.reached = self.reached.max(Some(self.schedule.day(&row)));
        self.waiting.insert((arrival, self.read), row);
        self.read += 1;
    }
}

impl<I: Iterator<Item = Result<Row, ClickstreamError>>> Iterator for Shuffled<I> {
    type Item = Result<Row, ClickstreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let is_full = self.waiting.len() >= WAITING;
            if let Some(next) = self.waiting.first_entry()
                && (self.is_read || is_full || Some(next.key().0) < self.reached)
            {
                return Some(Ok(next.remove()));
            }
            match self.rows.next() {
                Some(Ok(row)) => self.add(row),
                Some(Err(error)) => return Some(Err(error)),
                None if self.is_read => return None,
                None => self.is_read = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::super::schedule::Extent;
    use super::*;

    fn rows() -> impl Iterator<Item = Result<Row, ClickstreamError>> {
        (0..3_000_u32).map(|number| {
            Ok(Row {
                date: date!(2008 - 04 - 01) + Duration::days((number / 1_000).into()),
                order: number % 10 + 1,
                session: number / 10,
                country: 1,
                category: "sale".to_owned().try_into().expect("valid"),
                product: "P1".to_owned().try_into().expect("valid"),
                price: 1,
                page: 1,
            })
        })
    }

    fn schedule() -> Schedule {
        let extent = Extent { clicks: 3_000, first: date!(2008 - 04 - 01), last: date!(2008 - 04 - 03) };
        Schedule::new(extent, None, Duration::seconds(20), datetime!(2026-11-21 10:00 UTC)).expect("a schedule")
    }

    fn shuffled(bound: Duration) -> Vec<Row> {
        Shuffled::new(rows(), schedule(), bound).collect::<Result<_, _>>().expect("no error")
    }

    #[test]
    fn every_click_comes_once_and_none_is_overtaken_by_one_that_happened_more_than_the_bound_later() {
        let key = |row: &Row| (row.session, row.order);
        let mut all: Vec<_> = rows().map(|row| key(&row.expect("a row"))).collect();
        all.sort_unstable();
        for hours in [1, 30, 30_000_000] {
            let bound = Duration::hours(hours);
            let came = shuffled(bound);
            let mut keys: Vec<_> = came.iter().map(key).collect();
            assert_eq!(keys, shuffled(bound).iter().map(key).collect::<Vec<_>>(), "the same each time");
            keys.sort_unstable();
            assert_eq!(keys, all);
            let moments: Vec<_> = came.iter().map(|row| schedule().moment(row)).collect();
            let mut newest = moments[0];
            let mut late = 0;
            for moment in moments {
                newest = newest.max(moment);
                assert!(newest - moment <= bound);
                late += usize::from(newest - moment > bound / 4);
            }
            assert!(hours > 30 || late > 500, "{late} of {} are late", came.len());
        }
    }

    #[test]
    fn only_what_can_still_be_overtaken_waits() {
        let mut clicks = Shuffled::new(rows(), schedule(), Duration::HOUR);
        let mut most = 0;
        while clicks.next().is_some() {
            most = most.max(clicks.waiting.len());
        }
        assert!(most <= 1_001, "a day of them, not {most}");
    }
}
