//! Coverage: which part of a partition a reader has seen without gaps, and which windows are wholly in it.

use time::{Duration, OffsetDateTime};

use super::minute::Minute;
use crate::click::AHEAD;

/// Captured files tell when an event was stored in whole seconds.
const RESOLUTION: Duration = Duration::SECOND;

/// The events read of a partition since the last gap.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Option<Range>);

#[derive(Clone, Copy, Debug)]
struct Range {
    first: StoredAt,
    last: StoredAt,
}

#[derive(Clone, Copy, Debug)]
struct StoredAt {
    sequence: i64,
    stored: OffsetDateTime,
}

/// How an event follows those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// It is the next one.
    Next,
    /// It was read before.
    Again,
    /// Something is missing before it, or the hub was made anew: what was read before it does not count any more.
    Gap,
}

impl Coverage {
    /// Takes the event with this sequence number, stored then.
    pub fn take(&mut self, sequence: i64, stored: OffsetDateTime) -> Follows {
        let place = StoredAt { sequence, stored };
        match &mut self.0 {
            Some(Range { last, .. }) if sequence == last.sequence + 1 => {
                *last = place;
                Follows::Next
            }
            // In a hub made anew the numbers begin again, but not the time.
            Some(Range { last, .. }) if sequence <= last.sequence && stored <= last.stored => Follows::Again,
            range => {
                let follows = if range.is_none() { Follows::Next } else { Follows::Gap };
                *range = Some(Range { first: place, last: place });
                follows
            }
        }
    }

    /// Sequence number of the last event read; -1 if there is none.
    pub fn end(&self) -> i64 {
        self.0.map_or(-1, |range| range.last.sequence)
    }

    /// Whether no click of `minute` can have been stored before the first event read. A click may be [`AHEAD`] of the hub's clock, so
    /// that much earlier.
    pub fn holds(&self, minute: Minute) -> bool {
        self.0.is_some_and(|Range { first, .. }| {
            first.sequence == 0 || minute.start() - AHEAD >= first.stored + RESOLUTION
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    #[test]
    fn what_was_read_counts_from_the_last_gap_on() {
        let mut coverage = Coverage::default();
        assert_eq!((coverage.end(), coverage.holds(Minute::of(NOON))), (-1, false));
        assert_eq!(coverage.take(0, NOON), Follows::Next);
        assert_eq!(coverage.take(1, NOON), Follows::Next);
        assert_eq!(coverage.take(0, NOON), Follows::Again);
        assert!(coverage.holds(Minute::of(NOON).plus(-60)), "nothing can be before the first event of all");
        assert_eq!(coverage.take(7, NOON), Follows::Gap);
        assert_eq!(coverage.end(), 7);
        assert!(!coverage.holds(Minute::of(NOON).plus(5)), "a click may have been ahead of the hub's clock");
        assert!(coverage.holds(Minute::of(NOON).plus(6)));
        assert_eq!(coverage.take(0, NOON + Duration::HOUR), Follows::Gap, "another life of the hub");
        assert!(coverage.holds(Minute::of(NOON).plus(-60)));
    }
}
