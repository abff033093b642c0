//! Clicks inside CloudEvents in JSON (CloudEvents 1.0.2; JSON format 1.0.2; HTTP binding §3.1 for binary mode).
//!
//! Extensions are held to the rules and go no further: a click has no place for them.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contoso_json::UniqueError;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{click::RECORDED, click_body::Envelope, product_body::FieldError};

/// The longest id or source (bytes): enough for a UUID behind a URI.
const LONGEST: usize = 200;
/// Characters of an attribute's name that are repeated in an error.
const LONGEST_NAME: usize = 64;
/// Mistakes that are named: a body of 256 KiB has room for thousands.
const MOST_ERRORS: usize = 20;

/// Members of a structured event that are no attributes.
const DATA: [&str; 2] = ["data", "data_base64"];
/// Attributes that every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// Takes a structured event apart: its envelope, and its data, which may be JSON in base64 (§3.1).
///
/// # Errors
/// Every attribute that is missing or malformed, by its name.
pub fn structured(event: &Value) -> Result<(Envelope, Cow<'_, Value>), Vec<FieldError>> {
    let object = event.as_object().ok_or_else(|| vec![FieldError::new("", "must be a JSON object")])?;
    // An attribute that is null is one that is not there (JSON format §2.2); so do some libraries write the data that is not used.
    let present = || object.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), value));
    let attributes = present().filter(|(name, _)| !DATA.contains(name));
    let envelope = envelope(&attributes.map(|(name, value)| (name, Attribute::of(value))).collect::<Vec<_>>())?;
    let data = |name: &str| present().find(|(member, _)| *member == name).map(|(_, value)| value);
    let data = match DATA.map(data) {
        [Some(data), None] => Cow::Borrowed(data),
        [None, Some(encoded)] => Cow::Owned(decoded(encoded).map_err(|error| vec![error])?),
        [None, None] => return Err(vec![FieldError::new("data", "is required, as JSON")]),
        [Some(_), Some(_)] => return Err(vec![FieldError::new("data_base64", "must not stand beside data")]),
    };
    Ok((envelope, data))
}

fn decoded(encoded: &Value) -> Result<Value, FieldError> {
    let bytes = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.ok_or_else(|| FieldError::new("data_base64", "must be a text in base64"))?;
    contoso_json::unique(&bytes).map_err(|error| match error {
        UniqueError::Twice(name) => {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            FieldError::new(format!("data.{name}"), "comes twice in one object")
        }
        UniqueError::Json(error) => FieldError::new("data_base64", format!("is not JSON: {error}")),
    })
}

/// The envelope of an event in binary mode, from the headers `ce-<name>`: name and value, which is nothing where it is no text.
///
/// # Errors
/// Every attribute that is missing or malformed, by its name.
pub fn binary<'a>(headers: &[(&'a str, Option<Cow<'a, str>>)]) -> Result<Envelope, Vec<FieldError>> {
    let said: Vec<String> = headers.iter().map(|(name, _)| format!("ce-{name}")).collect();
    let mut errors = Vec::new();
    for (index, (name, _)) in headers.iter().enumerate() {
        match *name {
            // HTTP binding §3.1.1; CloudEvents §3.1.
            "datacontenttype" => errors.push(FieldError::new(*name, "is what the header Content-Type says")),
            "data" => errors.push(FieldError::new(*name, "is the body, and must not be an attribute")),
            name if headers[..index].iter().any(|(other, _)| *other == name) => {
                errors.push(FieldError::new(name, "comes twice"));
            }
            _ => {}
        }
    }
    if !headers.iter().any(|(name, _)| *name == "specversion") {
        let shown = said.iter().take(MOST_ERRORS).map(|name| name.chars().take(LONGEST_NAME).collect::<String>());
        let shown = shown.collect::<Vec<_>>().join(", ");
        errors
            .push(FieldError::new("specversion", format!("is required: with {shown} this is an event in binary mode")));
        return Err(errors);
    }
    let text = |value: &Option<Cow<'a, str>>| match value {
        Some(text) => Attribute::Text(text.clone()),
        None => Attribute::Other("must be percent-encoded UTF-8"),
    };
    let read = envelope(&headers.iter().map(|(name, value)| (*name, text(value))).collect::<Vec<_>>());
    match read {
        Ok(envelope) if errors.is_empty() => Ok(envelope),
        Ok(_) => Err(errors),
        Err(more) => Err([errors, more].concat()),
    }
}

