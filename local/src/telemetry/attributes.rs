//! Attributes of spans, log records, series and resources.

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource as ResourceMessage,
};
use serde_json::{Map, Number, Value};

/// Names and values, by name, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Box<[(String, Value)]>);

/// Who sends: the attributes of a process, such as `service.name`.
pub type Resource = Attributes;

impl Attributes {
    /// Of two attributes with one name, which the protocol forbids, the first counts.
    pub(super) fn read(pairs: Vec<KeyValue>) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|(one, _), (other, _)| one == other);
        Self(pairs.into_boxed_slice())
    }

    pub(super) fn of_resource(resource: Option<ResourceMessage>) -> Resource {
        Self::read(resource.map(|resource| resource.attributes).unwrap_or_default())
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// The value of an attribute that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The attributes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// As a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        self.0.iter().cloned().collect()
    }

    /// Bytes in memory, roughly.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| size_of::<(String, Value)>() + name.len() + size(value)).sum()
    }
}

/// An attribute as one would write it: text without quotes.
pub(super) fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as JSON: bytes in Base64, and what JSON has no number for as text.
pub(super) fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        None => Value::Null,
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::BoolValue(truth)) => truth.into(),
        Some(any_value::Value::IntValue(number)) => number.into(),
        Some(any_value::Value::DoubleValue(number)) => {
            Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        Some(any_value::Value::ArrayValue(array)) => {
            array.values.into_iter().map(|item| self::value(Some(item))).collect()
        }
        Some(any_value::Value::KvlistValue(list)) => {
            list.values.into_iter().map(|pair| (pair.key, self::value(pair.value))).collect::<Map<_, _>>().into()
        }
        Some(any_value::Value::BytesValue(bytes)) => BASE64_STANDARD.encode(bytes).into(),
        // Of profiles alone, which are not received.
        Some(any_value::Value::StringValueStrindex(_)) => Value::Null,
    }
}

/// Bytes of a value besides its own, roughly. The reader of messages bounds how deep it is.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 0,
        // Numbers are kept as text.
        Value::Number(_) => 24,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + size(item)).sum(),
        // A node of the tree has room for eleven.
        Value::Object(pairs) => {
            640 + pairs
                .iter()
                .map(|(name, value)| 2 * size_of::<(String, Value)>() + name.len() + size(value))
                .sum::<usize>()
        }
    }
}
