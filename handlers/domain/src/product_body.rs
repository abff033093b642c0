//! Validation: reads what staff send about a product, and says everything that is wrong with it at once.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    money::{Money, MoneyError},
    product::{Content, ProductId},
};

/// One thing that is wrong with a request, with the field it is wrong about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path of the field, for example `price.amount`; empty for the body as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldError {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

/// Fields staff may write.
const WRITABLE: [&str; 6] = ["name", "category", "brand", "description", "price", "stock"];
/// Fields a client knows from reading a product but cannot write, and what to do instead.
const READ_ONLY: [(&str, &str); 4] = [
    ("status", "is set by the catalogue: DELETE discontinues a product, PUT revives it"),
    ("discontinuedReason", "is set by DELETE"),
    ("version", "is set by the catalogue: send the version you expect as If-Match"),
    ("updatedAt", "is set by the catalogue"),
];

/// Reads the whole content of the product `id`. The body may repeat the id.
///
/// # Errors
/// Every missing, malformed, read-only and unknown field.
pub fn parse(body: &Value, id: &ProductId) -> Result<Content, Vec<FieldError>> {
    let mut errors = Vec::new();
    let object = object(body)?;
    check_names(object, id, &mut errors);
    let mut fields = Fields { object, errors: &mut errors };
    let name = fields.required("name", text);
    let category = fields.required("category", text);
    let brand = fields.optional("brand", text);
    let description = fields.optional("description", text);
    let price = fields.required("price", money);
    let stock = fields.optional("stock", stock);
    match (name, category, price) {
        (Some(name), Some(category), Some(price)) if errors.is_empty() => {
            Ok(Content { name, category, brand, description, price, stock })
        }
        _ => Err(errors),
    }
}