/// The value of an attribute, by the type system of CloudEvents (§3.4).
enum Attribute<'a> {
    Text(Cow<'a, str>),
    /// A boolean or an integer, of which only extensions are.
    Scalar,
    /// None; what it must be.
    Other(&'static str),
}

impl<'a> Attribute<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Bool(_) => Self::Scalar,
            Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => {
                Self::Scalar
            }
            Value::Number(_) => Self::Other("must be a whole number of 32 bits, if a number"),
            _ => Self::Other("must be a string, a boolean or a whole number"),
        }
    }
}

fn envelope(attributes: &[(&str, Attribute<'_>)]) -> Result<Envelope, Vec<FieldError>> {
    let mut errors = Vec::new();
    let find = |name: &str| attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
    let mut required = |name: &'static str| match find(name) {
        Some(Attribute::Text(text)) if !text.is_empty() && text.len() <= LONGEST && is_text(text) => text.to_string(),
        Some(_) => {
            errors.push(FieldError::new(
                name,
                format!("must be a string of 1 to {LONGEST} bytes, without control characters"),
            ));
            String::new()
        }
        None => {
            errors.push(FieldError::new(name, "is required"));
            String::new()
        }
    };
    let [version, id, source, event_type] = REQUIRED.map(&mut required);
    for (name, value, expected) in [("specversion", version, "1.0"), ("type", event_type, RECORDED)] {
        if !value.is_empty() && value != expected {
            errors.push(FieldError::new(name, format!("must be {expected}")));
        }
    }
    if !source.is_empty() && !is_uri_reference(&source) {
        errors.push(FieldError::new("source", "must be a URI reference (RFC 3986)"));
    }
    let mut time = None;
    for (name, value) in attributes.iter().filter(|(name, _)| !REQUIRED.contains(name)) {
        if let Some(message) = mistake(name, value, &mut time) {
            errors.push(FieldError::new(name.chars().take(LONGEST_NAME).collect::<String>(), message));
        }
        if errors.len() >= MOST_ERRORS {
            break;
        }
    }
    if errors.is_empty() { Ok(Envelope { id, source, time }) } else { Err(errors) }
}

/// What is wrong with an attribute that an event need not have; `time` is kept.
fn mistake(name: &str, value: &Attribute<'_>, time: &mut Option<OffsetDateTime>) -> Option<&'static str> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Some("is no name of an attribute: those have only a to z and 0 to 9");
    }
    let text = match value {
        Attribute::Text(text) if is_text(text) => Some(text.as_ref()),
        Attribute::Text(_) => return Some("must not contain control characters"),
        Attribute::Scalar => None,
        Attribute::Other(message) => return Some(message),
    };
    match (name, text) {
        ("subject", text) => text.is_none_or(str::is_empty).then_some("must be a string that is not empty, or absent"),
        ("dataschema", text) => (!text.is_some_and(is_uri)).then_some("must be a URI (RFC 3986), or absent"),
        ("datacontenttype", text) => (!text.is_some_and(is_json)).then_some("must be application/json"),
        ("time", text) => {
            *time = text.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            time.is_none().then_some("must be an RFC 3339 time such as 2026-01-31T09:30:00.000Z")
        }
        _ => None,
    }
}

/// Whether a string may be the value of an attribute (§3.4): no control characters, no code points that are no characters.
fn is_text(text: &str) -> bool {
    let is_noncharacter = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    !text.chars().any(|c| c.is_control() || is_noncharacter(c))
}

