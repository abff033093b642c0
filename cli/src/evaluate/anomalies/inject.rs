//! What is injected: labelled spikes, drops and outages that do not overlap in time.

use std::ops::Range;

use contoso_handlers::domain::anomaly::{Kind, Scope};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::{DAY, log::Log, simulated::Shop};

/// An injected anomaly.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) scope: Scope,
    pub(super) kind: Kind,
    /// When, in minutes since 1970.
    pub(super) minutes: Range<i64>,
    /// What the views are multiplied with.
    pub(super) factor: f64,
}

impl Label {
    /// Whether views of this product belong to the scope.
    pub(super) fn covers(&self, category: &str, product: &str) -> bool {
        match &self.scope {
            Scope::Total => true,
            Scope::Category(name) => name == category,
            Scope::Product(id) => id == product,
        }
    }
}

/// How strong and how long anomalies of a level are.
struct Strength {
    spike: Range<f64>,
    drop: Range<f64>,
    minutes: Range<i64>,
}

impl Strength {
    fn label(&self, scope: Scope, begins: i64, random: &mut StdRng) -> Label {
        let (kind, factor) = match random.random_range(0..3) {
            0 => (Kind::Spike, random.random_range(self.spike.clone())),
            1 => (Kind::Drop, random.random_range(self.drop.clone())),
            _ => (Kind::Outage, 0.0),
        };
        Label { scope, kind, minutes: begins..begins + random.random_range(self.minutes.clone()), factor }
    }
}

/// A product must have so many views a minute, on average, to be chosen: of fewer nothing can be said within an anomaly's time.
const LEAST_VIEWS: f64 = 3.0;

/// Three a day into simulated traffic, 10 to 90 minutes long: each in its third of the day, a third in each level.
pub(super) fn simulated(shop: &Shop, first_day: i64, last_day: i64, random: &mut StdRng) -> Vec<Label> {
    let total = Strength { spike: 1.6..3.0, drop: 0.3..0.6, minutes: 10..91 };
    let category = Strength { spike: 2.0..5.0, drop: 0.1..0.5, minutes: 10..91 };
    let product = Strength { spike: 3.0..8.0, drop: 0.1..0.4, minutes: 10..91 };
    let products = shop.products_with(LEAST_VIEWS);
    let mut labels = Vec::new();
    for day in first_day..last_day {
        for third in 0..3 {
            let begins = day * DAY + third * DAY / 3 + random.random_range(0..DAY / 3 - 180);
            labels.push(match random.random_range(0..3) {
                0 => total.label(Scope::Total, begins, random),
                1 => {
                    let name = shop.categories().choose(random).cloned().unwrap_or_default();
                    category.label(Scope::Category(name), begins, random)
                }
                _ => {
                    let id = products.choose(random).cloned().unwrap_or_default();
                    product.label(Scope::Product(id), begins, random)
                }
            });
        }
    }
    labels
}

/// One a day into a log with a click a minute, 2 to 6 hours long and in the busier part of the day: nothing shorter can be seen there.
pub(super) fn real(log: &Log, first_day: i64, last_day: i64, random: &mut StdRng) -> Vec<Label> {
    let total = Strength { spike: 2.5..5.0, drop: 0.1..0.3, minutes: 120..361 };
    let category = Strength { spike: 4.0..8.0, drop: 0.0..0.1, minutes: 120..361 };
    let mut labels = Vec::new();
    for day in first_day..last_day {
        let begins = day * DAY + random.random_range(9 * 60..16 * 60);
        labels.push(if random.random_bool(0.5) {
            total.label(Scope::Total, begins, random)
        } else {
            let name = log.categories().choose(random).cloned().unwrap_or_default();
            category.label(Scope::Category(name), begins, random)
        });
    }
    labels
}
