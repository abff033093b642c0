//! Clock: the stack's only one, which tests can step forward.
//!
//! Every service asks [`Clock`] for the time and waits on it, so that retry schedules, timers, retention and leases can
//! be tested without waiting for them.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

/// The time of this machine, UTC, which no test steps: what other programs judge by, such as whether a token has expired.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub(crate) fn machine_now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Passes after `duration` on this machine: between two attempts, between two looks at what nobody announces, or as a limit for a client.
#[expect(clippy::disallowed_methods, reason = "the one place that lets time pass")]
pub(crate) fn pause(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

/// Wall time plus an offset that only grows. Clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset: watch::Sender<Duration>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { offset: watch::Sender::new(Duration::ZERO) }
    }
}

impl Clock {
    /// The present moment, UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        machine_now() + *self.offset.borrow()
    }

    /// How far this clock is ahead of the wall.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        *self.offset.borrow()
    }

    /// Milliseconds since the Unix epoch, the unit of AMQP timestamps.
    #[must_use]
    pub fn now_millis(&self) -> i64 {
        i64::try_from(self.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Moves the clock forward; everything that sleeps on it re-checks its deadline at once.
    pub fn advance(&self, by: Duration) {
        self.offset.send_modify(|offset| *offset += by);
    }

    /// Sleeps until `deadline` on this clock, and returns at once where it has passed.
    pub async fn sleep_until(&self, deadline: OffsetDateTime) {
        let mut steps = self.offset.subscribe();
        loop {
            let left = deadline - self.now();
            if !left.is_positive() {
                return;
            }
            let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
            tokio::select! {
                () = pause(left) => {}
                // The sender lives as long as `self`, so an error cannot happen while we are here.
                _ = steps.changed() => {}
            }
        }
    }

    /// Sleeps for `duration` on this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_stepped() {
        let clock = Clock::default();
        let deadline = clock.now() + Duration::from_secs(3600);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(deadline).await }
        });
        clock.advance(Duration::from_secs(3601));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.expect("the step wakes it").expect("no panic");
    }
}
