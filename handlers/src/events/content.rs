//! What an event says, by the rules of its type: that its data decodes does not make it valid.
//!
//! Whoever may send to a hub decides what is in an event. A schema knows types, not ranges, and nothing of how fields go together; the
//! rest is checked here, in Avro and in JSON alike, by the types of [`crate::domain`]. What breaks a rule is a bad record, wherever
//! it is read.

use super::event::{Event, EventData, ShapeError};
use crate::domain::{
    anomaly::event::{AnomalyDetected, AnomalyDetectedJson, AnomalyError},
    click::Click,
    feedback::event::{Feedback, FeedbackError},
    product_events::{ProductChanged, ProductDiscontinued, ProductEvent, ProductEventError},
    product_events_json::{ProductChangedJson, ProductDiscontinuedJson},
    sales::events::{FileReceived, FileRejected, Invoice, InvoiceWithdrawn, SalesError, SalesEvent},
};

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A product's new state.
    Product(Box<ProductEvent>),
    /// A click.
    Click(Click),
    /// An anomaly.
    Anomaly(Box<AnomalyDetected>),
    /// What a partner says of a product or a customer.
    Feedback(Feedback),
    /// What hub `sales` hears.
    Sales(Box<SalesEvent>),
    /// Its type has no contract here.
    Other,
}

/// An event breaks a rule of its type. Repeating is of no use. The message names the field.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// A field is missing, of another type, or not what such a field may hold.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The fields of a product event do not go together.
    #[error("event {id}: {source}")]
    Product {
        /// The event's id.
        id: String,
        /// Which rule it breaks.
        source: ProductEventError,
    },
    /// The fields of an anomaly do not go together.
    #[error("event {id}: {source}")]
    Anomaly {
        /// The event's id.
        id: String,
        /// Which rule it breaks.
        source: AnomalyError,
    },
    /// The fields of feedback do not go together.
    #[error("event {id}: {source}")]
    Feedback {
        /// The event's id.
        id: String,
        /// Which rule it breaks.
        source: FeedbackError,
    },
    /// The fields of an event of sales do not go together.
    #[error("event {id}: {source}")]
    Sales {
        /// The event's id.
        id: String,
        /// Which rule it breaks.
        source: SalesError,
    },
    /// An attribute contradicts the data that it is made of.
    #[error("event {id}: attribute {attribute} is {value:?}, which is not what its data says")]
    Attribute {
        /// The event's id.
        id: String,
        /// Which attribute.
        attribute: &'static str,
        /// What it says.
        value: String,
    },
}

/// Reads [`crate::domain::product_events::CHANGED`].
pub(super) fn product_changed(event: &Event) -> Result<Content, ContentError> {
    match event.data {
        EventData::Avro(..) => product(event, event.data_as::<ProductChanged>()?),
        EventData::Json(_) => product(event, event.data_as::<ProductChangedJson>()?),
    }
}

/// Reads [`crate::domain::product_events::DISCONTINUED`].
pub(super) fn product_discontinued(event: &Event) -> Result<Content, ContentError> {
    match event.data {
        EventData::Avro(..) => product(event, event.data_as::<ProductDiscontinued>()?),
        EventData::Json(_) => product(event, event.data_as::<ProductDiscontinuedJson>()?),
    }
}

/// Reads [`crate::domain::click::RECORDED`].
pub(super) fn click_recorded(event: &Event) -> Result<Content, ContentError> {
    Ok(Content::Click(event.data_as()?))
}

/// Reads [`crate::domain::anomaly::event::DETECTED`].
pub(super) fn anomaly_detected(event: &Event) -> Result<Content, ContentError> {
    let data: AnomalyDetected = match event.data {
        EventData::Avro(..) => event.data_as()?,
        EventData::Json(_) => event.data_as::<AnomalyDetectedJson>()?.into(),
    };
    let checked = data.checked().map_err(|source| ContentError::Anomaly { id: event.id.clone(), source })?;
    Ok(Content::Anomaly(Box::new(checked)))
}

