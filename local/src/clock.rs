//! Clock: the stack's only one, which tests can step forward.
//!
//! Every service asks [`Clock`] for the time and waits on it, so that retry schedules, timers, retention and leases can
//! be tested without waiting for them.
//!
//! How far it was stepped is stored, since everything else that is stored goes by it: without that, a lease that was taken or a
//! message that was hidden after a step would last as much longer after a restart. It never goes back, for the same reason; who
//! wants the machine's time again starts with a fresh data directory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fjall::Keyspace;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::storage::{Storage, StorageError};

/// Where the store has the step.
const KEYSPACE: &str = "clock";
const AHEAD: &str = "ahead";

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
#[derive(Clone)]
pub struct Clock {
    offset: watch::Sender<Duration>,
    /// Where the offset is stored; absent for a clock of one test.
    kept: Option<Arc<Mutex<Kept>>>,
}

struct Kept {
    storage: Storage,
    keyspace: Keyspace,
}

/// The clock cannot be told from the store.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store holds something else.
    #[error("what the store holds of the clock is no span of time: `{0}`; start with a fresh data directory")]
    Unreadable(String),
}

impl Default for Clock {
    /// The wall's time, and steps that nobody remembers.
    fn default() -> Self {
        Self { offset: watch::Sender::new(Duration::ZERO), kept: None }
    }
}

impl Clock {
    /// The clock of a store: as far ahead as it was stepped there, in earlier runs too.
    ///
    /// # Errors
    /// When the store fails, or holds no span of time.
    pub fn of(storage: &Storage) -> Result<Self, ClockError> {
        let keyspace = storage.keyspace(KEYSPACE)?;
        let offset = match keyspace.get(AHEAD).map_err(StorageError::from)? {
            None => Duration::ZERO,
            Some(text) => {
                let text = String::from_utf8_lossy(&text);
                read(&text).ok_or_else(|| ClockError::Unreadable(text.into_owned()))?
            }
        };
        let kept = Kept { storage: storage.clone(), keyspace };
        Ok(Self { offset: watch::Sender::new(offset), kept: Some(Arc::new(Mutex::new(kept))) })
    }

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

    /// Moves the clock forward until the process ends; everything that sleeps on it re-checks its deadline at once.
    pub fn advance(&self, by: Duration) {
        self.offset.send_modify(|offset| *offset += by);
    }

    /// Moves the clock forward for good, as [`Self::advance`] does and for all runs on the same store.
    ///
    /// # Errors
    /// When it cannot be stored; then the clock stays as it is.
    pub fn step(&self, by: Duration) -> Result<(), StorageError> {
        if let Some(kept) = &self.kept {
            // Held until the clock has moved, so that of two steps at once both count.
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let mut batch = kept.storage.batch();
            batch.insert(&kept.keyspace, AHEAD, written(self.ahead() + by));
            batch.commit()?;
            self.advance(by);
        } else {
            self.advance(by);
        }
        Ok(())
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

/// Seconds and nanoseconds, as text.
fn written(span: Duration) -> String {
    format!("{}.{:09}", span.as_secs(), span.subsec_nanos())
}

fn read(text: &str) -> Option<Duration> {
    let (seconds, nanos) = text.split_once('.')?;
    let nanos = nanos.parse().ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::storage::Sync;

    #[test]
    fn a_step_outlives_the_process_and_a_simple_advance_does_not() {
        let directory = TempDir::new().expect("a directory");
        let open = || Clock::of(&Storage::open(directory.path(), Sync::Process).expect("a store")).expect("a clock");
        let steps = [Duration::from_millis(1_500), Duration::from_secs(86_400)];
        for step in steps {
            let clock = open();
            clock.step(step).expect("stored");
            clock.advance(Duration::from_secs(7));
        }
        assert_eq!(open().ahead(), steps.iter().sum::<Duration>());
    }

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
