//! Aggregates: what is counted of some clicks: views and different visitors, in total, by product and by category.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::visitors::{Visitor, Visitors};
use crate::{
    click::Click,
    product::{Category, ProductId},
};

/// Counts of some clicks. Merging is commutative and associative, so it does not matter who counted what.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Everything together.
    pub total: Count,
    /// By the category that the click names; clicks that name none are in none.
    pub categories: BTreeMap<Category, Count>,
    /// By product.
    pub products: BTreeMap<ProductId, ProductCount>,
    /// Views that are in the total alone, because there was no room for their product.
    pub other_views: u64,
    /// Clicks that a producer sent again and that were not counted again.
    pub repeats: u64,
}

/// Views and visitors.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// How many clicks.
    pub views: u64,
    /// Who made them, as far as they consented to be known.
    pub visitors: Visitors,
}

/// The count of a product.
#[derive(Clone, Debug, Default)]
pub struct ProductCount {
    /// Its views and visitors.
    pub count: Count,
    /// Where it was listed last.
    pub listed: Option<Listed>,
}

/// Where a product was listed, and when that was seen. The later one is greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// When it was clicked there, in milliseconds since 1970.
    pub at_millis: i64,
    /// The category.
    pub category: Category,
}

impl Count {
    fn add(&mut self, visitor: Option<Visitor>) {
        self.views += 1;
        if let Some(visitor) = visitor {
            self.visitors.add(visitor);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.views += other.views;
        self.visitors.merge(&other.visitors);
    }

    fn is_like(&self, other: &Self) -> bool {
        self.views == other.views && self.visitors.is_like(&other.visitors)
    }
}

impl Tally {
    /// Counts a click that happened `at`.
    pub fn add(&mut self, click: &Click, at: OffsetDateTime) {
        let visitor = click.visitor_id.as_ref().map(Visitor::new);
        self.total.add(visitor);
        let product = entry(&mut self.products, &click.product_id);
        product.count.add(visitor);
        if let Some(category) = &click.category {
            entry(&mut self.categories, category).add(visitor);
            let at_millis = (at.unix_timestamp_nanos() / 1_000_000).try_into().unwrap_or(i64::MAX);
            let is_later = product
                .listed
                .as_ref()
                .is_none_or(|listed| (listed.at_millis, &listed.category) < (at_millis, category));
            if is_later {
                product.listed = Some(Listed { at_millis, category: category.clone() });
            }
        }
    }

    /// Counts a click in the total alone.
    pub fn add_to_total(&mut self, click: &Click) {
        self.total.add(click.visitor_id.as_ref().map(Visitor::new));
        self.other_views += 1;
    }

    /// How many clicks were considered: those counted and those that a producer sent again.
    pub fn clicks(&self) -> u64 {
        self.total.views + self.repeats
    }

    /// Whether the same clicks were counted here, as far as counts tell.
    pub fn is_like(&self, other: &Self) -> bool {
        let count = |count: &Count, other: &Count| count.is_like(other);
        let product = |product: &ProductCount, other: &ProductCount| {
            let seconds = |listed: &Option<Listed>| listed.as_ref().map(|listed| listed.at_millis.div_euclid(1_000));
            // A click without a time is listed when the hub stored it, which captured files tell in whole seconds.
            product.count.is_like(&other.count) && seconds(&product.listed) == seconds(&other.listed)
        };
        self.total.is_like(&other.total)
            && (self.other_views, self.repeats) == (other.other_views, other.repeats)
            && are_like(&self.categories, &other.categories, count)
            && are_like(&self.products, &other.products, product)
    }

    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (category, count) in &other.categories {
            entry(&mut self.categories, category).merge(count);
        }
        for (id, theirs) in &other.products {
            let ours = entry(&mut self.products, id);
            ours.count.merge(&theirs.count);
            if ours.listed < theirs.listed {
                ours.listed.clone_from(&theirs.listed);
            }
        }
        self.other_views += other.other_views;
        self.repeats += other.repeats;
    }
}

/// The value of a key, which is copied only where it is new.
fn entry<'m, K: Clone + Ord, V: Default>(map: &'m mut BTreeMap<K, V>, key: &K) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.clone(), V::default());
    }
    map.entry(key.clone()).or_default()
}

/// Whether both have the same keys, with values that are `like` each other.
fn are_like<K: Ord, V>(ours: &BTreeMap<K, V>, theirs: &BTreeMap<K, V>, like: impl Fn(&V, &V) -> bool) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| ours.0 == theirs.0 && like(ours.1, theirs.1))
}
