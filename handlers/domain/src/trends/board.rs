//! Trending lists: what is viewed most just now, and what is viewed more than its own past suggests: items of `site/trending`.
//!
//! How they are made is [`super::ranking`]'s.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::product::{Category, ProductId};

/// "Just now": the last so many minutes, the present one included.
pub const WINDOW_MINUTES: i64 = 15;
/// Id of the list over all categories.
pub const ALL: &str = "all";

/// The id of a category's list. Cosmos DB allows no `/`, `\`, `?` or `#` in ids, so these and `%` are percent-encoded.
pub fn category_id(category: &Category) -> String {
    let mut id = String::from("category|");
    for c in category.as_str().chars() {
        match c {
            '/' => id.push_str("%2F"),
            '\\' => id.push_str("%5C"),
            '?' => id.push_str("%3F"),
            '#' => id.push_str("%23"),
            '%' => id.push_str("%25"),
            c => id.push(c),
        }
    }
    id
}

/// One list: all products, or those of a category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrendingDocument {
    /// [`ALL`] or [`category_id`].
    pub id: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Over how many minutes: [`WINDOW_MINUTES`].
    pub window_minutes: i64,
    /// The most viewed, most views first.
    pub top: Vec<TopProduct>,
    /// Those that rose most, highest score first.
    pub rising: Vec<RisingProduct>,
    /// In the list over all: the categories that have a list of their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<Category>,
    /// In the list over all: what was left out of it, as far as it was looked for.
    #[serde(default, skip_serializing_if = "LeftOut::is_nothing")]
    pub left_out: LeftOut,
}

/// Products that are viewed, and that the site does not have or no longer sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How many.
    pub products: u64,
    /// How often they were viewed.
    pub views: u64,
}

impl LeftOut {
    fn is_nothing(&self) -> bool {
        self.products == 0
    }
}

/// A product that is viewed much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopProduct {
    /// Which.
    pub product_id: ProductId,
    /// Where the site lists it.
    pub category: Category,
    /// How often it was viewed.
    pub views: u64,
    /// By how many, estimated.
    pub visitors: u64,
}

/// A product that is viewed more than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RisingProduct {
    /// Which.
    pub product_id: ProductId,
    /// Where the site lists it.
    pub category: Category,
    /// How often it was viewed.
    pub views: u64,
    /// How often it would have been at its share of the past.
    pub expected: f64,
    /// By how many standard deviations it differs from that, were views independent of each other.
    pub score: f64,
}

/// A list in which nothing was viewed.
pub fn empty(id: String, at: OffsetDateTime) -> TrendingDocument {
    let (top, rising, categories) = (Vec::new(), Vec::new(), BTreeSet::new());
    TrendingDocument { id, at, window_minutes: WINDOW_MINUTES, top, rising, categories, left_out: LeftOut::default() }
}
