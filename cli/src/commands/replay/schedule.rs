//! When the clicks of an old log happen in a replay.

use contoso_handlers::domain::click::LATE;
use time::{Date, Duration, OffsetDateTime, Time};

use crate::clickstream::{ClickstreamError, Row};

/// Sessions begin between these hours, so that even a long one ends on its day.
const OPENS: Duration = Duration::hours(6);
const OPEN_FOR: Duration = Duration::hours(15);
const LAST_MOMENT: Duration = Duration::milliseconds(24 * 60 * 60 * 1000 - 1);

/// What a whole log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) clicks: u64,
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Extent {
    /// Reads a log to its end; `None` if it has no rows.
    pub(super) fn of(
        rows: impl Iterator<Item = Result<Row, ClickstreamError>>,
    ) -> Result<Option<Self>, ClickstreamError> {
        let mut extent: Option<Self> = None;
        for row in rows {
            let date = row?.date;
            let so_far = extent.get_or_insert(Self { clicks: 0, first: date, last: date });
            so_far.clicks += 1;
            so_far.first = so_far.first.min(date);
            so_far.last = so_far.last.max(date);
        }
        Ok(extent)
    }

    fn days(self) -> Duration {
        self.last - self.first
    }
}

/// The day to begin with cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StartError {
    /// Clicks would be parked as being ahead of time.
    #[error("the last day would be {0}, which is not over: begin on {1} or earlier")]
    NotOver(Date, Date),
    /// Clicks would not count.
    #[error("{0} is too long ago: clicks count for {days} days, so begin on {1} or later", days = LATE.whole_days())]
    TooLongAgo(Date, Date),
    /// No start can be right.
    #[error("the log spans {0} days; clicks count for {days} days", days = LATE.whole_days())]
    TooLong(i64),
}

/// Where the days and moments of a log go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    shift: Duration,
    spacing: Duration,
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Schedule {
    /// The first day of the log becomes `start`; without it, the last day becomes yesterday. Clicks of a session are `spacing` apart.
    pub(super) fn new(
        extent: Extent,
        start: Option<Date>,
        spacing: Duration,
        now: OffsetDateTime,
    ) -> Result<Self, StartError> {
        let yesterday = now.date() - Duration::DAY;
        let latest = yesterday - extent.days();
        // A day's margin: the replay itself takes time.
        let earliest = now.date() - LATE + Duration::DAY;
        let first = start.unwrap_or(latest);
        let last = first + extent.days();
        if latest < earliest {
            return Err(StartError::TooLong(extent.days().whole_days() + 1));
        }
        if last > yesterday {
            return Err(StartError::NotOver(last, latest));
        }
        if first < earliest {
            return Err(StartError::TooLongAgo(first, earliest));
        }
        Ok(Self { shift: first - extent.first, spacing, first, last })
    }

    /// The first moment of the day that a click happens on.
    pub(super) fn day(&self, row: &Row) -> OffsetDateTime {
        (row.date + self.shift).with_time(Time::MIDNIGHT).assume_utc()
    }

    /// When a click happens: always on its own day, and the same whenever it is asked.
    pub(super) fn moment(&self, row: &Row) -> OffsetDateTime {
        // The golden ratio spreads consecutive numbers evenly (Weyl's sequence).
        let place = (f64::from(row.session) * 0.618_033_988_749_894_9).fract();
        let start = OPENS + OPEN_FOR * place;
        let start = Duration::seconds(start.whole_seconds());
        let into_session = self.spacing.saturating_mul(i32::try_from(row.order.saturating_sub(1)).unwrap_or(i32::MAX));
        self.day(row) + (start.saturating_add(into_session)).min(LAST_MOMENT)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    const EXTENT: Extent = Extent { clicks: 3, first: date!(2008 - 04 - 01), last: date!(2008 - 06 - 14) };

    fn row(date: Date, session: u32, order: u32) -> Row {
        Row {
            date,
            order,
            session,
            country: 1,
            category: "sale".to_owned().try_into().expect("valid"),
            product: "P1".to_owned().try_into().expect("valid"),
            price: 1,
            page: 1,
        }
    }

    #[test]
    fn the_last_day_was_yesterday_unless_told_otherwise() {
        let now = datetime!(2026-11-21 10:00 UTC);
        let schedule = Schedule::new(EXTENT, None, Duration::seconds(20), now).expect("a schedule");
        assert_eq!((schedule.first, schedule.last), (date!(2026 - 09 - 07), date!(2026 - 11 - 20)));
        let start = |start| Schedule::new(EXTENT, Some(start), Duration::seconds(20), now);
        assert!(start(date!(2026 - 09 - 01)).is_ok());
        assert_eq!(
            start(date!(2026 - 09 - 08)),
            Err(StartError::NotOver(date!(2026 - 11 - 21), date!(2026 - 09 - 07)))
        );
        assert_eq!(
            start(date!(2026 - 01 - 01)),
            Err(StartError::TooLongAgo(date!(2026 - 01 - 01), date!(2026 - 08 - 14)))
        );
        let long = Extent { last: date!(2008 - 12 - 31), ..EXTENT };
        assert_eq!(Schedule::new(long, None, Duration::seconds(20), now), Err(StartError::TooLong(275)));
    }

    #[test]
    fn clicks_stay_on_their_day_in_their_order() {
        let now = datetime!(2026-11-21 10:00 UTC);
        let schedule = Schedule::new(EXTENT, None, Duration::seconds(20), now).expect("a schedule");
        for session in 1..500 {
            let moments: Vec<_> =
                (1..=600).map(|order| schedule.moment(&row(date!(2008 - 04 - 02), session, order))).collect();
            assert!(moments.is_sorted());
            assert!(moments.iter().all(|moment| moment.date() == date!(2026 - 09 - 08)), "{session}");
            assert_eq!(moments[1] - moments[0], Duration::seconds(20));
        }
    }
}
