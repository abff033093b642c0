//! What a valid event is, in either schema. The errors are sentences for the publisher.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The rules of CloudEvents 1.0 for attributes, and of its JSON format for `data`.
pub(super) fn check_cloud_event(fields: &Map<String, Value>) -> Result<(), String> {
    for name in ["id", "source", "type", "specversion"] {
        required_text(fields, name)?;
    }
    if fields.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err("Only `specversion` 1.0 is supported.".to_owned());
    }
    for name in ["subject", "datacontenttype", "dataschema"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null())
            && value.as_str().is_none_or(str::is_empty)
        {
            return Err(format!("`{name}` must be a non-empty string when it is present."));
        }
    }
    if let Some(time) = fields.get("time").filter(|time| !time.is_null()) {
        rfc3339("time", time)?;
    }
    let present = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if present("data") && present("data_base64") {
        return Err("An event has `data` or `data_base64`, not both.".to_owned());
    }
    if let Some(bytes) = fields.get("data_base64").filter(|value| !value.is_null())
        && bytes.as_str().is_none_or(|text| BASE64_STANDARD.decode(text).is_err())
    {
        return Err("`data_base64` must be a string of base64.".to_owned());
    }
    for (name, value) in fields {
        if matches!(name.as_str(), "data" | "data_base64") {
            continue;
        }
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(format!("`{name}` is not an attribute name: only lower-case letters and digits are."));
        }
        if value.is_object() || value.is_array() {
            return Err(format!("The attribute `{name}` must be a string, a number or a boolean."));
        }
    }
    Ok(())
}

pub(super) fn check_event_grid_event(fields: &Map<String, Value>, topic: &str) -> Result<(), String> {
    for name in ["id", "subject", "eventType"] {
        required_text(fields, name)?;
    }
    rfc3339("eventTime", fields.get("eventTime").unwrap_or(&Value::Null))?;
    if let Some(named) = fields.get("topic").filter(|value| !value.is_null())
        && !named.as_str().is_some_and(|named| named.is_empty() || named.eq_ignore_ascii_case(topic))
    {
        return Err(format!("`topic` must be left out or be `{topic}`."));
    }
    if let Some(version) = fields.get("metadataVersion").filter(|value| !value.is_null())
        && version.as_str() != Some("1")
    {
        return Err("`metadataVersion` must be left out or be \"1\".".to_owned());
    }
    Ok(())
}

fn required_text(fields: &Map<String, Value>, name: &str) -> Result<(), String> {
    match fields.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(format!("`{name}` is required and must be a non-empty string.")),
    }
}

fn rfc3339(name: &str, value: &Value) -> Result<(), String> {
    value
        .as_str()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        .map(|_| ())
        .ok_or_else(|| format!("`{name}` must be an RFC 3339 date and time."))
}
