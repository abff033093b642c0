//! Growth of series that belong together.

use std::time::Duration;

use super::reading::{Histogram, Reading};

/// By how much counters or histograms grew within [`WINDOW`](super::WINDOW).
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// The values of the attributes that were asked for, in that order; `None` where a series has none.
    pub by: Vec<Option<String>>,
    /// What was counted: the counter's sum, or how many values a histogram took.
    pub count: f64,
    /// The values of histograms.
    pub values: Histogram,
    /// Within how long: shorter than the window where nothing was told before.
    pub over: Duration,
}

impl Growth {
    pub(super) fn none(by: Vec<Option<String>>) -> Self {
        Self { by, count: 0.0, values: Histogram::default(), over: Duration::ZERO }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 in minutes")]
    pub(super) fn add(&mut self, grown: &Reading, over: Duration) {
        match grown {
            Reading::Counter(count) => self.count += count,
            Reading::Histogram(values) => {
                self.count += values.count as f64;
                self.values.add(values);
            }
            Reading::Gauge(_) | Reading::Summary(_) => {}
        }
        self.over = self.over.max(over);
    }

    /// What was counted in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.over.is_zero() { 0.0 } else { self.count / self.over.as_secs_f64() }
    }
}
