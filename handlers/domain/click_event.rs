//! Clicks inside CloudEvents in JSON (CloudEvents JSON format 1.0.2; HTTP binding §3.1 for binary mode).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{click::RECORDED, click_body::Envelope, product_body::FieldError};

/// The longest id or source (bytes): enough for a UUID behind a URI.
const LONGEST: usize = 200;

/// Takes a structured event apart: its envelope, and its data, which may be JSON in base64 (§3.1).
///
/// # Errors
/// Every attribute that is missing or malformed, by its name.
pub fn structured(event: &Value) -> Result<(Envelope, Cow<'_, Value>), Vec<FieldError>> {
    let object = event.as_object().ok_or_else(|| vec![FieldError::new("", "must be a JSON object")])?;
    // An attribute that is null is one that is not there (JSON format §2.2).
    let attribute = |name: &str| object.get(name).filter(|value| !value.is_null()).map(Attribute::of);
    let envelope = envelope(attribute, attribute("datacontenttype"))?;
    // Some libraries write the one that is not used as null.
    let present = |name: &str| object.get(name).filter(|value| !value.is_null());
    let data = match (present("data"), present("data_base64")) {
        (Some(data), None) => Cow::Borrowed(data),
        (None, Some(encoded)) => Cow::Owned(decoded(encoded).map_err(|error| vec![error])?),
        (None, None) => return Err(vec![FieldError::new("data", "is required, as JSON")]),
        (Some(_), Some(_)) => return Err(vec![FieldError::new("data_base64", "must not stand beside data")]),
    };
    Ok((envelope, data))
}

fn decoded(encoded: &Value) -> Result<Value, FieldError> {
    let bytes = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.ok_or_else(|| FieldError::new("data_base64", "must be a text in base64"))?;
    contoso_json::from_slice(&bytes).map_err(|error| FieldError::new("data_base64", format!("is not JSON: {error}")))
}

/// The envelope of an event in binary mode: `attribute` gives the value of the header `ce-<name>`, and nothing inside if that is no text.
///
/// # Errors
/// Every attribute that is missing or malformed, by its name.
pub fn binary<'a>(attribute: impl Fn(&str) -> Option<Option<Cow<'a, str>>>) -> Result<Envelope, Vec<FieldError>> {
    envelope(|name| attribute(name).map(|text| text.map_or(Attribute::Other, Attribute::Text)), None)
}

/// The value of an attribute.
enum Attribute<'a> {
    Text(Cow<'a, str>),
    Other,
}

impl<'a> Attribute<'a> {
    fn of(value: &'a Value) -> Self {
        value.as_str().map_or(Self::Other, |text| Self::Text(Cow::Borrowed(text)))
    }
}

fn envelope<'a>(
    attribute: impl Fn(&str) -> Option<Attribute<'a>>,
    media_type: Option<Attribute<'_>>,
) -> Result<Envelope, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut required = |name: &str| match attribute(name) {
        Some(Attribute::Text(text))
            if !text.is_empty() && text.len() <= LONGEST && !text.contains(char::is_control) =>
        {
            text.into_owned()
        }
        Some(_) => {
            errors.push(FieldError::new(name, format!("must be a string of 1 to {LONGEST} bytes")));
            String::new()
        }
        None => {
            errors.push(FieldError::new(name, "is required"));
            String::new()
        }
    };
    let (version, id, source, event_type) =
        (required("specversion"), required("id"), required("source"), required("type"));
    for (name, value, expected) in [("specversion", version, "1.0"), ("type", event_type, RECORDED)] {
        if !value.is_empty() && value != expected {
            errors.push(FieldError::new(name, format!("must be {expected}")));
        }
    }
    if let Some(media_type) = media_type
        && !matches!(&media_type, Attribute::Text(text) if is_json(text))
    {
        errors.push(FieldError::new("datacontenttype", "must be application/json"));
    }
    let time = match attribute("time") {
        None => None,
        Some(Attribute::Text(text)) => OffsetDateTime::parse(&text, &Rfc3339).ok(),
        Some(Attribute::Other) => None,
    };
    if time.is_none() && attribute("time").is_some() {
        errors.push(FieldError::new("time", "must be an RFC 3339 time such as 2026-01-31T09:30:00.000Z"));
    }
    if errors.is_empty() { Ok(Envelope { id, source, time }) } else { Err(errors) }
}

/// Whether a media type, with or without parameters, is JSON.
pub fn is_json(media_type: &str) -> bool {
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn event() -> Value {
        json!({ "specversion": "1.0", "id": "1", "source": "/app", "type": RECORDED, "time": "2026-06-01T12:00:00Z",
                "datacontenttype": "application/json; charset=utf-8", "subject": "v", "data": { "productId": "boots" } })
    }

    #[test]
    fn both_modes_give_the_same_envelope() {
        let event = event();
        let (envelope, data) = structured(&event).expect("valid");
        assert_eq!(envelope.time, Some(datetime!(2026-06-01 12:00 UTC)));
        assert_eq!(data["productId"], "boots");
        assert_eq!(binary(|name| event[name].as_str().map(|text| Some(text.into()))), Ok(envelope));
        let mut encoded = event.clone();
        encoded["data"] = Value::Null;
        encoded["data_base64"] = json!("eyJwcm9kdWN0SWQiOiJib290cyJ9");
        assert_eq!(structured(&encoded).expect("JSON in base64").1["productId"], "boots");
        let mut timeless = event.clone();
        timeless["time"] = Value::Null;
        assert_eq!(structured(&timeless).expect("null is absent").0.time, None);
    }

    #[test]
    fn every_mistake_is_named_by_its_attribute() {
        for (name, value) in [
            ("specversion", json!("0.3")),
            ("id", json!("")),
            ("id", json!(7)),
            ("source", json!("x".repeat(201))),
            ("type", json!("com.contoso.order.placed.v1")),
            ("time", json!("noon")),
            ("time", json!(5)),
            ("datacontenttype", json!("avro/binary")),
        ] {
            let mut event = event();
            event[name] = value.clone();
            let errors = structured(&event).expect_err("refused");
            assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [name], "{value}");
        }
        assert_eq!(structured(&json!({})).expect_err("refused").len(), 4);
        assert_eq!(structured(&json!([])).expect_err("refused")[0].field, "");
    }
}
