//! The system clock, and waiting by it: the one place of this package that asks for the time of day or lets time pass.
//!
//! Spans are measured with [`std::time::Instant`], which needs no such place.

use std::time::Duration;

use time::OffsetDateTime;

/// The time of day, UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Polling: the pause between two looks at a state that nobody announces, such as another process's end.
#[expect(clippy::disallowed_methods, reason = "what is polled sends no signal to wait for")]
pub(crate) async fn until_next_look(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// Idle time that belongs to a measurement: memory settles, a load warms up or lasts.
#[expect(clippy::disallowed_methods, reason = "the time that passes is a part of what is measured")]
pub(crate) async fn measured(time: Duration) {
    tokio::time::sleep(time).await;
}
