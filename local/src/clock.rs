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
/// Where it has when each step was made.
const STEPS: &str = "steps";
/// Steps whose times are known; of a time before the first of them it is taken that the clock had not been stepped.
const KNOWN_STEPS: usize = 1000;

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
    /// The steps, oldest first.
    steps: Arc<Mutex<Vec<Step>>>,
    /// Where the offset is stored; absent for a clock of one test.
    kept: Option<Arc<Mutex<Kept>>>,
}

/// A step: since when, by this machine's time, the clock is so far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    since: OffsetDateTime,
    ahead: Duration,
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
        Self { offset: watch::Sender::new(Duration::ZERO), steps: Arc::default(), kept: None }
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
        let steps = match keyspace.get(STEPS).map_err(StorageError::from)? {
            // The step of a version that did not keep when it was.
            None => vec![Step { since: machine_now(), ahead: offset }],
            Some(text) => {
                let text = String::from_utf8_lossy(&text);
                let steps: Option<_> = text.lines().map(read_step).collect();
                steps.ok_or_else(|| ClockError::Unreadable(text.into_owned()))?
            }
        };
        let kept = Some(Arc::new(Mutex::new(Kept { storage: storage.clone(), keyspace })));
        Ok(Self { offset: watch::Sender::new(offset), steps: Arc::new(Mutex::new(steps)), kept })
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

    /// What this clock showed when this machine's showed `at`, which is how clients state a time. A time that this machine has yet to
    /// see is one that the stack gave to a client, such as a `_ts`, and stays as it is.
    #[must_use]
    pub fn of_machine(&self, at: OffsetDateTime) -> OffsetDateTime {
        if at > machine_now() {
            return at;
        }
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        at + steps.iter().rev().find(|step| step.since <= at).map_or(Duration::ZERO, |step| step.ahead)
    }

    /// Milliseconds since the Unix epoch, the unit of AMQP timestamps.
    #[must_use]
    pub fn now_millis(&self) -> i64 {
        i64::try_from(self.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Moves the clock forward until the process ends; everything that sleeps on it re-checks its deadline at once.
    pub fn advance(&self, by: Duration) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        self.offset.send_modify(|offset| *offset += by);
        if steps.len() >= KNOWN_STEPS {
            steps.remove(0);
        }
        steps.push(Step { since: machine_now(), ahead: self.ahead() });
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
            let step = Step { since: machine_now(), ahead: self.ahead() + by };
            let all = self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let older = all.len().saturating_sub(KNOWN_STEPS - 1);
            let lines: Vec<String> = all.iter().skip(older).chain([&step]).map(written_step).collect();
            batch.insert(&kept.keyspace, AHEAD, written(step.ahead));
            batch.insert(&kept.keyspace, STEPS, lines.join("\n"));
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

fn written_step(step: &Step) -> String {
    format!("{} {}", step.since.unix_timestamp_nanos(), written(step.ahead))
}

fn read_step(line: &str) -> Option<Step> {
    let (since, ahead) = line.split_once(' ')?;
    let since = OffsetDateTime::from_unix_timestamp_nanos(since.parse().ok()?).ok()?;
    Some(Step { since, ahead: read(ahead)? })
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
        let before = machine_now();
        let clock = open();
        assert_eq!(clock.ahead(), steps.iter().sum::<Duration>());
        assert_eq!(clock.of_machine(before), before + clock.ahead(), "when it was so far ahead already");
        let long_ago = before - Duration::from_secs(3600);
        assert_eq!(clock.of_machine(long_ago), long_ago, "before it was stepped");
        let stamped = clock.now();
        assert_eq!(clock.of_machine(stamped), stamped, "what the stack told");
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