/// Whether this could be a URI reference, or an IRI reference: what may stand in neither is looked for, no more.
fn is_uri_reference(text: &str) -> bool {
    let is_forbidden = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    !text.contains(is_forbidden)
}

/// Whether this could be a URI: a reference with a scheme.
fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    };
    text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty()) && is_uri_reference(text)
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
        let headers: Vec<_> = event
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(name, _)| !["data", "datacontenttype"].contains(&name.as_str()))
            .collect();
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().map(Cow::Borrowed))).collect();
        assert_eq!(binary(&headers), Ok(envelope));
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
            ("datacontenttype", json!("")),
            ("source", json!("/a b")),
            ("source", json!("/\u{7f}")),
            ("source", json!("<app>")),
            ("id", json!("a\u{fffe}")),
            ("subject", json!("")),
            ("subject", json!(1)),
            ("subject", json!("a\nb")),
            ("dataschema", json!("")),
            ("dataschema", json!("/relative")),
            ("dataschema", json!("a schema")),
            ("dataschema", json!(true)),
            ("MyExtension", json!("a")),
            ("my.extension", json!("a")),
            ("my_extension", json!("a")),
            ("", json!("a")),
            ("erweiterung\u{e4}", json!("a")),
            ("extension", json!({ "a": 1 })),
            ("extension", json!([1])),
            ("extension", json!(1.5)),
            ("extension", json!(2_147_483_648_i64)),
            ("extension", json!("a\u{0}")),
        ] {
            let mut event = event();
            event[name] = value.clone();
            let errors = structured(&event).expect_err("refused");
            assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [name], "{value}");
        }
        assert_eq!(structured(&json!({})).expect_err("refused").len(), 4);
        let mut both = event();
        both["data_base64"] = json!("e30=");
        assert_eq!(structured(&both).expect_err("refused")[0].field, "data_base64");
        both["data"] = json!(null);
        both["data_base64"] = json!("eyJhIjoxLCJhIjoyfQ==");
        assert_eq!(structured(&both).expect_err("refused")[0].field, "data.a");
        let mut many = event();
        for number in 0..10_000 {
            many[format!("X{number}")] = json!(1);
        }
        assert_eq!(structured(&many).expect_err("refused").len(), MOST_ERRORS);
        assert_eq!(structured(&json!([])).expect_err("refused")[0].field, "");
    }
    #[test]
    fn extensions_of_every_type_are_taken() {
        for value in [
            json!(null),
            json!(true),
            json!(-2_147_483_648_i64),
            json!(2_147_483_647),
            json!(""),
            json!("https://example.com/a?b#c"),
            json!("2018-04-05T17:31:00Z"),
            json!("AQIDBA=="),
        ] {
            let mut event = event();
            event["longerthantwentycharactersisonlydiscouraged1"] = value.clone();
            event["dataschema"] = json!("urn:example:click");
            assert!(structured(&event).is_ok(), "{value}");
        }
    }

    /// Events that the CloudEvents project gives as valid, made clicks: what their attributes may be, those of a click may be.
    #[cfg(real_data)]
    #[test]
    fn events_of_the_conformance_suite_are_taken() {
        let file = concat!(env!("REAL_DATA"), "/cloudevents/conformance/format-json/valid-events.json");
        let suite: Value = serde_json::from_str(&std::fs::read_to_string(file).expect(file)).expect("JSON");
        let tests = suite["tests"].as_array().expect("tests");
        for test in tests {
            let mut event = test["event"].clone();
            event["type"] = json!(RECORDED);
            event["data"] = json!({ "productId": "boots" });
            event["datacontenttype"] = json!("application/json");
            event.as_object_mut().expect("an object").remove("data_base64");
            structured(&event).unwrap_or_else(|errors| panic!("{}: {errors:?}", test["id"]));
        }
        assert!(!tests.is_empty());
    }
}