/// Reads [`crate::domain::sales::events::CONFIRMED`] and [`crate::domain::sales::events::REFUNDED`].
pub(super) fn sales_invoice(event: &Event) -> Result<Content, ContentError> {
    let content = sales(event, event.data_as::<Invoice>()?.checked().map(SalesEvent::Invoice))?;
    match &content {
        Content::Sales(told) if told.is_of_type(&event.r#type) => Ok(content),
        _ => Err(ContentError::Attribute { id: event.id.clone(), attribute: "type", value: event.r#type.clone() }),
    }
}

/// Reads [`crate::domain::sales::events::WITHDRAWN`].
pub(super) fn sales_withdrawn(event: &Event) -> Result<Content, ContentError> {
    sales(event, event.data_as::<InvoiceWithdrawn>()?.checked().map(SalesEvent::Withdrawn))
}

/// Reads [`crate::domain::sales::events::FILE_RECEIVED`].
pub(super) fn sales_file_received(event: &Event) -> Result<Content, ContentError> {
    sales(event, event.data_as::<FileReceived>()?.checked().map(SalesEvent::Received))
}

/// Reads [`crate::domain::sales::events::FILE_REJECTED`].
pub(super) fn sales_file_rejected(event: &Event) -> Result<Content, ContentError> {
    sales(event, event.data_as::<FileRejected>()?.checked().map(SalesEvent::Rejected))
}

fn sales(received: &Event, checked: Result<SalesEvent, SalesError>) -> Result<Content, ContentError> {
    let event = checked.map_err(|source| ContentError::Sales { id: received.id.clone(), source })?;
    named_by(received, event.key())?;
    Ok(Content::Sales(Box::new(event)))
}

/// Reads [`crate::domain::feedback::event::GIVEN`].
pub(super) fn feedback_given(event: &Event) -> Result<Content, ContentError> {
    feedback(event, Feedback::given(event.data_as()?))
}

/// Reads [`crate::domain::feedback::event::WITHDRAWN`].
pub(super) fn feedback_withdrawn(event: &Event) -> Result<Content, ContentError> {
    feedback(event, Feedback::withdrawn(event.data_as()?))
}

fn feedback(received: &Event, read: Result<Feedback, FeedbackError>) -> Result<Content, ContentError> {
    let feedback = read.map_err(|source| ContentError::Feedback { id: received.id.clone(), source })?;
    named_by(received, &feedback.key)?;
    Ok(Content::Feedback(feedback))
}

/// Whether the attributes that events are ordered by say the key that the data says.
fn named_by(received: &Event, key: &str) -> Result<(), ContentError> {
    let extension = received.extensions.get("partitionkey");
    for (attribute, value) in [("subject", received.subject.as_ref()), ("partitionkey", extension)] {
        if let Some(value) = value.filter(|value| *value != key) {
            return Err(ContentError::Attribute { id: received.id.clone(), attribute, value: value.clone() });
        }
    }
    Ok(())
}

fn product<T>(received: &Event, data: T) -> Result<Content, ContentError>
where
    ProductEvent: TryFrom<T, Error = ProductEventError>,
{
    let event =
        ProductEvent::try_from(data).map_err(|source| ContentError::Product { id: received.id.clone(), source })?;
    named_by(received, event.product.id.as_str())?;
    let sequence = received.extensions.get("sequence");
    if let Some(value) = sequence.filter(|value| value.parse() != Ok(event.revision)) {
        return Err(ContentError::Attribute { id: received.id.clone(), attribute: "sequence", value: value.clone() });
    }
    Ok(Content::Product(Box::new(event)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            anomaly::event as anomaly, click, feedback::event as feedback, product_events, sales::events as sales,
        },
        events::{Contract, contracts, tests::avro},
    };

    /// A whole event of each type: its type, and its data as an Avro reader gives it (times and money in their Avro form) and in JSON.
    fn examples() -> Vec<(&'static str, Value, Value)> {
        let state = |price: Value, updated_at: Value| {
            json!({ "name": "Boots", "category": "Footwear", "brand": null, "description": null, "price": price,
                    "stock": 3, "updatedAt": updated_at })
        };
        let avro = state(json!({ "minorUnits": 1999, "currency": "USD" }), json!(1_767_607_200_000_i64));
        let text = state(json!({ "amount": "19.99", "currency": "USD" }), json!("2026-01-05T10:00:00Z"));
        let changes = |from: Value, to: Value| json!([{ "field": "price", "from": from, "to": to }, { "field": "colour", "from": null, "to": "red" }]);
        let changed = |state: &Value, changes: Value| json!({ "productId": "p-1", "revision": 2, "version": 4, "state": state, "changes": changes });
        let ended = |state: &Value| json!({ "productId": "p-1", "revision": 2, "version": 4, "reason": "old", "lastState": state });
        let click = json!({ "productId": "p-1", "category": "Footwear", "visitorId": "v-1234567", "sessionId": "s" });
        let anomaly = |started_at: Value, detected_at: Value| {
            json!({ "scope": "product:p-1", "kind": "spike", "startedAt": started_at, "detectedAt": detected_at,
                    "observed": 90.5, "expectedLow": 1.5, "expected": 5.5, "expectedHigh": 9.5, "score": 8.5 })
        };
        let customer = "cst_0123456789abcdef0123456789abcdef";
        let given = |at: Value| {
            json!({ "partner": "acme", "item": "r-1", "about": "product", "productId": "p-1", "customer": customer, "rating": 5, "text": "Good.",
                    "at": at, "sentiment": { "model": "m", "label": "positive", "compound": 0.5, "hits": 1 } })
        };
        let withdrawn = |at: Value| json!({ "partner": "acme", "item": "r-1", "about": "customer", "productId": null, "customer": customer, "at": at });
        let money = |amount: &str| json!({ "amount": amount, "currency": "USD" });
        let (avro_time, text_time) = (json!(1_767_607_200_000_i64), json!("2026-01-05T10:00:00Z"));
        let file = |modified: Value| json!({ "name": "a.csv", "revision": 2, "modified": modified });
        let received = |at: Value| {
            json!({ "file": file(at), "etag": "e", "currency": "GBP", "rows": 2, "badLines": 1, "confirmed": 1, "refunded": 0,
                    "withdrawn": 0, "amount": 100 })
        };
        let rejected = |at: Value| json!({ "file": file(at), "etag": "e", "reason": "utf-16", "detail": "UTF-16" });
        let invoice = |number: &str, kind: &str, at: Value, times: i64| {
            let line = json!({ "line": 2, "stockCode": "85123A", "item": "product", "description": null, "quantity": times,
                               "unitPrice": "1.00", "amount": 100 * times, "at": "2010-12-01T08:26:00", "country": "UK" });
            json!({ "invoice": number, "kind": kind, "file": file(at), "currency": "GBP", "amount": 100 * times,
                    "customerId": "17850", "lines": [line] })
        };
        let gone = |at: Value| json!({ "invoice": "1", "file": file(at) });
        vec![
            (
                product_events::CHANGED,
                changed(&avro, changes(json!("20.00 USD"), json!("19.99 USD"))),
                changed(&text, changes(money("20.00"), money("19.99"))),
            ),
            (product_events::DISCONTINUED, ended(&avro), ended(&text)),
            (click::RECORDED, click.clone(), click),
            (
                anomaly::DETECTED,
                anomaly(json!(1_767_607_200_000_i64), json!(1_767_607_380_000_i64)),
                anomaly(json!("2026-01-05T10:00:00Z"), json!("2026-01-05T10:03:00Z")),
            ),
            (feedback::GIVEN, given(json!(1_767_607_200_000_i64)), given(json!("2026-01-05T10:00:00Z"))),
            (feedback::WITHDRAWN, withdrawn(json!(1_767_607_200_000_i64)), withdrawn(json!("2026-01-05T10:00:00Z"))),
            (sales::FILE_RECEIVED, received(avro_time.clone()), received(text_time.clone())),
            (sales::FILE_REJECTED, rejected(avro_time.clone()), rejected(text_time.clone())),
            (sales::CONFIRMED, invoice("1", "sale", avro_time.clone(), 1), invoice("1", "sale", text_time.clone(), 1)),
            (
                sales::REFUNDED,
                invoice("C1", "refund", avro_time.clone(), -1),
                invoice("C1", "refund", text_time.clone(), -1),
            ),
            (sales::WITHDRAWN, gone(avro_time), gone(text_time)),
        ]
    }

    fn event(event_type: &str, data: EventData) -> Event {
        Event {
            id: "e-1".to_owned(),
            source: "/s".to_owned(),
            r#type: event_type.to_owned(),
            subject: None,
            time: None,
            dataschema: None,
            extensions: Default::default(),
            trace: None,
            data,
        }
    }

    /// As a reader of the schema gives it; `None` if the schema itself forbids it.
    fn in_avro(contract: &'static Contract, data: &Value) -> Option<Event> {
        let schema = contract.avro().expect("a schema");
        let value = avro(data).resolve(schema).ok()?;
        Some(event(contract.event_type, EventData::Avro(value, contract.name.to_owned())))
    }

    #[test]
    fn every_type_is_read_in_both_forms() {
        let examples = examples();
        assert_eq!(examples.len(), contracts::ALL.len(), "each type has an example");
        for (event_type, avro, json) in examples {
            let contract = Contract::of(event_type).expect("a contract");
            let avro = in_avro(contract, &avro).expect("fits the schema").content().expect(event_type);
            let json = event(event_type, EventData::Json(json)).content().expect(event_type);
            assert_eq!(avro, json);
            assert_ne!(json, Content::Other);
        }
        assert_eq!(
            event("com.contoso.order.placed.v1", EventData::Json(json!(1))).content().expect("no rules"),
            Content::Other
        );
    }

    /// Each rule of each type: what is broken, and the field that the cause must name.
    #[test]
    fn what_breaks_a_rule_is_refused_by_name() {
        let product = [
            ("/productId", "productId", vec![json!(""), json!("a/b"), json!(".."), json!("x".repeat(65))]),
            ("/revision", "revision", vec![json!(0), json!(-1), json!(i64::MIN)]),
            ("/version", "version", vec![json!(0), json!(-1), json!(i64::MIN)]),
        ];
        let state = [
            ("/name", "name", vec![json!(""), json!(" "), json!("a\u{7}"), json!("x".repeat(201))]),
            ("/category", "category", vec![json!(""), json!("x".repeat(101)), json!("$serde_json::private::RawValue")]),
            ("/brand", "brand", vec![json!(""), json!("x".repeat(101))]),
            ("/description", "description", vec![json!(""), json!("x".repeat(4001))]),
            ("/price/minorUnits", "price", vec![json!(-1), json!(i64::MIN)]),
            ("/price/currency", "price", vec![json!(""), json!("usd"), json!("XXX"), json!("XAU")]),
            ("/price/amount", "price", vec![json!("-1.00"), json!("1.999"), json!("a"), json!("")]),
            ("/stock", "stock", vec![json!(-1), json!(5_000_000_000_i64)]),
            (
                "/updatedAt",
                "updatedAt",
                vec![json!(-90_000_000_000_000_i64), json!(i64::MAX), json!("9999-12-31T23:59:59-23:00")],
            ),
        ];
        let changes = [
            ("/changes/0/to", "price", vec![json!("18.99 USD"), json!(null)]),
            ("/changes/0/from", "price", vec![json!("19.99 USD")]),
            ("/changes/0/field", "category", vec![json!("category")]),
            ("/changes/1/field", "price", vec![json!("price")]),
            ("/changes/1/field", "changes", vec![json!(""), json!("x".repeat(101))]),
            ("/changes/1/to", "colour", vec![json!(null)]),
        ];
        let click = [
            ("/productId", "productId", vec![json!(""), json!("a/b"), json!("x".repeat(65))]),
            ("/category", "category", vec![json!(""), json!("x".repeat(101)), json!("$serde_json::private::Number")]),
            ("/visitorId", "visitorId", vec![json!(""), json!("short"), json!("x".repeat(65))]),
            ("/sessionId", "sessionId", vec![json!(""), json!("a b"), json!("x".repeat(65))]),
        ];
        let anomaly = [
            (
                "/scope",
                "scope",
                vec![json!(""), json!("all"), json!("product:"), json!("product:a/b"), json!("category:")],
            ),
            ("/kind", "kind", vec![json!(""), json!("surge")]),
            ("/startedAt", "startedAt", vec![json!(-90_000_000_000_000_i64), json!("yesterday")]),
            ("/detectedAt", "detectedAt", vec![json!(1_767_607_200_000_i64), json!("2026-01-05T10:00:00Z"), json!(0)]),
            ("/observed", "observed", vec![json!(-1.0)]),
            ("/expectedLow", "expectedLow", vec![json!(-0.5)]),
            ("/expected", "expected", vec![json!(-0.5)]),
            ("/expectedHigh", "expectedHigh", vec![json!(-0.5)]),
        ];
        let item = [
            ("/partner", "partner", vec![json!(""), json!("Acme"), json!("all"), json!("a b")]),
            ("/item", "item", vec![json!(""), json!("a|b"), json!("a/b"), json!("x".repeat(101))]),
            ("/about", "about", vec![json!(""), json!("shop"), json!("Product")]),
            ("/productId", "productId", vec![json!(""), json!("a/b")]),
            ("/customer", "customer", vec![json!(""), json!("Jo"), json!("cst_0123456789ABCDEF0123456789ABCDEF")]),
            (
                "/at",
                "at",
                vec![
                    json!(-1),
                    json!(i64::MAX),
                    json!("1969-12-31T23:59:59Z"),
                    json!("yesterday"),
                    json!("9999-12-31T23:59:59-23:00"),
                ],
            ),
        ];
        let given = [
            ("/productId", "productId", vec![json!(null)]),
            ("/rating", "rating", vec![json!(0), json!(6), json!(-1), json!(i32::MAX)]),
            ("/text", "text", vec![json!(""), json!(" "), json!("a\u{0}"), json!("x".repeat(4001))]),
            ("/text", "sentiment", vec![json!(null)]),
            ("/sentiment/model", "sentiment", vec![json!(""), json!("a b"), json!("x".repeat(101))]),
            ("/sentiment/label", "sentiment", vec![json!(""), json!("mixed")]),
            ("/sentiment/compound", "sentiment", vec![json!(-1.01), json!(1.01)]),
            ("/sentiment/hits", "sentiment", vec![json!(-1)]),
        ];
        let withdrawn = [("/customer", "customer", vec![json!(null)])];
        let version = [
            ("/file/name", "file.name", vec![json!(""), json!("x".repeat(1025))]),
            ("/file/revision", "file.revision", vec![json!(0), json!(-1)]),
        ];
        let sale = [
            ("/invoice", "invoice", vec![json!(""), json!("x".repeat(65)), json!("a\u{7}")]),
            ("/kind", "kind", vec![json!(""), json!("adjustment")]),
            ("/currency", "currency", vec![json!("gbp"), json!("XXX")]),
            ("/amount", "amount", vec![json!(99), json!(i64::MAX)]),
            ("/lines", "lines", vec![json!([])]),
            ("/lines/0/stockCode", "stockCode", vec![json!(""), json!("x".repeat(65))]),
            ("/lines/0/item", "item", vec![json!("gift")]),
            ("/lines/0/amount", "amount", vec![json!(i64::MIN), json!(7)]),
            ("/lines/0/at", "at", vec![json!(""), json!("2010-12-01"), json!("yesterday at eight o")]),
            ("/lines/0/country", "country", vec![json!("")]),
        ];
        let counts = [
            ("/rows", "rows", vec![json!(-1)]),
            ("/badLines", "badLines", vec![json!(-1)]),
            ("/withdrawn", "withdrawn", vec![json!(-1)]),
        ];
        let reason = [("/reason", "reason", vec![json!("")])];
        let gone = [("/invoice", "invoice", vec![json!(""), json!("x".repeat(65))])];
        let mut refused = 0;
        for (event_type, avro, json) in examples() {
            let contract = Contract::of(event_type).expect("a contract");
            let below = |prefix: &'static str| {
                state.iter().map(move |(place, field, values)| (format!("{prefix}{place}"), *field, values.clone()))
            };
            let own = |rules: &[(&'static str, &'static str, Vec<Value>)]| -> Vec<_> {
                rules.iter().map(|(place, field, values)| ((*place).to_owned(), *field, values.clone())).collect()
            };
            let rules: Vec<(String, &str, Vec<Value>)> = match event_type {
                product_events::CHANGED => {
                    own(&product).into_iter().chain(below("/state")).chain(own(&changes)).collect()
                }
                product_events::DISCONTINUED => own(&product).into_iter().chain(below("/lastState")).collect(),
                click::RECORDED => own(&click),
                feedback::GIVEN => own(&item).into_iter().chain(own(&given)).collect(),
                feedback::WITHDRAWN => own(&item).into_iter().chain(own(&withdrawn)).collect(),
                sales::CONFIRMED | sales::REFUNDED => own(&version).into_iter().chain(own(&sale)).collect(),
                sales::WITHDRAWN => own(&version).into_iter().chain(own(&gone)).collect(),
                sales::FILE_RECEIVED => own(&version).into_iter().chain(own(&counts)).collect(),
                sales::FILE_REJECTED => own(&version).into_iter().chain(own(&reason)).collect(),
                _ => own(&anomaly),
            };
            for (place, field, values) in rules {
                for value in values {
                    for (form, example) in [("Avro", &avro), ("JSON", &json)] {
                        let mut data = example.clone();
                        let Some(member) = data.pointer_mut(&place) else { continue };
                        *member = value.clone();
                        let event = match form {
                            "Avro" => in_avro(contract, &data),
                            _ => Some(event(event_type, EventData::Json(data))),
                        };
                        // What the schema forbids never gets so far.
                        let Some(event) = event else { continue };
                        let error = event.content().expect_err(&format!("{form} {place} {value}"));
                        let cause = crate::outcome::Cause::from_error("read", error).chain();
                        assert!(cause.contains(field), "{form} {place} {value}: {cause}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 180, "{refused}");
    }

    #[test]
    fn attributes_say_what_the_data_says() {
        let (event_type, _, json) = examples().remove(0);
        let with = |subject: Option<&str>, extensions: &[(&str, &str)]| Event {
            subject: subject.map(str::to_owned),
            extensions: extensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..event(event_type, EventData::Json(json.clone()))
        };
        let good =
            with(Some("p-1"), &[("partitionkey", "p-1"), ("sequence", "0000000000000000002"), ("traceparent", "x")]);
        assert!(good.content().is_ok());
        assert!(with(None, &[]).content().is_ok());
        for (bad, name) in [
            (with(Some("p-2"), &[]), "subject"),
            (with(None, &[("partitionkey", "p-2")]), "partitionkey"),
            (with(None, &[("sequence", "3")]), "sequence"),
            (with(None, &[("sequence", "")]), "sequence"),
        ] {
            assert!(bad.content().expect_err(name).to_string().contains(name));
        }
    }
}
