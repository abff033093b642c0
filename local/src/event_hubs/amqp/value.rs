//! The AMQP type system (part 1 of the specification) as one enum.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Number, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// One AMQP value. Which width a number had on the wire is not kept, its type is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Absent.
    Null,
    /// `boolean`.
    Bool(bool),
    /// `ubyte`.
    Ubyte(u8),
    /// `ushort`.
    Ushort(u16),
    /// `uint`.
    Uint(u32),
    /// `ulong`.
    Ulong(u64),
    /// `byte`.
    Byte(i8),
    /// `short`.
    Short(i16),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `float`.
    Float(f32),
    /// `double`.
    Double(f64),
    /// `decimal32`, not interpreted.
    Decimal32([u8; 4]),
    /// `decimal64`, not interpreted.
    Decimal64([u8; 8]),
    /// `decimal128`, not interpreted.
    Decimal128([u8; 16]),
    /// `char`.
    Char(char),
    /// `timestamp`: milliseconds since the Unix epoch.
    Timestamp(i64),
    /// `uuid`.
    Uuid(uuid::Uuid),
    /// `binary`.
    Binary(Vec<u8>),
    /// `string`.
    String(String),
    /// `symbol`.
    Symbol(String),
    /// `list`.
    List(Vec<Value>),
    /// `map`, in wire order.
    Map(Vec<(Value, Value)>),
    /// `array`; every element has the type of the first.
    Array(Vec<Value>),
    /// A value with its descriptor.
    Described(Box<Value>, Box<Value>),
}

impl Value {
    /// A `string`.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A `symbol`.
    #[must_use]
    pub fn symbol(text: impl Into<String>) -> Self {
        Self::Symbol(text.into())
    }

    /// A composite type: `fields` under the descriptor with the numeric `code`.
    #[must_use]
    pub fn composite(code: u64, fields: Vec<Self>) -> Self {
        Self::Described(Box::new(Self::Ulong(code)), Box::new(Self::List(fields)))
    }

    /// Text of a string or symbol.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Symbol(text) => Some(text),
            _ => None,
        }
    }

    /// Any integer or timestamp that fits 64 signed bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        Some(match self {
            Self::Ubyte(n) => i64::from(*n),
            Self::Ushort(n) => i64::from(*n),
            Self::Uint(n) => i64::from(*n),
            Self::Ulong(n) => i64::try_from(*n).ok()?,
            Self::Byte(n) => i64::from(*n),
            Self::Short(n) => i64::from(*n),
            Self::Int(n) => i64::from(*n),
            Self::Long(n) | Self::Timestamp(n) => *n,
            _ => return None,
        })
    }

    /// The value itself, or what a descriptor describes.
    #[must_use]
    pub fn undescribed(&self) -> &Self {
        match self {
            Self::Described(_, value) => value.undescribed(),
            value => value,
        }
    }

    /// Field `index` of a list, described or not; null beyond its end, as the specification has it.
    #[must_use]
    pub fn field(&self, index: usize) -> &Self {
        match self.undescribed() {
            Self::List(fields) => fields.get(index).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// Entry of a map, described or not, by its string or symbol key; null where there is none.
    #[must_use]
    pub fn entry(&self, key: &str) -> &Self {
        match self.undescribed() {
            Self::Map(entries) => {
                entries.iter().find(|(name, _)| name.as_text() == Some(key)).map_or(&Self::Null, |(_, value)| value)
            }
            _ => &Self::Null,
        }
    }

    /// The nearest JSON: numbers as numbers, timestamps as RFC 3339 text, UUIDs as text, binary as base64, descriptors
    /// dropped, and what JSON cannot say (not-a-number) as null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => json!(value),
            Self::Ulong(value) => json!(value),
            Self::Float(value) => real(f64::from(*value)),
            Self::Double(value) => real(*value),
            Self::Decimal32(bytes) => json!(STANDARD.encode(bytes)),
            Self::Decimal64(bytes) => json!(STANDARD.encode(bytes)),
            Self::Decimal128(bytes) => json!(STANDARD.encode(bytes)),
            Self::Char(value) => json!(value),
            Self::Timestamp(millis) => timestamp(*millis),
            Self::Uuid(value) => json!(value.hyphenated().to_string()),
            Self::Binary(bytes) => json!(STANDARD.encode(bytes)),
            Self::String(text) | Self::Symbol(text) => json!(text),
            Self::List(items) | Self::Array(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.to_key(), value.to_json()));
                serde_json::Value::Object(entries.collect::<Map<_, _>>())
            }
            Self::Described(_, value) => value.to_json(),
            integer => integer.as_i64().map_or(serde_json::Value::Null, |n| json!(n)),
        }
    }

    /// Text that stands for the value as a key of a JSON object.
    fn to_key(&self) -> String {
        match self.to_json() {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

fn real(value: f64) -> serde_json::Value {
    Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

fn timestamp(millis: i64) -> serde_json::Value {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .map_or_else(|| json!(millis), serde_json::Value::String)
}
