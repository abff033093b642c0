//! A simulated shop: daily and weekly season, Zipf popularity, and noise that is not Poisson.

use contoso_handlers::domain::anomaly::Minute;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Gamma, Normal, Poisson};

use super::{DAY, Factor, Traffic};

/// A size of shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) name: &'static str,
    views_per_minute: f64,
    products: usize,
}

impl Size {
    /// Ten million clicks a day.
    pub(super) const LARGE: Self = Self { name: "a large shop", views_per_minute: 7_000.0, products: 200 };
    /// Some hundred and seventy thousand.
    pub(super) const SMALL: Self = Self { name: "a small shop", views_per_minute: 120.0, products: 200 };
}

/// Names of the categories, biggest first.
const CATEGORIES: usize = 8;

/// A slow random walk back to 0, the logarithm of a factor.
#[derive(Clone, Debug)]
struct Drift {
    value: f64,
    keeps: f64,
    shock: Normal<f64>,
}

impl Drift {
    /// With this standard deviation, remembered for so many steps.
    fn new(deviation: f64, steps: f64) -> Self {
        let keeps = (-1.0 / steps).exp();
        Self { value: 0.0, keeps, shock: normal(deviation * (1.0 - keeps * keeps).sqrt()) }
    }

    fn step(&mut self, random: &mut StdRng) -> f64 {
        self.value = self.value * self.keeps + self.shock.sample(random);
        self.value.exp()
    }
}

fn normal(deviation: f64) -> Normal<f64> {
    // Only a negative or infinite deviation is refused.
    Normal::new(0.0, deviation).unwrap_or_else(|_| unreachable!("a deviation of {deviation}"))
}

struct Product {
    id: String,
    category: usize,
    share: f64,
    drift: Drift,
    /// `drift`'s present factor.
    now: f64,
    /// A burst that is no anomaly: its factor, and the minute it ends.
    burst: (f64, i64),
}

/// The shop.
pub(super) struct Shop {
    size: Size,
    random: StdRng,
    categories: Vec<String>,
    phases: Vec<f64>,
    category_drifts: Vec<Drift>,
    drift: Drift,
    days: Drift,
    day: f64,
    products: Vec<Product>,
}

impl Shop {
    pub(super) fn new(size: Size, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let weights: Vec<f64> = (1..=size.products).map(|rank| 1.0 / number(rank)).collect();
        let sum: f64 = weights.iter().sum();
        let products = weights
            .iter()
            .enumerate()
            .map(|(rank, weight)| Product {
                id: format!("p{rank:03}"),
                category: random.random_range(0..CATEGORIES),
                share: weight / sum,
                drift: Drift::new(0.15, 24.0),
                now: 1.0,
                burst: (1.0, 0),
            })
            .collect();
        Self {
            size,
            categories: (0..CATEGORIES).map(|place| format!("c{place}")).collect(),
            phases: (0..CATEGORIES).map(|_| random.random_range(0.0..24.0)).collect(),
            category_drifts: vec![Drift::new(0.05, 120.0); CATEGORIES],
            drift: Drift::new(0.05, 20.0),
            days: Drift::new(0.08, 4.0),
            day: 1.0,
            products,
            random,
        }
    }

    pub(super) fn categories(&self) -> &[String] {
        &self.categories
    }

    /// Products with so many views a minute on average.
    pub(super) fn products_with(&self, views: f64) -> Vec<String> {
        let enough = |product: &&Product| product.share * self.size.views_per_minute >= views;
        self.products.iter().filter(enough).map(|product| product.id.clone()).collect()
    }

    /// Begins the bursts that are no anomalies: six one-minute flashes a day of five times the views, as of a crawler, and one of
    /// up to twice the views for 5 to 15 minutes every other day.
    fn bursts(&mut self, minute: i64) {
        for (a_day, factor, minutes) in [(6.0, 5.0..5.01, 1..2), (0.5, 1.3..2.0, 5..16)] {
            if self.random.random_bool(a_day / number(24 * 60)) {
                let place = self.random.random_range(0..self.products.len());
                let burst = (self.random.random_range(factor), minute + self.random.random_range(minutes));
                if let Some(product) = self.products.get_mut(place) {
                    product.burst = burst;
                }
            }
        }
    }
}

/// Views at an hour of the day, 1 on average: quiet at night, busy at noon and in the evening.
pub(super) fn profile(hour: f64, is_weekend: bool) -> f64 {
    let bump = |at: f64, width: f64| {
        let distance = (hour - at).abs();
        (-(distance.min(24.0 - distance) / width).powi(2) / 2.0).exp()
    };
    let day = 0.2 + 1.1 * bump(12.5, 3.0) + 1.3 * bump(20.0, 2.2);
    let weekend = 0.25 + 1.3 * bump(15.0, 3.8) + 0.6 * bump(21.0, 2.0);
    // The means of the two curves over the day.
    if is_weekend { 0.85 * weekend / 0.89 } else { day / 0.84 }
}

impl Traffic for Shop {
    fn minute(&mut self, at: i64, factor: &Factor<'_>) -> Minute {
        let (day, of_day) = (at.div_euclid(DAY), at.rem_euclid(DAY));
        if of_day == 0 {
            self.day = self.days.step(&mut self.random);
        }
        self.bursts(at);
        let hour = of_day as f64 / 60.0;
        let level = self.size.views_per_minute
            * profile(hour, (day + 3).rem_euclid(7) >= 5)
            * self.day
            * self.drift.step(&mut self.random);
        let tastes: Vec<f64> = self
            .phases
            .iter()
            .zip(&mut self.category_drifts)
            .map(|(phase, drift)| {
                (1.0 + 0.25 * ((hour - phase) / 24.0 * std::f64::consts::TAU).sin()) * drift.step(&mut self.random)
            })
            .collect();
        let mut minute = Minute::empty(at);
        for product in &mut self.products {
            if at % 10 == 0 {
                product.now = product.drift.step(&mut self.random);
            }
            let category = &self.categories[product.category];
            let burst = if at < product.burst.1 { product.burst.0 } else { 1.0 };
            let mean =
                level * product.share * product.now * tastes[product.category] * burst * factor(category, &product.id);
            let views = count(mean, &mut self.random);
            if views > 0 {
                minute.add(&product.id, Some(category), views);
            }
        }
        minute
    }
}

/// A gamma-Poisson count: each minute's mean itself varies by 14 %.
fn count(mean: f64, random: &mut StdRng) -> u64 {
    const SHAPE: f64 = 50.0;
    if mean < 1e-6 {
        return 0;
    }
    let mean =
        if mean < 0.5 { mean } else { Gamma::new(SHAPE, mean / SHAPE).map_or(mean, |gamma| gamma.sample(random)) };
    Poisson::new(mean).map_or(0, |poisson| poisson.sample(random) as u64)
}

fn number(value: usize) -> f64 {
    value as f64
}
