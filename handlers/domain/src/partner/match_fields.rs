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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::{
        product::{Content, Product, Status},
        product_diff::diff,
        product_events::tests::any_event,
    };

    fn product(category: &str, price: &str, status: Status) -> Product {
        Product {
            id: "Tent-1".to_owned().try_into().expect("an id"),
            content: Content {
                name: "Tent".to_owned().try_into().expect("a name"),
                category: category.to_owned().try_into().expect("a category"),
                brand: None,
                description: None,
                price: price.parse().expect("a price"),
                stock: None,
            },
            status,
            version: 1,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn fields(before: Option<&Product>, after: Product) -> MatchFields {
        let changes = if after.is_discontinued() { Vec::new() } else { diff(before, &after) };
        MatchFields::of(&ProductEvent::checked(2, after, changes).expect("an event"))
    }

    #[test]
    fn a_price_drop_is_rounded_down_to_two_places() {
        let at = |price: &str| product("Tents", price, Status::Active);
        let drop = |from: &str, to: &str| fields(Some(&at(from)), at(to)).price_drop_percent.map(Percent::hundredths);
        for (from, to, expected) in [
            ("19.99 USD", "17.50 USD", Some(1245)),
            ("17.50 USD", "19.99 USD", None),
            ("19.99 USD", "19.99 USD", None),
            ("19.99 USD", "17.50 EUR", None),
            ("52000 JPY", "51000 JPY", Some(192)),
            ("10.000 KWD", "9.999 KWD", Some(1)),
            ("100.00 USD", "0.00 USD", Some(10_000)),
            ("0.00 USD", "0.00 USD", None),
            ("0.00 USD", "1.00 USD", None),
            // Less than a hundredth of a per cent.
            ("100000.00 USD", "99999.99 USD", None),
            ("92233720368547758.07 USD", "0.01 USD", Some(9999)),
        ] {
            assert_eq!(drop(from, to), expected, "{from} → {to}");
        }
        assert_eq!(fields(None, at("17.50 USD")).price_drop_percent, None, "nothing was announced before");
        let end = product("Tents", "1.00 USD", Status::Discontinued { reason: None });
        assert_eq!(fields(Some(&at("19.99 USD")), end).price_drop_percent, None, "an end of sale is no change");

        let drop = fields(Some(&at("19.99 USD")), at("17.50 USD"));
        for (threshold, is_wanted) in [("12.45", true), ("12.46", false), ("0.01", true), ("100", false)] {
            let body =
                json!({ "priceDropPercent": serde_json::from_str::<serde_json::Value>(threshold).expect("JSON") });
            let selection = serde_json::from_value::<crate::partner::selection::Selection>(body).expect("a selection");
            let matches = selection.matches(crate::product_events::CHANGED, "Tent-1", &drop);
            assert_eq!(matches, is_wanted, "{threshold}");
        }
    }

    #[test]
    fn both_categories_of_a_move_and_one_of_everything_else() {
        let before = product("Tents", "1.00 USD", Status::Active);
        let moved = fields(Some(&before), product("Sale", "0.80 USD", Status::Active));
        assert_eq!(
            serde_json::to_value(&moved).expect("JSON"),
            json!({ "categories": ["Tents", "Sale"], "priceDropPercent": 20, "product": "^tent-1" })
        );
        let ended = fields(Some(&before), product("Tents", "1.00 USD", Status::Discontinued { reason: None }));
        assert_eq!(
            serde_json::to_value(&ended).expect("JSON"),
            json!({ "categories": ["Tents"], "product": "^tent-1" })
        );
        assert_eq!(fields(None, before).categories.len(), 1, "a first announcement");
    }

    proptest! {
        #[test]
        fn keys_of_two_products_differ_even_without_regard_to_case(one in "[aA.bB_-]{1,6}", other in "[aA.bB_-]{1,6}") {
            let key = |text: &str| ProductId::try_from(text.to_owned()).ok().map(|id| CaseKey::of(&id));
            if let (Some(first), Some(second)) = (key(&one), key(&other)) {
                prop_assert_eq!(first.as_str().to_uppercase() == second.as_str().to_uppercase(), one == other);
                prop_assert!(first.as_str().len() <= 128, "Event Grid takes values of 512 characters");
            }
        }

        #[test]
        fn fields_survive_json(event in any_event()) {
            let fields = MatchFields::of(&event);
            prop_assert!(fields.categories.contains(&event.product.content.category));
            let text = serde_json::to_string(&fields).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<MatchFields>(&text).expect("its own"), fields);
        }
    }
}
