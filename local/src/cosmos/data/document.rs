//! Documents: the content of an item as a client sends it, in text or in Cosmos DB's binary JSON, and as it is kept.

use azure_data_cosmos_driver::binary_json;
use bytes::Bytes;
use contoso_json::Plain;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cosmos::wire::{refusal::Refusal, request::check_id};

/// Members that the service adds to a document.
pub(in crate::cosmos) const SYSTEM_PROPERTIES: [&str; 5] = ["_attachments", "_etag", "_rid", "_self", "_ts"];
/// Bytes of a document, as in the service.
pub(in crate::cosmos) const LARGEST: usize = 2 << 20;
/// Levels of objects and arrays in a document: what `serde_json` reads, and so what comes back after a restart.
const DEEPEST: usize = 127;
/// Longest time to live, in seconds.
const LONGEST: i64 = i32::MAX as i64;
/// Whole numbers up to here are doubles too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A document without system properties.
#[derive(Clone, Debug)]
pub(in crate::cosmos) struct Document {
    pub(in crate::cosmos) id: String,
    /// Its own time to live, if it states one.
    pub(in crate::cosmos) ttl: Option<i64>,
    pub(in crate::cosmos) value: Value,
    /// The same as text.
    pub(in crate::cosmos) text: Bytes,
}

impl Document {
    /// Reads what a client sent.
    ///
    /// # Errors
    /// 400 where it is no document, 413 where it is too large.
    pub(in crate::cosmos) fn read(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > LARGEST {
            return Err(Refusal::too_large());
        }
        Self::of(parse(body)?)
    }

    /// Takes a value for a document.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(in crate::cosmos) fn of(mut value: Value) -> Result<Self, Refusal> {
        let Value::Object(members) = &mut value else {
            return Err(no_object());
        };
        members.retain(|name, _| !SYSTEM_PROPERTIES.contains(&name.as_str()));
        let id = members.get("id").ok_or_else(Refusal::no_id)?;
        let id = id.as_str().ok_or_else(|| Refusal::invalid_input("The id of a document is a text."))?.to_owned();
        check_id(&id).map_err(Refusal::bad_request)?;
        let ttl = members.get("ttl").map(parse_ttl).transpose().map_err(Refusal::bad_request)?;
        if !are_finite(&value) {
            return Err(Refusal::invalid_input("A number of the document is larger than a double can be."));
        }
        let (text, value) = kept(value)?;
        Ok(Self { id, ttl, value, text })
    }

    /// Reads what an earlier version stored: it took ids and times to live that are refused now, and the latter meant nothing.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(in crate::cosmos) fn stored(body: &[u8]) -> Result<Self, Refusal> {
        let mut value = parse(body)?;
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !SYSTEM_PROPERTIES.contains(&name.as_str()));
        }
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ttl = value.get("ttl").and_then(|ttl| parse_ttl(ttl).ok());
        let (text, value) = kept(value)?;
        Ok(Self { id, ttl, value, text })
    }

    pub(in crate::cosmos) fn members(&self) -> usize {
        self.value.as_object().map_or(0, Map::len)
    }
}

/// A document as it is kept, as text and value.
fn kept(mut value: Value) -> Result<(Bytes, Value), Refusal> {
    if levels(&value) > DEEPEST {
        return Err(Refusal::bad_request(format!("The document has more than {DEEPEST} levels.")));
    }
    shorten_numbers(&mut value);
    let text = Bytes::from(value.to_string());
    if text.len() > LARGEST {
        return Err(Refusal::too_large());
    }
    Ok((text, value))
}

/// The JSON of a body. Members that are read by name are there once: readers differ in which of two they take.
fn parse(body: &[u8]) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    struct Once {
        #[serde(rename = "id")]
        _id: Option<Plain>,
        #[serde(rename = "ttl")]
        _ttl: Option<Plain>,
    }
    let unreadable =
        |error: String| Refusal::invalid_input(format!("The body is no JSON object that can be read: {error}."));
    if binary_json::is_binary(body) {
        let Plain(value) = binary_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        return contoso_json::from_str(&value.to_string()).map_err(|error| unreadable(error.to_string()));
    }
    let value: Value = contoso_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    // What reads an object by the names of its members also reads an array, by their order.
    if !value.is_object() {
        return Err(no_object());
    }
    contoso_json::from_slice::<Once>(body).map_err(|error| unreadable(error.to_string()))?;
    Ok(value)
}

fn no_object() -> Refusal {
    Refusal::invalid_input("The body is no JSON object.")
}

/// The time to live that a document or definition states.
///
/// # Errors
/// The service's message, where it is none.
pub(in crate::cosmos) fn parse_ttl(value: &Value) -> Result<i64, String> {
    value.as_i64().filter(|ttl| *ttl == -1 || (1..=LONGEST).contains(ttl)).ok_or_else(|| {
        format!(
            "The input ttl '{value}' is invalid. Ensure to provide a nonzero positive integer less than or equal to \
             '{LONGEST}' or -1 which means never expire."
        )
    })
}

/// Levels of objects and arrays. What was read has no more than 128, and a patch has few operations, so this has an end.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(levels).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Whether all numbers are doubles, if not exactly: to a query a larger one would be none at all.
fn are_finite(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some(),
        Value::Array(elements) => elements.iter().all(are_finite),
        Value::Object(members) => members.values().all(are_finite),
        _ => true,
    }
}

/// Numbers are doubles to the service, which writes one without a fraction as `3`, not `3.0`.
fn shorten_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_i64().is_none() && number.as_u64().is_none() => {
            if let Some(whole) = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() <= EXACT) {
                *number = (whole as i64).into();
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(shorten_numbers),
        Value::Object(members) => members.values_mut().for_each(shorten_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ttl_is_a_positive_whole_number_or_minus_one() {
        assert_eq!(parse_ttl(&json!(-1)), Ok(-1));
        assert_eq!(parse_ttl(&json!(2_147_483_647)), Ok(2_147_483_647));
        for wrong in [json!(0), json!(-2), json!(1.5), json!("60"), json!(2_147_483_648_i64), Value::Null] {
            assert!(parse_ttl(&wrong).unwrap_err().contains("is invalid"));
        }
    }

    #[test]
    fn text_and_binary_are_kept_alike_without_what_the_service_adds() {
        let sent = json!({ "id": "a", "n": 3.0, "x": [1.5, -2.0], "_etag": "old", "_ts": 1, "ttl": 5, "_own": null });
        let kept = r#"{"_own":null,"id":"a","n":3,"ttl":5,"x":[1.5,-2]}"#;
        for body in [sent.to_string().into_bytes(), binary_json::to_vec(&sent).unwrap()] {
            let document = Document::read(&body).unwrap();
            assert_eq!((document.text.as_ref(), document.id.as_str(), document.ttl), (kept.as_bytes(), "a", Some(5)));
        }
        for wrong in [r#"{"id":7}"#, "[]", r#"{"a":1}"#, r#"{"id":"a","id":"b"}"#, r#"{"id":"a","ttl":null}"#, "{"] {
            assert_eq!(Document::read(wrong.as_bytes()).unwrap_err().status, 400, "{wrong}");
        }
    }
}
