//! What visitors look at.

use std::collections::BTreeMap;

use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use rand_distr::{Distribution, Zipf};

/// The exponent of Zipf's law; visits to a shop's products are near 1.
const EXPONENT: f64 = 0.9;
/// How often a visitor looks at the same product again, and else at a neighbour in its category.
const AGAIN: f64 = 0.1;
const NEIGHBOUR: f64 = 0.65;
/// How far neighbours are apart on their shelf.
const REACH: usize = 3;

/// A product that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// Where it is listed.
    pub category: String,
}

/// Ranks of products, and their places on the shelves.
pub(super) struct Popularity {
    /// Places of the items, the most popular first.
    ranks: Vec<usize>,
    zipf: Option<Zipf<f64>>,
    shelves: Vec<Vec<usize>>,
    /// Of each item: its shelf and its place there.
    places: Vec<(usize, usize)>,
}

impl Popularity {
    /// Draws how popular each item is.
    pub(super) fn new(items: &[Item], random: &mut StdRng) -> Self {
        let mut ranks: Vec<usize> = (0..items.len()).collect();
        ranks.shuffle(random);
        let mut by_category = BTreeMap::<&str, Vec<usize>>::new();
        for (index, item) in items.iter().enumerate() {
            by_category.entry(&item.category).or_default().push(index);
        }
        let shelves: Vec<Vec<usize>> = by_category.into_values().collect();
        let mut places = vec![(0, 0); items.len()];
        for (shelf, indices) in shelves.iter().enumerate() {
            for (place, &index) in indices.iter().enumerate() {
                places[index] = (shelf, place);
            }
        }
        Self { zipf: Zipf::new(items.len() as f64, EXPONENT).ok(), ranks, shelves, places }
    }

    /// What a session begins with.
    pub(super) fn first(&self, random: &mut StdRng) -> usize {
        let Some(zipf) = &self.zipf else { return 0 };
        // Ranks count from 1.
        let rank = zipf.sample(random) as usize;
        self.ranks[rank.clamp(1, self.ranks.len()) - 1]
    }

    /// Any product, popular or not.
    pub(super) fn any(&self, random: &mut StdRng) -> usize {
        random.random_range(0..self.ranks.len())
    }

    /// What is looked at after `product`.
    pub(super) fn next(&self, product: usize, random: &mut StdRng) -> usize {
        if random.random_bool(AGAIN) {
            return product;
        }
        if !random.random_bool(NEIGHBOUR) {
            return self.first(random);
        }
        let (shelf, place) = self.places[product];
        let shelf = &self.shelves[shelf];
        // Shelves are rings, so that every product has the same number of neighbours.
        let step = random.random_range(1..=REACH);
        let forward = random.random_bool(0.5);
        let length = shelf.len();
        let offset = if forward { step } else { (length - step % length) % length };
        shelf[(place + offset) % length]
    }
}
