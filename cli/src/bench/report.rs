//! The figures, in the order they were taken.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// Named figures with their unit.
#[derive(Default)]
pub struct Report {
    rows: Vec<(String, String)>,
}

impl Report {
    pub(super) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.rows.push((name.into(), value.into()));
    }

    /// Median, 99th percentile and maximum of a histogram of microseconds.
    pub(super) fn add_latency(&mut self, name: &str, micros: &Histogram<u64>) {
        let at = |quantile| millis(Duration::from_micros(micros.value_at_quantile(quantile)));
        self.add(
            name,
            format!(
                "p50 {}   p99 {}   max {}   ({} samples)",
                at(0.5),
                at(0.99),
                millis(Duration::from_micros(micros.max())),
                micros.len()
            ),
        );
    }

    /// The rows as a JSON object, for scripts.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.rows.iter().map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str()))).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.rows {
            writeln!(out, "{name:width$}  {value}")?;
        }
        Ok(())
    }
}

pub(super) fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

pub(super) fn mebibytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52 bytes")]
    let mebibytes = bytes as f64 / 1_048_576.0;
    format!("{mebibytes:.1} MiB")
}

/// Microseconds up to a minute, three digits.
pub(super) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
