//! `EventData`: an event as the Avro record.

use bytes::Bytes;
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::avro::{Map, put_bytes, put_long};
use crate::event_hubs::{
    amqp::{
        Borrowed, DecodeError, Decoder, Value,
        message::{OFFSET, SEQUENCE_NUMBER},
        section::{Kind, sections},
    },
    event::{Body, MESSAGE_PROPERTIES, StoredEvent},
};

/// The service's schema, byte for byte.
pub(super) const SCHEMA: &str = concat!(
    r#"{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":["#,
    r#"{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},"#,
    r#"{"name":"EnqueuedTimeUtc","type":"string"},"#,
    r#"{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},"#,
    r#"{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},"#,
    r#"{"name":"Body","type":["null","bytes"]}]}"#
);

/// Prefix of the message annotations.
const ANNOTATION: &str = "x-opt-";

/// Members of the unions of property values.
const LONG: i64 = 0;
const DOUBLE: i64 = 1;
const STRING: i64 = 2;
const BYTES: i64 = 3;
const NULL: i64 = 4;

/// Members of the union of the body.
const NO_BODY: i64 = 0;
const BODY: i64 = 1;

/// Appends the record of an event. Maps keep the order in which the message has their entries, and system properties begin
/// with those of the message (`message-id` and so on).
pub(super) fn put_record(out: &mut Vec<u8>, event: &StoredEvent, enqueued: &str) {
    put_long(out, event.sequence);
    put_bytes(out, event.offset.to_string().as_bytes());
    put_bytes(out, enqueued.as_bytes());
    let message_at = out.len();
    if put_message(out, &event.message).is_err() {
        // The service takes bodies it does not look into; one that cannot be decoded is kept as an event without any.
        out.truncate(message_at);
        Map::begin(out).end(out);
        Map::begin(out).end(out);
        put_long(out, NO_BODY);
    }
}

/// Appends both maps and the body. Text and bytes go from the message straight into the record: a file has hundreds of
/// thousands of them.
fn put_message(out: &mut Vec<u8>, message: &Bytes) -> Result<(), DecodeError> {
    // In a message the annotations stand before the properties.
    let mut message_properties = None;
    let mut system = Map::begin(out);
    let mut body = Body::default();
    for section in sections(message) {
        let section = section?;
        if section.kind == Kind::Properties {
            message_properties = Some(section.value);
        } else {
            body.add(message, &section)?;
        }
    }
    if let Some(list) = message_properties {
        Decoder::new(&message[list]).list(|index, value| {
            if let Some(name) = MESSAGE_PROPERTIES.get(index) {
                put_system(out, &mut system, name, &value);
            }
        })?;
    }
    each_map(message, Kind::MessageAnnotations, |name, value| {
        let column = name == SEQUENCE_NUMBER || name == OFFSET;
        if name.starts_with(ANNOTATION) && !column {
            put_system(out, &mut system, name, &value);
        }
    })?;
    system.end(out);
    let mut properties = Map::begin(out);
    each_map(message, Kind::ApplicationProperties, |name, value| {
        properties.name(out, name);
        put_borrowed(out, &value);
    })?;
    properties.end(out);
    match body.of(message) {
        Some(body) => {
            put_long(out, BODY);
            put_bytes(out, &body);
        }
        None => put_long(out, NO_BODY),
    }
    Ok(())
}

/// Hands on the named entries of the sections of a kind.
fn each_map<'a>(message: &'a [u8], kind: Kind, mut take: impl FnMut(&'a str, Borrowed<'a>)) -> Result<(), DecodeError> {
    for section in sections(message) {
        let section = section?;
        if section.kind == kind {
            Decoder::new(&message[section.value]).map(&mut take)?;
        }
    }
    Ok(())
}

/// Appends an entry of the system properties, the union of whose values has no null.
fn put_system(out: &mut Vec<u8>, system: &mut Map, name: &str, value: &Borrowed<'_>) {
    if !value.is_null() {
        system.name(out, name);
        put_borrowed(out, value);
    }
}

/// A property value as the nearest member of the union: integers and times as `long`, what it has no member for as text.
fn put_borrowed(out: &mut Vec<u8>, value: &Borrowed<'_>) {
    match value {
        Borrowed::Text(text) => put_text(out, text),
        Borrowed::Binary(bytes) => put_binary(out, bytes),
        Borrowed::Other(value) => put_value(out, value.undescribed()),
    }
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => put_long(out, NULL),
        Value::Float(number) => put_double(out, f64::from(*number)),
        Value::Double(number) => put_double(out, *number),
        Value::String(text) | Value::Symbol(text) => put_text(out, text),
        Value::Binary(bytes) => put_binary(out, bytes),
        Value::Uuid(id) => put_text(out, id.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        other => {
            if let Some(number) = other.as_i64() {
                put_long(out, LONG);
                put_long(out, number);
            } else if let serde_json::Value::String(text) = other.to_json() {
                put_text(out, &text);
            } else {
                put_text(out, &other.to_json().to_string());
            }
        }
    }
}

fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, BYTES);
    put_bytes(out, bytes);
}

fn put_double(out: &mut Vec<u8>, number: f64) {
    put_long(out, DOUBLE);
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_long(out, STRING);
    put_bytes(out, text.as_bytes());
}

/// The US form that the service writes, such as `12/9/2022 4:51:25 PM`.
pub(super) fn us_time(unix_seconds: i64) -> String {
    let format = format_description!(
        "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period case:upper]"
    );
    OffsetDateTime::from_unix_timestamp(unix_seconds)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_default()
}
