//! How busy the hours of a day are.

use std::{f64::consts::TAU, time::Duration};

/// The busiest hour of the day, as a part of it.
const BUSIEST: f64 = 20.0 / 24.0;
/// How far the busiest and the quietest hour are from the average.
const SWING: f64 = 0.8;

/// One wave a day: quiet before dawn, busy in the evening.
#[derive(Clone, Copy, Debug)]
pub(super) struct Season {
    seconds: f64,
    begins: f64,
}

impl Season {
    /// The largest factor.
    pub(super) const PEAK: f64 = 1.0 + SWING;

    /// A day of this length, whose time is `begins` (0 to 1) at second 0.
    pub(super) fn new(day: Duration, begins: f64) -> Self {
        Self { seconds: day.as_secs_f64(), begins }
    }

    /// The rate at `second` beside that of an average moment.
    pub(super) fn factor(self, second: f64) -> f64 {
        SWING.mul_add((TAU * (self.begins + second / self.seconds - BUSIEST)).cos(), 1.0)
    }
}
