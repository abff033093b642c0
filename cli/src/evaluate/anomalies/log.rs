//! A real shop's log, which knows the day of a click only: sessions begin within the day as a shop's day goes, clicks follow each other
//! within 10 to 120 seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use contoso_handlers::domain::anomaly::Minute;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Poisson};
use time::OffsetDateTime;

use super::{DAY, Factor, Traffic, simulated::profile};
use crate::clickstream;

/// The clicks by minute: places of category and product.
pub(super) struct Log {
    clicks: BTreeMap<i64, Vec<(String, String)>>,
    categories: Vec<String>,
    days: Range<i64>,
    random: StdRng,
}

impl Log {
    /// Reads and spreads a log.
    pub(super) fn read(file: &Path, seed: u64) -> anyhow::Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut clicks = BTreeMap::<i64, Vec<(String, String)>>::new();
        let mut categories = BTreeSet::new();
        let mut session = (None, 0.0);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for row in clickstream::open(file)? {
            let row = row?;
            let day = (row.date - OffsetDateTime::UNIX_EPOCH.date()).whole_days();
            let is_weekend = (day + 3).rem_euclid(7) >= 5;
            let (first_of, mut second) = session;
            if first_of != Some((day, row.session)) {
                second = begin(is_weekend, &mut random);
            } else {
                second += random.random_range(10.0..120.0);
            }
            session = (Some((day, row.session)), second);
            let minute = day * DAY + (second / 60.0) as i64;
            let (category, product) = (row.category.as_str().to_owned(), row.product.as_str().to_owned());
            categories.insert(category.clone());
            clicks.entry(minute).or_default().push((category, product));
            (first, last) = (first.min(day), last.max(day));
        }
        anyhow::ensure!(first <= last, "{} has no clicks", file.display());
        Ok(Self { clicks, categories: categories.into_iter().collect(), days: first..last + 1, random })
    }

    /// From the first day to the last, in days since 1970.
    pub(super) fn days(&self) -> Range<i64> {
        self.days.clone()
    }

    pub(super) fn categories(&self) -> &[String] {
        &self.categories
    }
}

/// The second of the day in which a session begins: drawn from the day's profile by rejection.
fn begin(is_weekend: bool, random: &mut StdRng) -> f64 {
    loop {
        let hour = random.random_range(0.0..24.0);
        if random.random_range(0.0..2.2) < profile(hour, is_weekend) {
            return hour * 3600.0;
        }
    }
}

impl Traffic for Log {
    /// Clicks are left out, or come several times.
    fn minute(&mut self, at: i64, factor: &Factor<'_>) -> Minute {
        let mut minute = Minute::empty(at);
        for (category, product) in self.clicks.get(&at).into_iter().flatten() {
            let factor = factor(category, product);
            let views = if factor <= 1.0 {
                u64::from(self.random.random_bool(factor))
            } else {
                let more = Poisson::new(factor - 1.0).map_or(0, |poisson| poisson.sample(&mut self.random) as u64);
                1 + more
            };
            if views > 0 {
                minute.add(product, Some(category), views);
            }
        }
        minute
    }
}
