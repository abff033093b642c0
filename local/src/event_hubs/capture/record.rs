//! `EventData`: an event as the Avro record.

use time::{OffsetDateTime, macros::format_description};

use super::avro::{put_bytes, put_long, put_map};
use crate::event_hubs::{
    amqp::{
        Value,
        message::{OFFSET, SEQUENCE_NUMBER},
    },
    event::{Parts, StoredEvent},
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
    // The service takes bodies it does not look into; one that cannot be decoded is kept as an event without any.
    let parts = Parts::decode(&event.message).unwrap_or_default();
    put_long(out, event.sequence);
    put_bytes(out, event.offset.to_string().as_bytes());
    put_bytes(out, enqueued.as_bytes());
    let mut system = parts.message_properties;
    system.extend(parts.annotations.into_iter().filter(|(name, _)| {
        let column = name == SEQUENCE_NUMBER || name == OFFSET;
        name.starts_with(ANNOTATION) && !column
    }));
    // The union of their values has no null.
    system.retain(|(_, value)| *value.undescribed() != Value::Null);
    put_map(out, &system, put_member);
    put_map(out, &parts.properties, put_member);
    match parts.body {
        Some(body) => {
            put_long(out, BODY);
            put_bytes(out, &body);
        }
        None => put_long(out, NO_BODY),
    }
}

/// A property value as the nearest member of the union: integers and times as `long`, what it has no member for as text.
fn put_member(out: &mut Vec<u8>, value: &Value) {
    let value = value.undescribed();
    match value {
        Value::Null => put_long(out, NULL),
        Value::Float(number) => put_double(out, f64::from(*number)),
        Value::Double(number) => put_double(out, *number),
        Value::String(text) | Value::Symbol(text) => put_text(out, text),
        Value::Binary(bytes) => {
            put_long(out, BYTES);
            put_bytes(out, bytes);
        }
        other => match (other.as_i64(), other.to_json()) {
            (Some(number), _) => {
                put_long(out, LONG);
                put_long(out, number);
            }
            (None, serde_json::Value::String(text)) => put_text(out, &text),
            (None, json) => put_text(out, &json.to_string()),
        },
    }
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
