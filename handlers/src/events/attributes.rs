//! CloudEvents attributes as AMQP application properties (CloudEvents AMQP protocol binding 1.0.2, §3.1, binary mode).

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    event::{Event, EventData},
    outgoing::Outgoing,
};
use crate::domain::trace_context::TraceContext;

/// Prefixes of attribute names; the first is written, both are read.
const PREFIXES: [&str; 2] = ["cloudEvents:", "cloudEvents_"];

/// Application properties of one message. Names are borrowed from the text they were parsed from where possible.
#[derive(Debug, Clone, Default)]
pub struct Properties<'a>(Vec<(Cow<'a, str>, Value)>);

impl Properties<'_> {
    /// An attribute among them, if it is a text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let of_name = |property: &str| PREFIXES.iter().any(|prefix| property.strip_prefix(prefix) == Some(name));
        self.0.iter().find(|(property, _)| of_name(property)).and_then(|(_, value)| value.as_str())
    }

    /// The trace context among them.
    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(self.attribute("traceparent")?, self.attribute("tracestate"))
    }
}

/// An object, in the order of names: a message has them in none.
impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted: BTreeMap<&str, &Value> = self.0.iter().map(|(name, value)| (name.as_ref(), value)).collect();
        serializer.collect_map(sorted)
    }
}

impl FromIterator<(String, Value)> for Properties<'static> {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(properties: I) -> Self {
        Self(properties.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Properties<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of application properties")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Properties::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut properties = Vec::with_capacity(8);
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Value>()? {
                    properties.push((name, value));
                }
                Ok(Properties(properties))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// A JSON string, borrowed from its source unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The message is not a CloudEvent. Repeating is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AttributeError {
    /// A required attribute is missing or empty.
    #[error("the message is no CloudEvent: attribute {0} is missing")]
    Missing(&'static str),
    /// Another version of CloudEvents.
    #[error("the message is a CloudEvent of version {0}, not 1.0")]
    Version(String),
    /// `time` is no timestamp.
    #[error("attribute time is no RFC 3339 timestamp: {0}")]
    Time(String),
    /// An attribute is an array or an object.
    #[error("attribute {0} is no scalar")]
    NotScalar(String),
}

/// Attributes of a received message, and its content type if the producer repeated that as an attribute.
pub(super) struct Attributes {
    pub(super) event: Event,
    pub(super) datacontenttype: Option<String>,
}

impl Attributes {
    /// Takes the attributes out of the properties; other properties are not the event's and are left out.
    pub(super) fn read(properties: Properties<'_>) -> Result<Self, AttributeError> {
        let (mut id, mut source, mut r#type, mut version) = (None, None, None, None);
        let (mut subject, mut time, mut dataschema, mut datacontenttype) = (None, None, None, None);
        let (mut traceparent, mut tracestate) = (None, None);
        let mut extensions = BTreeMap::new();
        for (property, value) in properties.0 {
            let Some(name) = PREFIXES.iter().find_map(|prefix| property.strip_prefix(prefix)) else {
                continue;
            };
            let Some(value) = text(name, value)? else { continue };
            match name {
                "id" => id = Some(value),
                "source" => source = Some(value),
                "type" => r#type = Some(value),
                "specversion" => version = Some(value),
                "subject" => subject = Some(value),
                "time" => time = Some(value),
                "dataschema" => dataschema = Some(value),
                "datacontenttype" => datacontenttype = Some(value),
                "traceparent" => traceparent = Some(value),
                "tracestate" => tracestate = Some(value),
                _ => {
                    extensions.insert(name.to_owned(), value);
                }
            }
        }
        match version {
            Some(version) if version == "1.0" => {}
            Some(version) => return Err(AttributeError::Version(version)),
            None => return Err(AttributeError::Missing("specversion")),
        }
        let event = Event {
            id: required("id", id)?,
            source: required("source", source)?,
            r#type: required("type", r#type)?,
            subject,
            time: time.map(timestamp).transpose()?,
            dataschema,
            extensions,
            trace: traceparent.and_then(|parent| TraceContext::parse(&parent, tracestate.as_deref())),
            data: EventData::Json(Value::Null),
        };
        Ok(Self { event, datacontenttype })
    }
}

/// The properties of an outgoing event.
pub(super) fn write<T>(
    event: &Outgoing<'_, T>,
    dataschema: String,
) -> Result<Vec<(String, String)>, time::error::Format> {
    let mut properties = Vec::with_capacity(9 + event.extensions.len());
    let mut put = |name: &str, value: String| properties.push((format!("{}{name}", PREFIXES[0]), value));
    put("specversion", "1.0".to_owned());
    put("id", event.id.clone());
    put("source", event.source.to_owned());
    put("type", event.schema.event_type.to_owned());
    put("dataschema", dataschema);
    if let Some(subject) = &event.subject {
        put("subject", subject.clone());
    }
    if let Some(time) = event.time {
        put("time", time.format(&Rfc3339)?);
    }
    for (name, value) in &event.extensions {
        put(name, value.clone());
    }
    if let Some(trace) = &event.trace {
        put("traceparent", trace.traceparent());
        if let Some(state) = &trace.state {
            put("tracestate", state.to_string());
        }
    }
    Ok(properties)
}

fn required(name: &'static str, value: Option<String>) -> Result<String, AttributeError> {
    value.filter(|value| !value.is_empty()).ok_or(AttributeError::Missing(name))
}

fn timestamp(text: String) -> Result<OffsetDateTime, AttributeError> {
    OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| AttributeError::Time(text))
}

/// An attribute's value as text: AMQP has numbers and booleans where CloudEvents has their canonical text.
fn text(name: &str, value: Value) -> Result<Option<String>, AttributeError> {
    match value {
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Null => Ok(None),
        Value::Array(_) | Value::Object(_) => Err(AttributeError::NotScalar(name.to_owned())),
    }
}
