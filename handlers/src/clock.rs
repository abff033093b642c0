//! The system clock, and pauses by it: the one place that asks for the time of day or lets time pass. Domain code gets the time handed in.

use std::time::Duration;

use time::OffsetDateTime;

/// The time of day, UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Passes after `duration`: between two attempts, between two looks at what nobody announces, or as the limit of a wait.
#[expect(clippy::disallowed_methods, reason = "the one place that lets time pass")]
pub(crate) fn pause(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}
