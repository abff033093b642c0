//! Validation: reads an item of feedback as a partner sends it, and says everything that is wrong with it at once.

use std::fmt::Display;

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    About, Comment, Customer, CustomerRef, ItemId, Rating,
    event::{self, FeedbackGiven},
};
use crate::{
    click::AHEAD,
    click_body::to_milliseconds,
    partner::{PartnerName, idempotency::Fingerprint},
    product::ProductId,
    product_body::FieldError,
    sentiment::Sentiment,
};

const MEMBERS: [&str; 7] = ["id", "about", "productId", "customerRef", "rating", "text", "at"];
/// Characters of an unknown member's name that are repeated, and how many mistakes are named: what is sent is of any size.
const LONGEST_NAME: usize = 40;
const MOST_ERRORS: usize = 8;

/// A valid item as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The partner's own id.
    pub item: ItemId,
    /// What it is about.
    pub about: About,
    /// Which product.
    pub product_id: Option<ProductId>,
    /// Which customer.
    pub customer: Option<Customer>,
    /// How good.
    pub rating: Rating,
    /// What was said.
    pub text: Option<Comment>,
    /// When it was given, or corrected: UTC, whole milliseconds.
    pub at: OffsetDateTime,
    /// See [`event::key`].
    pub key: String,
}

impl Submission {
    /// Reads an item of `partner`.
    ///
    /// # Errors
    /// Every missing, malformed and unknown member, and a time that is absurd as seen from `now`.
    pub fn parse(item: &Value, partner: &PartnerName, now: OffsetDateTime) -> Result<Self, Vec<FieldError>> {
        let object = item.as_object().ok_or_else(|| vec![FieldError::new("", "must be a JSON object")])?;
        let unknown = object.keys().filter(|name| !MEMBERS.contains(&name.as_str())).take(MOST_ERRORS);
        let said = |name: &String| name.chars().take(LONGEST_NAME).collect::<String>();
        let known = || format!("is unknown; an item has {}", MEMBERS.join(", "));
        let errors = unknown.map(|name| FieldError::new(said(name), known())).collect();
        let mut members = Members { object, errors };
        let item: Option<ItemId> = members.required("id");
        let about: Option<About> = members.required("about");
        let product_id: Option<ProductId> = members.optional("productId");
        let reference: Option<CustomerRef> = members.optional("customerRef");
        let rating = members.rating();
        let text = members.comment();
        let at = members.time(now);
        for (kind, name) in [(About::Product, "productId"), (About::Customer, "customerRef")] {
            if about == Some(kind) && members.is_absent(name) {
                members.wrong(name, format!("is required of feedback on a {}", kind.as_str()));
            }
        }
        let (Some(item), Some(about), Some(rating), Some(at), []) =
            (item, about, rating, at, members.errors.as_slice())
        else {
            return Err(members.errors);
        };
        let customer = reference.map(|reference| reference.customer(partner));
        let key = event::key(about, product_id.as_ref(), customer.as_ref())
            .map_err(|error| vec![FieldError::new("about", error)])?;
        Ok(Self { item, about, product_id, customer, rating, text, at, key })
    }

    /// What it says, but for when: by this a repeat is told from something else.
    pub fn content(&self) -> Fingerprint {
        Fingerprint::of(Some(&json!({
            "about": self.about, "productId": self.product_id, "customer": self.customer, "rating": self.rating, "text": self.text,
        })))
    }

    /// What the hub hears of it.
    pub fn event(self, partner: PartnerName, sentiment: Option<Sentiment>) -> FeedbackGiven {
        let Self { item, about, product_id, customer, rating, text, at, key: _ } = self;
        FeedbackGiven { partner, item, about, product_id, customer, rating, text, at, sentiment }
    }
}

