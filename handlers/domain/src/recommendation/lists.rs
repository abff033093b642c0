//! What is shown: the strongest of what a product, or what a visitor looked at last, leads to.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{super::product::ProductId, weights::Weights};

/// The most products in a list.
pub const LENGTH: usize = 20;

/// Products of a visitor that count, the newest first.
pub const RECENT: usize = 5;

/// Each earlier product of a visitor counts this part of the one after it.
pub const EARLIER: f64 = 0.1;

/// A document of `site/recommendations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// `product|<id>` or `visitor|<id>`; also the partition key.
    pub id: String,
    /// When the list became so.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The strongest first.
    pub items: Vec<Item>,
    /// Seconds that the document stays; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

/// A recommended product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Which.
    pub product_id: ProductId,
    /// Its part of everything that followed, 0 to 1, to three places: finer changes are not worth a write.
    pub score: f64,
}

/// What is viewed together with `product`, without what is `hidden`.
pub fn viewed_together(weights: &Weights, product: &ProductId, hidden: &HashSet<ProductId>) -> Vec<Item> {
    strongest(scores(weights, std::slice::from_ref(product)), hidden)
}

/// What somebody may like who looked at `recent`, newest first, without those and without what is `hidden`.
pub fn for_you(weights: &Weights, recent: &[ProductId], hidden: &HashSet<ProductId>) -> Vec<Item> {
    let mut scores = scores(weights, &recent[..recent.len().min(RECENT)]);
    for seen in recent {
        scores.remove(seen);
    }
    strongest(scores, hidden)
}

/// What follows the products, each a tenth as important as the one before it.
fn scores<'a>(weights: &'a Weights, recent: &[ProductId]) -> HashMap<&'a ProductId, f64> {
    let mut scores: HashMap<&ProductId, f64> = HashMap::new();
    let mut importance = 1.0;
    for product in recent {
        let total: u64 = weights.row(product).map(|(_, weight)| weight).sum();
        for (to, weight) in weights.row(product) {
            *scores.entry(to).or_default() += importance * weight as f64 / total as f64;
        }
        importance *= EARLIER;
    }
    scores
}

fn strongest(scores: HashMap<&ProductId, f64>, hidden: &HashSet<ProductId>) -> Vec<Item> {
    let mut scores: Vec<_> = scores.into_iter().filter(|(product, _)| !hidden.contains(*product)).collect();
    scores.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
    scores.truncate(LENGTH);
    let rounded = |score: f64| (score * 1000.0).round() / 1000.0;
    scores.into_iter().map(|(product, score)| Item { product_id: product.clone(), score: rounded(score) }).collect()
}
