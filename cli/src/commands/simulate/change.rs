//! What staff change: prices around where they were, and stock.

use contoso_handlers::domain::money::Money;
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

use super::{report::Kind, shop::Listed};

/// Prices stay within this share of where they were when the simulation began.
const PRICES: std::ops::RangeInclusive<f64> = 0.7..=1.3;
const STOCK: std::ops::RangeInclusive<u32> = 1..=200;

/// One change, ready for `PATCH`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) product: String,
    pub(super) body: Value,
}

/// Where changes come from: the same seed gives the same ones.
pub(super) struct Mix {
    products: Vec<Listed>,
    price_changes: f64,
    random: StdRng,
}

impl Mix {
    /// Changes to `products`, of which there is at least one, chosen uniformly.
    pub(super) fn new(products: Vec<Listed>, price_changes: f64, random: StdRng) -> Self {
        Self { products, price_changes, random }
    }

    /// The next change.
    pub(super) fn next(&mut self) -> Change {
        let product = &self.products[self.random.random_range(0..self.products.len())];
        let (kind, body) = if self.random.random_bool(self.price_changes) {
            let share: f64 = self.random.random_range(PRICES);
            (Kind::Price, json!({ "price": scaled(product.price, share) }))
        } else {
            (Kind::Restock, json!({ "stock": self.random.random_range(STOCK) }))
        };
        Change { kind, product: product.id.to_string(), body }
    }
}

/// `price` times `share`, at least one minor unit.
fn scaled(price: Money, share: f64) -> Money {
    let units = (price.minor_units() as f64 * share).round().max(1.0) as i64;
    // The currency is that of a price, so it is known.
    Money::from_minor_units(units, price.currency()).unwrap_or(price)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn mix(price_changes: f64, seed: u64) -> Mix {
        let listed = |id: &str, price| Listed {
            id: id.to_owned().try_into().expect("an id"),
            category: "Bags".to_owned(),
            price: Money::from_minor_units(price, "USD").expect("money"),
        };
        Mix::new(vec![listed("a", 10_000), listed("b", 1)], price_changes, StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_same_seed_gives_the_same_changes() {
        let changes = |seed| {
            std::iter::repeat_with({
                let mut mix = mix(0.5, seed);
                move || mix.next()
            })
            .take(50)
            .collect::<Vec<_>>()
        };
        assert_eq!(changes(7), changes(7));
        assert_ne!(changes(7), changes(8));
    }

    #[test]
    fn the_share_decides_between_prices_and_restocks() {
        let kinds = |share| {
            let mut mix = mix(share, 1);
            (0..50).map(|_| mix.next().kind).collect::<Vec<_>>()
        };
        assert!(kinds(1.0).iter().all(|kind| *kind == Kind::Price));
        assert!(kinds(0.0).iter().all(|kind| *kind == Kind::Restock));
    }

    #[test]
    fn prices_stay_near_where_they_were_and_above_nothing() {
        let mut mix = mix(1.0, 3);
        for _ in 0..200 {
            let change = mix.next();
            let price: Money = serde_json::from_value(change.body["price"].clone()).expect("money");
            let near = if change.product == "a" { 7_000..=13_000 } else { 1..=1 };
            assert!(near.contains(&price.minor_units()), "{price:?}");
        }
    }
}
