//! Overdispersion: how much wider than Poisson a series' counts are spread.

use serde::{Deserialize, Serialize};

use super::{short, tuning};

/// The variance of a series over its mean, taken over residuals of some minutes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion {
    /// Residuals, added up with the memory of [`tuning::RESIDUAL_MEMORY`].
    #[serde(rename = "r", serialize_with = "short")]
    residual: f64,
    /// What the square of `residual` would be on average were the counts Poisson.
    #[serde(rename = "v", serialize_with = "short")]
    variance: f64,
    /// Averages of the squares of `residual`, and of `variance`.
    #[serde(rename = "s", serialize_with = "short")]
    squares: f64,
    #[serde(rename = "m", serialize_with = "short")]
    means: f64,
    /// Minutes that were averaged.
    #[serde(rename = "n")]
    minutes: u32,
}

/// Minutes that what is assumed at first is worth.
const PRIOR_MINUTES: u32 = 60;

impl Default for Dispersion {
    fn default() -> Self {
        Self { residual: 0.0, variance: 0.0, squares: 0.0, means: 0.0, minutes: 0 }
    }
}

impl Dispersion {
    /// Variance over mean; at least 1, which is Poisson.
    pub(super) fn factor(&self) -> f64 {
        if self.means <= 0.0 {
            return tuning::DISPERSION_AT_FIRST;
        }
        let own = self.squares / self.means;
        let known = f64::from(self.minutes) / f64::from(self.minutes + PRIOR_MINUTES);
        (own * known + tuning::DISPERSION_AT_FIRST * (1.0 - known)).max(1.0)
    }

    /// Learns from a minute that is not part of an anomaly.
    pub(super) fn learn(&mut self, observed: f64, expected: f64) {
        let limit = tuning::WINSOR * (self.factor() * expected).sqrt().max(1.0);
        let residual = (observed - expected).clamp(-limit, limit);
        let memory = tuning::RESIDUAL_MEMORY;
        self.residual = self.residual * memory + residual;
        self.variance = self.variance * memory * memory + expected;
        self.minutes = self.minutes.saturating_add(1);
        let rate = (1.0 / f64::from(self.minutes)).max(tuning::DISPERSION);
        self.squares += rate * (self.residual * self.residual - self.squares);
        self.means += rate * (self.variance - self.means);
    }

    /// Forgets the residuals of the minutes before, not what was learned from them.
    pub(super) fn pause(&mut self) {
        (self.residual, self.variance) = (0.0, 0.0);
    }
}
