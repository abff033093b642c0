//! What became of the calls.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;

use super::change::Kind;
use crate::failure::CallError;
use crate::output;

/// Longest latency that is told apart, in microseconds: beyond every deadline of ours.
const MAX_MICROS: u64 = 10 * 60 * 1_000_000;
/// How many different failures are shown.
const MAX_FAILURES: usize = 5;

/// One answered call.
pub(super) struct Call {
    pub(super) kind: Kind,
    /// From when it was due.
    pub(super) latency: Duration,
    pub(super) result: Result<(), CallError>,
}

/// Counts and latencies.
pub(super) struct Report {
    prices: u64,
    restocks: u64,
    failed: u64,
    failures: BTreeMap<String, u64>,
    micros: Histogram<u64>,
}

impl Report {
    pub(super) fn new() -> anyhow::Result<Self> {
        let micros = Histogram::new_with_max(MAX_MICROS, 3).context("cannot make a histogram")?;
        Ok(Self { prices: 0, restocks: 0, failed: 0, failures: BTreeMap::new(), micros })
    }

    pub(super) fn add(&mut self, call: Call) {
        match (call.result, call.kind) {
            (Ok(()), kind) => {
                match kind {
                    Kind::Price => self.prices += 1,
                    Kind::Restock => self.restocks += 1,
                }
                self.micros.saturating_record(u64::try_from(call.latency.as_micros()).unwrap_or(u64::MAX));
            }
            (Err(error), _) => {
                self.failed += 1;
                *self.failures.entry(output::chain(&error)).or_default() += 1;
            }
        }
    }

    /// Whether a call did not do what it should.
    pub(super) fn any_failed(&self) -> bool {
        self.failed > 0
    }

    /// The most frequent failures, with how often each happened.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut failures: Vec<_> = self.failures.iter().map(|(message, count)| (message.as_str(), *count)).collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        failures.into_iter().take(MAX_FAILURES)
    }

    /// Counts, latencies and the seed, in three lines.
    pub(super) fn summary(&self, elapsed: Duration, seed: u64) -> String {
        let done = self.prices + self.restocks;
        let millis = |quantile| self.micros.value_at_quantile(quantile) as f64 / 1000.0;
        format!(
            "{done} changes in {:.1} s ({:.1}/s): {} price changes, {} restocks; {} failed\n\
             latency p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms\n\
             seed {seed}",
            elapsed.as_secs_f64(),
            done as f64 / elapsed.as_secs_f64().max(f64::EPSILON),
            self.prices,
            self.restocks,
            self.failed,
            millis(0.5),
            millis(0.9),
            millis(0.99),
            millis(1.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_and_measures() {
        let mut report = Report::new().expect("a histogram");
        assert!(!report.any_failed());
        let refused = |detail: &str| {
            Err(CallError::Refused {
                operation: "PATCH x".to_owned(),
                status: reqwest::StatusCode::BAD_REQUEST,
                detail: detail.to_owned(),
            })
        };
        for detail in ["one", "two", "two"] {
            report.add(Call { kind: Kind::Price, latency: Duration::ZERO, result: refused(detail) });
        }
        assert!(report.any_failed());
        for (kind, millis) in [(Kind::Price, 2), (Kind::Restock, 4)] {
            report.add(Call { kind, latency: Duration::from_millis(millis), result: Ok(()) });
        }
        assert_eq!(
            report.summary(Duration::from_secs(1), 7),
            "2 changes in 1.0 s (2.0/s): 1 price changes, 1 restocks; 3 failed\n\
             latency p50 2.0 ms, p90 4.0 ms, p99 4.0 ms, max 4.0 ms\n\
             seed 7"
        );
        let counts: Vec<u64> = report.failures().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1]);
    }
}
