//! What became of the calls.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use hdrhistogram::Histogram;

use crate::{failure::CallError, output};

/// Longest latency that is told apart, in microseconds: beyond every deadline of ours.
const MAX_MICROS: u64 = 10 * 60 * 1_000_000;
/// How many different failures are shown.
const MAX_FAILURES: usize = 5;

/// What a call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Staff changed a price.
    Price,
    /// Staff restocked a product.
    Restock,
    /// A visitor who consents to be recognised clicked.
    Recognised,
    /// A visitor who does not clicked.
    Anonymous,
}

impl Kind {
    fn is_click(self) -> bool {
        matches!(self, Self::Recognised | Self::Anonymous)
    }
}

/// One answered call.
pub(super) struct Call {
    pub(super) kind: Kind,
    /// From when it was due.
    pub(super) latency: Duration,
    pub(super) result: Result<(), CallError>,
}

/// Counts and latencies, of changes and of clicks.
pub(super) struct Report {
    changes: Calls,
    clicks: Calls,
    failures: BTreeMap<String, u64>,
}

/// Calls of two kinds that go through one door.
struct Calls {
    what: &'static str,
    kinds: [(Kind, &'static str, u64); 2],
    failed: u64,
    micros: Histogram<u64>,
}

impl Report {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            changes: Calls::new("changes", [(Kind::Price, "price changes"), (Kind::Restock, "restocks")])?,
            clicks: Calls::new("clicks", [(Kind::Recognised, "of known visitors"), (Kind::Anonymous, "anonymous")])?,
            failures: BTreeMap::new(),
        })
    }

    pub(super) fn add(&mut self, call: Call) {
        let calls = if call.kind.is_click() { &mut self.clicks } else { &mut self.changes };
        match call.result {
            Ok(()) => calls.add(call.kind, call.latency),
            Err(error) => {
                calls.failed += 1;
                *self.failures.entry(output::chain(&error)).or_default() += 1;
            }
        }
    }

    /// How many calls were answered, and how many of them failed.
    pub(super) fn counts(&self) -> (u64, u64) {
        let failed = self.changes.failed + self.clicks.failed;
        (self.changes.done() + self.clicks.done() + failed, failed)
    }

    /// Whether a call did not do what it should.
    pub(super) fn any_failed(&self) -> bool {
        self.counts().1 > 0
    }

    /// The most frequent failures, with how often each happened.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut failures: Vec<_> = self.failures.iter().map(|(message, count)| (message.as_str(), *count)).collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        failures.into_iter().take(MAX_FAILURES)
    }

    /// Counts and latencies of what was called, two lines each, and the seed.
    pub(super) fn summary(&self, elapsed: Duration, seed: u64) -> String {
        let parts = [&self.changes, &self.clicks].into_iter().filter(|calls| calls.done() + calls.failed > 0);
        let lines: String = parts.map(|calls| calls.summary(elapsed)).collect();
        format!("{lines}seed {seed}")
    }
}

impl Calls {
    fn new(what: &'static str, kinds: [(Kind, &'static str); 2]) -> anyhow::Result<Self> {
        let micros = Histogram::new_with_max(MAX_MICROS, 3).context("cannot make a histogram")?;
        Ok(Self { what, kinds: kinds.map(|(kind, name)| (kind, name, 0)), failed: 0, micros })
    }

    fn add(&mut self, kind: Kind, latency: Duration) {
        for (known, _, count) in &mut self.kinds {
            *count += u64::from(*known == kind);
        }
        self.micros.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    fn done(&self) -> u64 {
        self.kinds.iter().map(|(_, _, count)| count).sum()
    }

    fn summary(&self, elapsed: Duration) -> String {
        let done = self.done();
        let millis = |quantile| self.micros.value_at_quantile(quantile) as f64 / 1000.0;
        let [(_, first, firsts), (_, second, seconds)] = self.kinds;
        format!(
            "{done} {} in {:.1} s ({:.1}/s): {firsts} {first}, {seconds} {second}; {} failed\n\
             latency p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms\n",
            self.what,
            elapsed.as_secs_f64(),
            done as f64 / elapsed.as_secs_f64().max(f64::EPSILON),
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
        for kind in [Kind::Recognised, Kind::Recognised, Kind::Anonymous] {
            report.add(Call { kind, latency: Duration::from_millis(1), result: Ok(()) });
        }
        assert_eq!(
            report.summary(Duration::from_secs(1), 7).lines().nth(2),
            Some("3 clicks in 1.0 s (3.0/s): 2 of known visitors, 1 anonymous; 0 failed")
        );
        assert_eq!(report.counts(), (8, 3));
        let counts: Vec<u64> = report.failures().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1]);
    }
}
