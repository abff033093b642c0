//! Readings: what a series shows at a moment.

/// A number, or how numbers are distributed.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// What is now; may fall.
    Gauge(f64),
    /// How much there has been; never falls.
    Counter(f64),
    /// How many there have been, by size.
    Histogram(Histogram),
    /// Quantiles that the sender has computed.
    Summary(Summary),
}

/// A distribution in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Number of values.
    pub count: u64,
    /// Their sum, where it is told.
    pub sum: Option<f64>,
    /// Upper bounds of all buckets but the last, which has none; each belongs to its bucket.
    pub bounds: Vec<f64>,
    /// Number of values in each bucket: one more than bounds, or none where only count and sum are told.
    pub counts: Vec<u64>,
}

/// Quantiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantile, from 0 to 1, and its value.
    pub quantiles: Vec<(f64, f64)>,
}

impl Reading {
    /// The same with `later` on top of it; `later` itself where they do not fit.
    pub(super) fn plus(&self, later: Self) -> Self {
        match (self, later) {
            (Self::Counter(before), Self::Counter(more)) => Self::Counter(before + more),
            (Self::Gauge(before), Self::Gauge(more)) => Self::Gauge(before + more),
            (Self::Histogram(before), Self::Histogram(more)) if before.bounds == more.bounds => {
                let mut sum = before.clone();
                sum.add(&more);
                Self::Histogram(sum)
            }
            (_, later) => later,
        }
    }

    /// What was added since `earlier`; `None` where it has begun anew since, or is nothing that adds up.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        match (self, earlier) {
            (Self::Counter(now), Self::Counter(then)) => (now >= then).then(|| Self::Counter(now - then)),
            (Self::Histogram(now), Self::Histogram(then)) => now.since(then).map(Self::Histogram),
            _ => None,
        }
    }

    /// Whether it adds up.
    pub(super) fn grows(&self) -> bool {
        matches!(self, Self::Counter(_) | Self::Histogram(_))
    }

    pub(super) fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Gauge(_) | Self::Counter(_) => 0,
                Self::Histogram(histogram) => 8 * (histogram.bounds.len() + histogram.counts.len()),
                Self::Summary(summary) => 16 * summary.quantiles.len(),
            }
    }
}

impl Histogram {
    /// Adds another; where its bounds are others, count and sum alone.
    pub(super) fn add(&mut self, other: &Self) {
        if self.count == 0 && self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.zip(other.sum).map(|(one, other)| one + other);
        if self.bounds == other.bounds {
            for (count, more) in self.counts.iter_mut().zip(&other.counts) {
                *count = count.saturating_add(*more);
            }
        }
    }

    fn since(&self, earlier: &Self) -> Option<Self> {
        if self.bounds != earlier.bounds || self.counts.len() != earlier.counts.len() {
            return None;
        }
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.checked_sub(*then));
        Some(Self {
            count: self.count.checked_sub(earlier.count)?,
            sum: self.sum.zip(earlier.sum).map(|(now, then)| now - then),
            bounds: self.bounds.clone(),
            counts: counts.collect::<Option<_>>()?,
        })
    }

    /// The value below which the share `quantile` of all values lies, as even as they may lie within a bucket; `None` of no
    /// values. Above the last bound it is that bound: it may be more.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rank needs no 52 bits")]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let all: u64 = self.counts.iter().sum();
        let rank = quantile * all as f64;
        let mut before = 0;
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if (before + count) as f64 >= rank {
                let Some(upper) = self.bounds.get(bucket).copied() else { break };
                // Below the first bound there may be anything; times and sizes begin at nothing.
                let lower = bucket.checked_sub(1).map_or_else(|| upper.min(0.0), |below| self.bounds[below]);
                let share = ((rank - before as f64) / *count as f64).max(0.0);
                return Some((upper - lower).mul_add(share, lower));
            }
            before += count;
        }
        if all == 0 { None } else { self.bounds.last().copied() }
    }

    /// Their mean.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no 52 bits")]
    pub fn mean(&self) -> Option<f64> {
        self.sum.filter(|_| self.count > 0).map(|sum| sum / self.count as f64)
    }
}
