//! Retry schedule: when a failed delivery is tried again.

use std::{sync::Mutex, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds to wait after the first failure, the second, and so on; the last one repeats.
const STEPS: [u64; 10] = [10, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR];

/// Largest share of a step that jitter adds. It never shortens one: the documented waits are minima.
const JITTER: f64 = 0.05;

/// Event Grid's fixed retry schedule with its small jitter.
#[derive(Debug)]
pub(crate) struct Schedule {
    random: Mutex<StdRng>,
}

impl Schedule {
    /// A schedule whose jitter repeats for the same `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// How long to wait after `attempts` failed attempts (at least one), but no less than `floor`.
    pub(crate) fn delay(&self, attempts: u32, floor: Duration) -> Duration {
        let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let step = STEPS.get(step).or(STEPS.last()).copied().unwrap_or_default();
        let share = {
            // A poisoned generator is still a generator.
            let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            random.random_range(0.0..JITTER)
        };
        Duration::from_secs(step).max(floor).mul_f64(1.0 + share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_steps_with_a_little_jitter_and_floors() {
        let schedule = Schedule::new(7);
        let again = Schedule::new(7);
        for (failures, seconds) in [(1, 10), (2, 30), (3, 60), (4, 300), (9, 21_600), (10, 43_200), (29, 43_200)] {
            let delay = schedule.delay(failures, Duration::ZERO);
            let least = Duration::from_secs(seconds);
            assert!(delay >= least && delay <= least.mul_f64(1.0 + JITTER), "{failures}: {delay:?}");
            assert_eq!(delay, again.delay(failures, Duration::ZERO), "the seed decides");
        }
        assert!(schedule.delay(1, Duration::from_secs(120)) >= Duration::from_secs(120));
    }
}
