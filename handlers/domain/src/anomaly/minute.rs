//! One minute's views: a document of `analytics/minutes` as far as anomalies need it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The views of one closed minute. What is missing in it was not viewed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Minute {
    /// Minutes since 1970-01-01T00:00Z.
    pub minute: i64,
    /// Views of everything.
    pub views: u64,
    /// Views by category name.
    #[serde(default)]
    pub categories: BTreeMap<String, CategoryViews>,
    /// Views by product id; the long tail may be cut.
    #[serde(default)]
    pub products: BTreeMap<String, ProductViews>,
}

/// Views of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryViews {
    /// Views of all its products.
    pub views: u64,
}

/// Views of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductViews {
    /// Its views.
    pub views: u64,
    /// Where it was listed, where that is known.
    #[serde(default)]
    pub category: Option<String>,
}

impl Minute {
    /// A minute in which nothing was viewed.
    pub fn empty(minute: i64) -> Self {
        Self { minute, ..Self::default() }
    }

    /// Views of the category of this name.
    pub(super) fn views_in(&self, category: &str) -> f64 {
        self.categories.get(category).map_or(0.0, |counted| number(counted.views))
    }

    /// Adds views of a product, to its category and to the total as well.
    pub fn add(&mut self, product: &str, category: Option<&str>, views: u64) {
        self.views += views;
        if let Some(name) = category {
            match self.categories.get_mut(name) {
                Some(counted) => counted.views += views,
                None => drop(self.categories.insert(name.to_owned(), CategoryViews { views })),
            }
        }
        match self.products.get_mut(product) {
            Some(counted) => counted.views += views,
            None => {
                let counted = ProductViews { views, category: category.map(str::to_owned) };
                drop(self.products.insert(product.to_owned(), counted));
            }
        }
    }
}

/// Views as the statistics take them.
pub(super) fn number(views: u64) -> f64 {
    views as f64
}
