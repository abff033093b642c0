//! Price alerts: a product whose price fell by a fifth or more since it was last announced.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    money::Money,
    product::{Name, ProductId},
    product_events::ProductEvent,
    projection::Stamp,
};

/// A price that fell: document of `site/price-alerts`, the latest of its product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceAlert {
    /// Which product.
    pub id: ProductId,
    /// What it is called.
    pub name: Name,
    /// What one cost before.
    pub from: Money,
    /// What one costs now.
    pub to: Money,
    /// When the catalogue made that version.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Which announcement said so: of two alerts of a product the later counts.
    #[serde(flatten)]
    pub stamp: Stamp,
}

impl PriceAlert {
    /// The alert that an event is worth, `sequence` being its sequence number in the hub's partition. None if the price did not fall by a
    /// fifth, or the currency changed, so that there is nothing to compare with, or the product is no longer sold.
    pub fn of(event: &ProductEvent, sequence: i64) -> Option<Self> {
        let product = &event.product;
        let change = event.changes.iter().find(|change| change.field == "price")?;
        let from: Money = change.from.as_ref()?.parse().ok()?;
        let to = product.content.price;
        // Wide enough for any price times five.
        let (before, now) = (i128::from(from.minor_units()), i128::from(to.minor_units()));
        let is_large = now < before && now * 5 <= before * 4;
        (is_large && from.currency() == to.currency() && !product.is_discontinued()).then(|| Self {
            id: product.id.clone(),
            name: product.content.name.clone(),
            from,
            to,
            at: product.updated_at,
            stamp: Stamp { revision: event.revision, sequence },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::{Content, Product, Status};

    fn alert(from: &str, to: &str, status: Status) -> Option<PriceAlert> {
        let state = |price: &str, status: Status| Product {
            id: "p-1".to_owned().try_into().expect("an id"),
            content: Content {
                name: "Boots".to_owned().try_into().expect("a name"),
                category: "Footwear".to_owned().try_into().expect("a category"),
                brand: None,
                description: None,
                price: price.parse().expect("a price"),
                stock: None,
            },
            status,
            version: 1,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        };
        let (before, product) = (state(from, Status::Active), state(to, status));
        let changes = crate::product_diff::diff(Some(&before), &product);
        PriceAlert::of(&ProductEvent { revision: 2, product, changes }, 7)
    }

    #[test]
    fn a_fall_by_a_fifth_is_worth_an_alert_and_less_is_not() {
        for (from, to, is_worth) in [
            ("100.00 USD", "80.00 USD", true),
            ("100.00 USD", "80.01 USD", false),
            ("0.01 USD", "0.00 USD", true),
            ("0.04 USD", "0.03 USD", true),
            ("0.06 USD", "0.05 USD", false),
            ("92233720368547758.07 USD", "1.00 USD", true),
            ("100.00 USD", "120.00 USD", false),
            ("100.00 USD", "100.00 USD", false),
            ("100.00 USD", "50.00 EUR", false),
        ] {
            assert_eq!(alert(from, to, Status::Active).is_some(), is_worth, "{from} → {to}");
        }
        assert_eq!(alert("100.00 USD", "50.00 USD", Status::Discontinued { reason: None }), None, "no longer sold");
        let alert = alert("100.00 USD", "50.00 USD", Status::Active).expect("an alert");
        let document = serde_json::to_value(&alert).expect("JSON");
        assert_eq!((&document["revision"], &document["sequence"]), (&2.into(), &7.into()));
        assert_eq!(serde_json::from_value::<PriceAlert>(document).expect("the same"), alert);
    }
}