/// Takes members out of an object and collects what is wrong with them. A member that is null counts as absent.
struct Members<'a> {
    object: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn is_absent(&self, name: &str) -> bool {
        self.get(name).is_none()
    }

    fn wrong(&mut self, name: &str, message: impl Display) {
        self.errors.push(FieldError::new(name, message));
    }

    fn required<T: TryFrom<String, Error: Display>>(&mut self, name: &str) -> Option<T> {
        if self.is_absent(name) {
            self.wrong(name, "is required");
        }
        self.optional(name)
    }

    fn optional<T: TryFrom<String, Error: Display>>(&mut self, name: &str) -> Option<T> {
        let Some(text) = self.get(name)?.as_str() else {
            self.wrong(name, "must be a string");
            return None;
        };
        T::try_from(text.to_owned()).map_err(|error| self.wrong(name, error)).ok()
    }

    /// A text with nothing in it is none, as forms send it.
    fn comment(&mut self) -> Option<Comment> {
        let is_empty = self.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        if is_empty { None } else { self.optional("text") }
    }

    /// `5.0` is a whole number, as it is to JSON Schema; `"5"` is none.
    fn rating(&mut self) -> Option<Rating> {
        let Some(value) = self.get("rating") else {
            self.wrong("rating", "is required: a whole number from 1 (bad) to 5 (good)");
            return None;
        };
        let number = value.as_f64().filter(|_| value.is_number());
        let rating =
            (1..=5).find(|rating| number == Some(f64::from(*rating))).and_then(|rating| rating.try_into().ok());
        if rating.is_none() {
            self.wrong("rating", super::NoRating);
        }
        rating
    }

    fn time(&mut self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let form = "must be an RFC 3339 time with its zone, such as 2026-01-31T09:30:00.000Z";
        let Some(value) = self.get("at") else {
            self.wrong("at", format!("is required: it {form}"));
            return None;
        };
        let Some(at) = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()) else {
            self.wrong("at", form);
            return None;
        };
        match at - now {
            ahead if ahead > AHEAD => self.wrong("at", "lies in the future; is the clock right?"),
            _ if at < OffsetDateTime::UNIX_EPOCH => self.wrong("at", "lies before 1970"),
            _ => return Some(to_milliseconds(at)),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn parse(item: &Value) -> Result<Submission, Vec<FieldError>> {
        Submission::parse(item, &"acme".to_owned().try_into().expect("a name"), NOW)
    }

    fn item() -> Value {
        json!({ "id": "r-1", "about": "product", "productId": "boots", "rating": 5, "text": "Good.", "at": "2026-06-01T11:00:00.5Z" })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut item = item();
        item[name] = value;
        item
    }

    #[test]
    fn what_a_partner_may_send_is_taken() {
        let plain = parse(&item()).expect("valid");
        assert_eq!((plain.key.as_str(), plain.at), ("boots", datetime!(2026-06-01 11:00:00.5 UTC)));
        for (name, value) in [
            ("rating", json!(5.0)),
            ("rating", serde_json::from_str("5e0").expect("JSON")),
            ("customerRef", Value::Null),
            ("at", json!("2026-06-01T13:00:00.500+02:00")),
            ("at", json!("2026-06-01T11:00:00.500999Z")),
        ] {
            assert_eq!(parse(&with(name, value.clone())), Ok(plain.clone()), "{name} {value}");
        }
        let silent = parse(&with("text", Value::Null)).expect("no text");
        for empty in ["", "  \n"] {
            assert_eq!(parse(&with("text", json!(empty))), Ok(silent.clone()));
        }
        for text in ["\u{1f600}".repeat(4000), "a\r\n\tb".to_owned(), "<b>& \u{202e}".to_owned()] {
            let said = parse(&with("text", json!(text))).expect("a text").text.expect("a text");
            assert_eq!(said.as_str(), text);
        }
        assert!(parse(&with("at", json!("2026-06-01T12:05:00Z"))).is_ok(), "clocks differ");
        let of = |reference: &str| {
            parse(
                &json!({ "id": "r-1", "about": "customer", "customerRef": reference, "rating": 1, "at": "2026-06-01T11:00:00Z" }),
            )
        };
        let customer = of("jo").expect("valid");
        assert!(customer.key.starts_with("customer:cst_") && customer.key != of("jane").expect("valid").key);
    }

    #[test]
    fn every_mistake_is_named_by_its_member() {
        for (name, value) in [
            ("id", json!("")),
            ("id", json!(7)),
            ("id", json!("a|b")),
            ("id", Value::Null),
            ("about", json!("shop")),
            ("about", json!("Product")),
            ("about", Value::Null),
            ("productId", json!("a/b")),
            ("productId", Value::Null),
            ("productId", json!(4711)),
            ("customerRef", json!("")),
            ("customerRef", json!("x".repeat(201))),
            ("customerRef", json!({})),
            ("rating", json!(0)),
            ("rating", json!(6)),
            ("rating", json!(-1)),
            ("rating", json!(4.5)),
            ("rating", json!("5")),
            ("rating", json!(true)),
            ("rating", json!([5])),
            ("rating", json!(u64::MAX)),
            ("rating", Value::Null),
            ("text", json!("\u{1f600}".repeat(4001))),
            ("text", json!("a\u{0}")),
            ("text", json!(5)),
            ("text", json!(["good"])),
            ("at", Value::Null),
            ("at", json!(1_780_000_000)),
            ("at", json!("2026-06-01T11:00:00")),
            ("at", json!("2026-06-01")),
            ("at", json!("yesterday")),
            ("at", json!("2099-01-01T00:00:00Z")),
            ("at", json!("2026-06-01T12:05:00.001Z")),
            ("at", json!("1969-12-31T23:59:59Z")),
            ("comment", json!("good")),
        ] {
            let errors = parse(&with(name, value.clone())).expect_err(&format!("{name} {value:.40}"));
            assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [name], "{value:.40}");
        }
        let missing = parse(&json!({})).expect_err("nothing");
        assert_eq!(missing.iter().map(|error| &error.field).collect::<Vec<_>>(), ["id", "about", "rating", "at"]);
        for no_object in [json!([]), json!("x"), Value::Null, json!(1)] {
            assert!(parse(&no_object).is_err());
        }
        let many: Map<String, Value> = (0..1000).map(|number| (format!("{number:0>200}"), json!(1))).collect();
        let errors = parse(&Value::Object(many)).expect_err("unknown members");
        let length: usize = errors.iter().map(|error| error.field.len() + error.message.len()).sum();
        assert!(length < 2_000, "{length}");
    }

    #[test]
    fn the_same_said_otherwise_is_the_same_and_time_is_not_said() {
        let content = |item: Value| parse(&item).expect("valid").content();
        let one = content(item());
        assert_eq!(one, content(with("rating", json!(5.0))));
        assert_eq!(one, content(with("at", json!("2026-06-01T11:30:00Z"))));
        for (name, value) in
            [("rating", json!(4)), ("text", json!("Good")), ("productId", json!("b")), ("customerRef", json!("jo"))]
        {
            assert_ne!(one, content(with(name, value)), "{name}");
        }
    }
}
