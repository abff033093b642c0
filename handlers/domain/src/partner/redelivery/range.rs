//! Times by when the hub stored an event.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A time from `from` to before `until`, by when the hub stored an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Its beginning.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Its end.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// Whether one of the ranges has this time. Captured files tell whole seconds, and none of an unknown time should be missed.
pub fn covers(ranges: &[Range], enqueued: Option<OffsetDateTime>) -> bool {
    let second = |time: OffsetDateTime| time.replace_nanosecond(0).unwrap_or(time);
    enqueued.is_none_or(|at| ranges.iter().any(|range| second(range.from) <= at && at < range.until))
}