/// Applies a JSON merge patch (RFC 7396) to `current`: a field that is null is removed, objects are merged, everything else replaces.
///
/// # Errors
/// Every field of the patch that is malformed, read-only or unknown, and required fields that it removes.
pub fn merge(current: &Content, patch: &Value, id: &ProductId) -> Result<Content, Vec<FieldError>> {
    let mut errors = Vec::new();
    // Names are checked before merging: an unknown field set to null would vanish without a word.
    check_names(object(patch)?, id, &mut errors);
    if let Some(Value::Object(price)) = patch.get("price") {
        check_price_names(price, &mut errors);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut merged = serde_json::to_value(current).map_err(|error| vec![FieldError::new("", error)])?;
    apply_patch(&mut merged, patch);
    parse(&merged, id)
}

fn apply_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            apply_patch(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>, Vec<FieldError>> {
    body.as_object().ok_or_else(|| vec![FieldError::new("", "the body must be a JSON object")])
}

fn check_names(object: &Map<String, Value>, id: &ProductId, errors: &mut Vec<FieldError>) {
    for (name, value) in object {
        if name == "id" {
            if value.as_str() != Some(id.as_str()) {
                errors.push(FieldError::new("id", format!("must be {id:?}, the id in the path", id = id.as_str())));
            }
        } else if let Some((_, hint)) = READ_ONLY.iter().find(|(read_only, _)| read_only == name) {
            errors.push(FieldError::new(name, hint));
        } else if !WRITABLE.contains(&name.as_str()) {
            errors.push(FieldError::new(name, format!("is unknown; a product has {}", WRITABLE.join(", "))));
        }
    }
}

fn check_price_names(price: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for name in price.keys().filter(|name| !["amount", "currency"].contains(&name.as_str())) {
        errors.push(FieldError::new(format!("price.{name}"), "is unknown; a price has amount and currency"));
    }
}

/// Takes fields out of an object and collects what is wrong with them.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    errors: &'a mut Vec<FieldError>,
}

type Read<T> = fn(&Value, &str) -> Result<T, Vec<FieldError>>;

impl Fields<'_> {
    fn required<T>(&mut self, name: &str, read: Read<T>) -> Option<T> {
        if !self.object.contains_key(name) {
            self.errors.push(FieldError::new(name, "is required"));
        }
        self.optional(name, read)
    }

    fn optional<T>(&mut self, name: &str, read: Read<T>) -> Option<T> {
        match read(self.object.get(name)?, name) {
            Ok(value) => Some(value),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }
}

fn text<T: TryFrom<String, Error: Display>>(value: &Value, name: &str) -> Result<T, Vec<FieldError>> {
    let text = value.as_str().ok_or_else(|| vec![FieldError::new(name, "must be a string")])?;
    T::try_from(text.to_owned()).map_err(|error| vec![FieldError::new(name, error)])
}

fn stock(value: &Value, name: &str) -> Result<u32, Vec<FieldError>> {
    // 3.0 is an integer to JSON Schema, and so to clients made from one.
    let is_stock = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    let whole = value.as_f64().filter(is_stock).map(|number| number as u32);
    whole.ok_or_else(|| vec![FieldError::new(name, format!("must be a whole number from 0 to {}", u32::MAX))])
}

fn money(value: &Value, name: &str) -> Result<Money, Vec<FieldError>> {
    let at = |part: &str| format!("{name}.{part}");
    let object = value.as_object().ok_or_else(|| {
        vec![FieldError::new(name, r#"must be an object such as {"amount":"19.99","currency":"USD"}"#)]
    })?;
    let mut errors = Vec::new();
    check_price_names(object, &mut errors);
    let mut part = |part: &str, what: &str| match object.get(part).map(Value::as_str) {
        Some(Some(text)) => Some(text),
        Some(None) => {
            errors.push(FieldError::new(at(part), format!("must be a string: {what}")));
            None
        }
        None => {
            errors.push(FieldError::new(at(part), format!("is required: {what}")));
            None
        }
    };
    let amount = part("amount", r#"decimal digits such as "19.99""#);
    let currency = part("currency", r#"an ISO 4217 code such as "USD""#);
    if let (Some(amount), Some(currency)) = (amount, currency) {
        match Money::parse(amount, currency) {
            Ok(money) if errors.is_empty() => return Ok(money),
            Ok(_) => {}
            Err(error) => {
                let part = if matches!(error, MoneyError::Currency(_)) { "currency" } else { "amount" };
                errors.push(FieldError::new(at(part), error));
            }
        }
    }
    Err(errors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{super::product::tests::any_content, *};

    fn id() -> ProductId {
        "p-1".to_owned().try_into().expect("valid")
    }

    fn boots() -> Value {
        json!({ "name": "Boots", "category": "Footwear", "brand": "Daybird", "price": { "amount": "19.99", "currency": "USD" } })
    }

    fn fields(result: Result<Content, Vec<FieldError>>) -> Vec<String> {
        result.expect_err("refused").into_iter().map(|error| error.field).collect()
    }

    /// `boots` with the member at `pointer` set, or removed where `value` is null.
    fn with(pointer: &str, value: Value) -> Value {
        let mut body = boots();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        if value.is_null() {
            parent.remove(name);
        } else {
            parent.insert(name.to_owned(), value);
        }
        body
    }

    #[test]
    fn every_mistake_is_named_by_its_field() {
        for (pointer, value, field) in [
            ("/name", Value::Null, "name"),
            ("/name", json!(""), "name"),
            ("/name", json!(7), "name"),
            ("/name", json!("x".repeat(201)), "name"),
            ("/category", json!(" "), "category"),
            ("/brand", json!("a\u{7}b"), "brand"),
            ("/description", json!(["x"]), "description"),
            ("/price", Value::Null, "price"),
            ("/price", json!(19.99), "price"),
            ("/price/amount", json!(19.99), "price.amount"),
            ("/price/amount", json!("19.999"), "price.amount"),
            ("/price/amount", json!("-1"), "price.amount"),
            ("/price/amount", json!("NaN"), "price.amount"),
            ("/price/currency", Value::Null, "price.currency"),
            ("/price/currency", json!("DOLLARS"), "price.currency"),
            ("/price/tax", json!("1"), "price.tax"),
            ("/stock", json!(-1), "stock"),
            ("/stock", json!(1.5), "stock"),
            ("/stock", json!("3"), "stock"),
            ("/stock", json!(u64::from(u32::MAX) + 1), "stock"),
            ("/id", json!("p-2"), "id"),
            ("/version", json!(3), "version"),
            ("/status", json!("active"), "status"),
            ("/colour", json!("red"), "colour"),
        ] {
            assert_eq!(fields(parse(&with(pointer, value.clone()), &id())), [field], "{pointer} = {value}");
        }
        assert_eq!(fields(parse(&json!([]), &id())), [""]);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        for (value, stock) in [(json!(3.0), 3), (json!(-0.0), 0), (json!(4_294_967_295.0), u32::MAX)] {
            assert_eq!(parse(&with("/stock", value), &id()).expect("a product").stock, Some(stock));
        }
    }

    #[test]
    fn all_mistakes_come_together() {
        assert_eq!(
            fields(parse(&json!({ "colour": 1, "price": { "amount": 1 } }), &id())),
            ["colour", "name", "category", "price.amount", "price.currency"]
        );
    }

    #[test]
    fn a_patch_replaces_merges_and_removes() {
        let before = parse(&boots(), &id()).expect("valid");
        let patch = json!({ "brand": null, "stock": 3, "price": { "amount": "17.50" } });
        let after = merge(&before, &patch, &id()).expect("valid");
        assert_eq!(after.brand, None);
        assert_eq!(after.stock, Some(3));
        assert_eq!(after.price.to_string(), "17.50 USD");
        assert_eq!(after.name, before.name);
    }

    #[test]
    fn a_patch_cannot_remove_what_is_required_or_hide_what_is_unknown() {
        let before = parse(&boots(), &id()).expect("valid");
        for (patch, field) in [
            (json!({ "name": null }), "name"),
            (json!({ "price": null }), "price"),
            (json!({ "price": { "currency": null } }), "price.currency"),
            (json!({ "colour": null }), "colour"),
            (json!({ "price": { "tax": null } }), "price.tax"),
            (json!({ "price": "1" }), "price"),
            (json!({ "status": "discontinued" }), "status"),
            (json!("text"), ""),
        ] {
            assert_eq!(fields(merge(&before, &patch, &id())), [field], "{patch}");
        }
    }

    proptest! {
        #[test]
        fn content_written_as_json_is_read_back(content in any_content(), other in any_content()) {
            let body = serde_json::to_value(&content).expect("serializes");
            prop_assert_eq!(parse(&body, &id()), Ok(content.clone()));
            // As a patch, whole content replaces everything it has.
            let patched = merge(&other, &body, &id()).expect("valid");
            prop_assert_eq!(&patched.price, &content.price);
            prop_assert_eq!(patched.brand, content.brand.or(other.brand));
        }
    }
}
