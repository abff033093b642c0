//! Association strength: how strongly one product leads to another.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::super::product::ProductId;

/// A table of weights from product to product. It stays small by naming each product once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Document", into = "Document")]
pub struct Weights {
    ids: Vec<ProductId>,
    places: HashMap<ProductId, u32>,
    /// By the place of the first product: weights by the place of the second.
    rows: Vec<BTreeMap<u32, u64>>,
    pairs: usize,
}

/// As it is stored: rows of (place, weight).
#[derive(Serialize, Deserialize)]
struct Document {
    products: Vec<ProductId>,
    rows: Vec<Vec<(u32, u64)>>,
}

impl Weights {
    /// How many pairs have a weight.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Adds to the weight from one product to another. If the table would get more than `room` pairs, a new pair is left out.
    pub fn add(&mut self, from: &ProductId, to: &ProductId, weight: u64, room: usize) {
        let (from, to) = (self.place(from), self.place(to));
        self.add_at(from, to, weight, room);
    }

    /// Adds every weight of `other`, `factor` times.
    pub fn absorb(&mut self, other: &Self, factor: u64) {
        let places: Vec<u32> = other.ids.iter().map(|id| self.place(id)).collect();
        for (from, row) in places.iter().zip(&other.rows) {
            for (to, weight) in row {
                self.add_at(*from, places[*to as usize], weight.saturating_mul(factor), usize::MAX);
            }
        }
    }

    /// Keeps of each product the `count` strongest, of equals the first by id.
    pub fn keep_strongest(&mut self, count: usize) {
        for row in &mut self.rows {
            if row.len() > count {
                let mut weights: Vec<_> = row.iter().map(|(to, weight)| (*to, *weight)).collect();
                weights.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| self.ids[a.0 as usize].cmp(&self.ids[b.0 as usize])));
                weights.truncate(count);
                *row = weights.into_iter().collect();
            }
        }
        self.pairs = self.rows.iter().map(BTreeMap::len).sum();
    }

    /// Every product that leads somewhere.
    pub fn products(&self) -> impl Iterator<Item = &ProductId> {
        self.ids.iter().zip(&self.rows).filter(|(_, row)| !row.is_empty()).map(|(id, _)| id)
    }

    /// Where `from` leads, in no order to rely on.
    pub fn row(&self, from: &ProductId) -> impl Iterator<Item = (&ProductId, u64)> {
        let row = self.places.get(from).map(|place| &self.rows[*place as usize]);
        row.into_iter().flatten().map(|(to, weight)| (&self.ids[*to as usize], *weight))
    }

    fn place(&mut self, id: &ProductId) -> u32 {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.ids.len() as u32;
        self.ids.push(id.clone());
        self.rows.push(BTreeMap::new());
        self.places.insert(id.clone(), place);
        place
    }

    fn add_at(&mut self, from: u32, to: u32, weight: u64, room: usize) {
        if weight == 0 {
            return;
        }
        let row = &mut self.rows[from as usize];
        if let Some(sum) = row.get_mut(&to) {
            *sum = sum.saturating_add(weight);
        } else if self.pairs < room {
            row.insert(to, weight);
            self.pairs += 1;
        }
    }

    fn by_name(&self) -> BTreeMap<(&ProductId, &ProductId), u64> {
        self.ids.iter().flat_map(|from| self.row(from).map(move |(to, weight)| ((from, to), weight))).collect()
    }
}

/// The same weights, wherever the products stand in the table.
impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        self.by_name() == other.by_name()
    }
}

impl Eq for Weights {}

impl From<Document> for Weights {
    fn from(document: Document) -> Self {
        let places = document.products.iter().cloned().zip(0..).collect();
        let known = document.products.len();
        let rows =
            document.rows.into_iter().map(|row| row.into_iter().filter(|(to, _)| (*to as usize) < known).collect());
        let mut rows: Vec<BTreeMap<u32, u64>> = rows.collect();
        rows.resize(known, BTreeMap::new());
        let pairs = rows.iter().map(BTreeMap::len).sum();
        Self { ids: document.products, places, rows, pairs }
    }
}

impl From<Weights> for Document {
    fn from(weights: Weights) -> Self {
        Self { products: weights.ids, rows: weights.rows.into_iter().map(|row| row.into_iter().collect()).collect() }
    }
}
