//! What a test takes from the machine it runs on: the time of day, environment variables, and time that passes.

use std::{ffi::OsString, time::Duration};

use time::OffsetDateTime;

/// The time of day, UTC. The stack's own clock may have been stepped away from it.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An environment variable, where it is set.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that chooses how a test runs, where it is set. One that cannot be read fails the test, which would else run otherwise
/// than was asked for.
pub(crate) fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = variable(name)?;
    let read = value.to_str().and_then(|text| text.parse().ok());
    Some(read.unwrap_or_else(|| panic!("{name}={} cannot be read", value.display())))
}

/// Lets time pass where that is what a test does: until a moment chosen by chance, or as the pace of a load. What waits for a state
/// uses [`eventually`](super::eventually).
#[expect(clippy::disallowed_methods, reason = "no state is waited for")]
pub(crate) async fn time_passes(time: Duration) {
    tokio::time::sleep(time).await;
}
