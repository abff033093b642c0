//! What to show beside a product and to a visitor, from what visitors look at one after the other.
//!
//! One file of the hub `clicks` becomes its [`sessions`]; the files of one partition and day, in their order, become the [`co_views`] of
//! that day; days are merged with decay into one table of [`weights`], of which [`lists`] are shown. Each step is a function of what
//! it reads, and all sums are of integers: repeats, restarts, the order in which files are found and where the hub cuts them make
//! no difference. Why these rules and not others: `docs/recommendations.md`.

pub mod co_views;
pub mod lists;
pub mod sessions;
pub mod state;
pub mod weights;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A session ends with this many seconds without a click, by the visitor's time or the hub's.
pub const SESSION_GAP: i64 = 30 * 60;

/// Co-views older than this many days are forgotten; as long as a click may be late.
pub const HORIZON: i32 = super::click::LATE.whole_days() as i32;

/// After so many days a co-view counts half.
pub const HALF_LIFE: f64 = 60.0;

/// A day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(
    /// Days since 1970-01-01.
    pub i32,
);

impl Day {
    /// The day of `time`.
    pub fn of(time: OffsetDateTime) -> Self {
        Self::of_seconds(time.unix_timestamp())
    }

    /// The day of a time in seconds since 1970-01-01T00:00Z.
    pub fn of_seconds(seconds: i64) -> Self {
        Self(i32::try_from(seconds.div_euclid(24 * 60 * 60)).unwrap_or(i32::MAX))
    }

    /// What a co-view of this day counts `today`, in parts of [`UNIT`]: an integer, so that sums do not depend on their order.
    /// A day to come counts as today: clocks differ.
    pub fn decay(self, today: Self) -> u64 {
        let age = today.0.saturating_sub(self.0).max(0);
        if age > HORIZON {
            return 0;
        }
        (UNIT as f64 * 0.5_f64.powf(f64::from(age) / HALF_LIFE)).round() as u64
    }
}

/// What a co-view of today counts.
pub const UNIT: u64 = 1 << 16;

#[cfg(test)]
mod tests;
