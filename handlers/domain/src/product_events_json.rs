//! Product events as JSON readers see them: partners through Event Grid, and producers that put JSON on the hub.
//!
//! The same fields as the Avro form, with money as `{"amount":"19.99","currency":"USD"}`, times as RFC 3339 and changed values in
//! the form the field itself has.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    money::Money,
    partner::match_fields::MatchFields,
    product::{Brand, Category, Content, Description, Name, Product, ProductId, Reason, Status},
    product_diff::FieldChange,
    product_events::{ProductEvent, ProductEventError},
};

/// JSON data of a change; see [`super::product_events::ProductChanged`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChangedJson {
    product_id: ProductId,
    revision: i64,
    version: i64,
    state: StateJson,
    changes: Vec<FieldChangeJson>,
}

/// JSON data of an end of sale; see [`super::product_events::ProductDiscontinued`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductDiscontinuedJson {
    product_id: ProductId,
    revision: i64,
    version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    last_state: StateJson,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateJson {
    name: Name,
    category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<Brand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    price: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FieldChangeJson {
    field: String,
    #[serde(default)]
    from: Value,
    #[serde(default)]
    to: Value,
}

/// The JSON data of `event` as partners are told it: with `match`, the fields that their subscriptions select by. Readers of the JSON form
/// pass it over, it says nothing that the rest does not.
///
/// # Errors
/// As [`to_json`].
pub fn to_notification(event: ProductEvent) -> serde_json::Result<Value> {
    let fields = serde_json::to_value(MatchFields::of(&event))?;
    let mut data = to_json(event)?;
    data["match"] = fields;
    Ok(data)
}

/// The JSON data of `event`.
///
/// # Errors
/// None that its types allow; the JSON writer's error is passed on rather than hidden.
pub fn to_json(event: ProductEvent) -> serde_json::Result<Value> {
    let ProductEvent { revision, product: Product { id: product_id, content, status, version, updated_at }, changes } =
        event;
    let Content { name, category, brand, description, price, stock } = content;
    let state = StateJson { name, category, brand, description, price, stock, updated_at };
    match status {
        Status::Active => {
            let changes = changes.into_iter().map(FieldChangeJson::from).collect();
            serde_json::to_value(ProductChangedJson { product_id, revision, version, state, changes })
        }
        Status::Discontinued { reason } => {
            serde_json::to_value(ProductDiscontinuedJson { product_id, revision, version, reason, last_state: state })
        }
    }
}

impl TryFrom<ProductChangedJson> for ProductEvent {
    type Error = ProductEventError;

    fn try_from(data: ProductChangedJson) -> Result<Self, ProductEventError> {
        let product = data.state.into_product(data.product_id, data.version, Status::Active);
        Self::checked(data.revision, product, data.changes.into_iter().map(FieldChange::from).collect())
    }
}

impl TryFrom<ProductDiscontinuedJson> for ProductEvent {
    type Error = ProductEventError;

    fn try_from(data: ProductDiscontinuedJson) -> Result<Self, ProductEventError> {
        let status = Status::Discontinued { reason: data.reason };
        let product = data.last_state.into_product(data.product_id, data.version, status);
        Self::checked(data.revision, product, Vec::new())
    }
}

impl StateJson {
    fn into_product(self, id: ProductId, version: i64, status: Status) -> Product {
        let Self { name, category, brand, description, price, stock, updated_at } = self;
        let content = Content { name, category, brand, description, price, stock };
        Product { id, content, status, version, updated_at }
    }
}

impl From<FieldChange> for FieldChangeJson {
    fn from(change: FieldChange) -> Self {
        let value = |text: Option<String>| text.map_or(Value::Null, |text| typed(&change.field, text));
        Self { from: value(change.from), to: value(change.to), field: change.field }
    }
}

/// A changed value in the form its field has; text that is not of that form stays text.
fn typed(field: &str, text: String) -> Value {
    match field {
        "price" => text.parse::<Money>().ok().and_then(|money| serde_json::to_value(money).ok()),
        "stock" => text.parse::<u32>().ok().map(Value::from),
        _ => None,
    }
    .unwrap_or(Value::String(text))
}

impl From<FieldChangeJson> for FieldChange {
    fn from(change: FieldChangeJson) -> Self {
        let text = |value: Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Object(_) => Some(
                serde_json::from_value::<Money>(value.clone())
                    .map_or_else(|_| value.to_string(), |money| money.to_string()),
            ),
            other => Some(other.to_string()),
        };
        Self { from: text(change.from), to: text(change.to), field: change.field }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::{super::product_diff::diff, super::product_events::tests::any_event, *};

    proptest! {
        #[test]
        fn an_event_survives_json(event in any_event()) {
            let json = to_json(event.clone()).expect("serializes");
            let back: ProductEvent = if event.product.is_discontinued() {
                serde_json::from_value::<ProductDiscontinuedJson>(json).expect("its own JSON").try_into().expect("valid")
            } else {
                serde_json::from_value::<ProductChangedJson>(json).expect("its own JSON").try_into().expect("valid")
            };
            prop_assert_eq!(back, event);
        }

        #[test]
        fn a_notification_is_read_as_its_event(event in any_event()) {
            let fields = MatchFields::of(&event);
            let json = to_notification(event.clone()).expect("serializes");
            prop_assert_eq!(serde_json::from_value::<MatchFields>(json["match"].clone()).expect("its own"), fields);
            let back: ProductEvent = if event.product.is_discontinued() {
                serde_json::from_value::<ProductDiscontinuedJson>(json).expect("with more").try_into().expect("valid")
            } else {
                serde_json::from_value::<ProductChangedJson>(json).expect("with more").try_into().expect("valid")
            };
            prop_assert_eq!(back, event);
        }
    }

    #[test]
    fn partners_read_money_as_amount_and_currency() {
        let before = Product {
            id: "p-1".to_owned().try_into().expect("valid"),
            content: Content {
                name: "Boots".to_owned().try_into().expect("valid"),
                category: "Footwear".to_owned().try_into().expect("valid"),
                brand: None,
                description: None,
                price: "19.99 USD".parse().expect("valid"),
                stock: Some(3),
            },
            status: Status::Active,
            version: 4,
            updated_at: datetime!(2026-01-05 10:00 UTC),
        };
        let mut after = before.clone();
        after.content.price = "17.50 USD".parse().expect("valid");
        after.content.stock = None;
        let changes = diff(Some(&before), &after);
        assert_eq!(
            to_json(ProductEvent { revision: 2, product: after, changes }).expect("serializes"),
            json!({
                "productId": "p-1", "revision": 2, "version": 4,
                "state": {
                    "name": "Boots", "category": "Footwear", "price": { "amount": "17.50", "currency": "USD" },
                    "updatedAt": "2026-01-05T10:00:00Z",
                },
                "changes": [
                    { "field": "price", "from": { "amount": "19.99", "currency": "USD" }, "to": { "amount": "17.50", "currency": "USD" } },
                    { "field": "stock", "from": 3, "to": null },
                ],
            })
        );
    }
}
