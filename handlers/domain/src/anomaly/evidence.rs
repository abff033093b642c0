//! Evidence that a series left its expectation: a cumulative sum (CUSUM) of log likelihood ratios, quasi-Poisson.

use serde::{Deserialize, Serialize};

use super::{short, tuning::MOST_OF_ONE_MINUTE};

/// Evidence of one direction since the minute in which it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Nats, above 0.
    #[serde(rename = "e", serialize_with = "short")]
    pub(super) evidence: f64,
    /// Its first minute.
    #[serde(rename = "f")]
    pub(super) first: i64,
    /// Views observed and expected after its first minute, in which the change may have come at any second.
    #[serde(rename = "o", serialize_with = "short")]
    pub(super) observed: f64,
    #[serde(rename = "x", serialize_with = "short")]
    pub(super) expected: f64,
}

/// How much better (nats) the mean `factor * expected` explains `observed` than the mean `expected` does.
pub(super) fn gain(observed: f64, expected: f64, factor: f64, dispersion: f64) -> f64 {
    (observed * factor.ln() - expected * (factor - 1.0)) / dispersion
}

/// Adds a minute's gain to the evidence so far, of which `needed` decides; `None` where none is left.
pub(super) fn add(run: Option<Run>, gain: f64, needed: f64, minute: i64, observed: f64, expected: f64) -> Option<Run> {
    let gain = gain.min(needed * MOST_OF_ONE_MINUTE);
    match run {
        Some(run) => Some(Run {
            evidence: run.evidence + gain,
            first: run.first,
            observed: run.observed + observed,
            expected: run.expected + expected,
        })
        .filter(|run| run.evidence > 0.0),
        None => (gain > 0.0).then_some(Run { evidence: gain, first: minute, observed: 0.0, expected: 0.0 }),
    }
}
