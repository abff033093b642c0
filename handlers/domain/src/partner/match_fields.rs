//! Fields to filter on: what Event Grid's filters can look at in a notification, as `data.match`.
//!
//! A filter of Event Grid has one key, and an event without that key does not match. The category of a change is at `data.state`, that of
//! an end of sale at `data.lastState`, and prices are text. So both types carry the same flat fields beside.

use serde::{Deserialize, Serialize};

use super::percent::Percent;
use crate::{
    money::Money,
    product::{Category, ProductId},
    product_events::ProductEvent,
};

/// What subscriptions select product events by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchFields {
    /// The product's category, and before it the one that it just left: a subscriber of that one must learn that it is gone.
    pub categories: Vec<Category>,
    /// By how much the price fell since it was last announced, rounded down to two places. Absent where it did not fall by 0.01 % or more,
    /// where the currency changed, and where nothing was announced before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_drop_percent: Option<Percent>,
    /// Which product.
    pub product: CaseKey,
}

impl MatchFields {
    /// The fields of `event`.
    pub fn of(event: &ProductEvent) -> Self {
        let category = event.product.content.category.clone();
        let mut categories: Vec<_> = event.moved_from().into_iter().filter(|left| *left != category).collect();
        categories.push(category);
        Self { categories, price_drop_percent: price_drop(event), product: CaseKey::of(&event.product.id) }
    }
}

fn price_drop(event: &ProductEvent) -> Option<Percent> {
    let change = event.changes.iter().find(|change| change.field == "price")?;
    let from: Money = change.from.as_ref()?.parse().ok()?;
    let to = event.product.content.price;
    if from.currency() != to.currency() {
        return None;
    }
    // Wide enough for any price times ten thousand.
    let (before, now) = (i128::from(from.minor_units()), i128::from(to.minor_units()));
    let hundredths = ((before - now) * 10_000).checked_div(before)?;
    Percent::from_hundredths(u16::try_from(hundredths).ok()?)
}

/// A product id such that ids that differ in case alone differ without regard to case too: Event Grid compares values of filters so. Each
/// upper-case letter is `^` and its lower-case form; no product id has a `^`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseKey(String);

impl CaseKey {
    /// The key of a product id.
    pub fn of(id: &ProductId) -> Self {
        Self::of_text(id.as_str())
    }

    pub(super) fn of_text(id: &str) -> Self {
        let mut key = String::with_capacity(id.len());
        for letter in id.chars() {
            if letter.is_ascii_uppercase() {
                key.push('^');
            }
            key.push(letter.to_ascii_lowercase());
        }
        Self(key)
    }

    /// The key as it stands in an event.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
