//! An event as it is stored, and as an application sees it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::amqp::{
    DecodeError, Decoder, Value,
    message::PARTITION_KEY,
    section::{Kind, NULL, binary, sections},
};

/// One event of a partition.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its number in the partition, from 0, without gaps.
    pub sequence: i64,
    /// Its offset, an opaque string on the wire: the decimal text of this number.
    pub offset: i64,
    /// When it was enqueued, in milliseconds since the Unix epoch.
    pub enqueued_millis: i64,
    /// The encoded AMQP message with the service's annotations.
    pub message: Bytes,
}

/// What is in a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventData {
    /// The data sections, one after the other. A body of an AMQP value is its text or bytes where it is text or binary;
    /// any other, and a sequence, is its JSON. A null body is empty, as .NET's client, and so the functions host, has it.
    pub body: Bytes,
    /// Application properties.
    pub properties: BTreeMap<String, Value>,
    /// Message annotations (`x-opt-…`) and the message properties that are set (`message-id`, `content-type`, …).
    pub system_properties: BTreeMap<String, Value>,
    /// The partition key it was sent with.
    pub partition_key: Option<String>,
    /// Its content type.
    pub content_type: Option<String>,
}

/// Names of the fields of the properties section, in order (part 3 §3.2.4).
const MESSAGE_PROPERTIES: [&str; 13] = [
    "message-id",
    "user-id",
    "to",
    "subject",
    "reply-to",
    "correlation-id",
    "content-type",
    "content-encoding",
    "absolute-expiry-time",
    "creation-time",
    "group-id",
    "group-sequence",
    "reply-to-group-id",
];

impl StoredEvent {
    /// Decodes the message.
    ///
    /// # Errors
    /// When a section that the service stored unread holds something malformed.
    pub fn decode(&self) -> Result<EventData, DecodeError> {
        EventData::decode(&self.message)
    }

    /// Decodes the message and keeps the order in which its members were sent.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub(crate) fn decode_in_order(&self) -> Result<Ordered, DecodeError> {
        let Parts { annotations, properties, body, message_properties } = Parts::decode(&self.message)?;
        let system_properties = message_properties.into_iter().chain(annotations).collect();
        Ok(Ordered { body: body.unwrap_or_default(), properties, system_properties })
    }
}

/// As [`EventData`], its members in the order of the message: those of its properties before its annotations.
#[derive(Default)]
pub(crate) struct Ordered {
    pub(crate) body: Bytes,
    pub(crate) properties: Vec<(String, Value)>,
    pub(crate) system_properties: Vec<(String, Value)>,
}

/// What is in a message, in the order in which it is there.
#[derive(Default)]
pub(super) struct Parts {
    /// Message annotations.
    pub(super) annotations: Vec<(String, Value)>,
    /// Application properties.
    pub(super) properties: Vec<(String, Value)>,
    /// As [`EventData::body`]; nothing where it is null.
    pub(super) body: Option<Bytes>,
    /// Message properties that are set, in the order of the specification.
    pub(super) message_properties: Vec<(String, Value)>,
}

impl Parts {
    /// Decodes an encoded message.
    pub(super) fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let mut parts = Self::default();
        let mut data = Vec::new();
        let mut sequences = Vec::new();
        for section in sections(message) {
            let section = section?;
            let value = || Decoder::new(&message[section.value.clone()]).value();
            match section.kind {
                Kind::Header | Kind::DeliveryAnnotations | Kind::Footer => {}
                Kind::MessageAnnotations => parts.annotations.extend(named(value()?)),
                Kind::Properties => parts.message_properties = message_properties(&value()?),
                Kind::ApplicationProperties => parts.properties.extend(named(value()?)),
                Kind::Data if message.get(section.value.start) == Some(&NULL) => {}
                Kind::Data => data.push(binary(message, section.value.clone())?),
                Kind::Sequence => sequences.push(value()?.to_json()),
                Kind::Value => parts.body = value_body(value()?),
            }
        }
        match &data[..] {
            [] if sequences.is_empty() => {}
            [] => parts.body = Some(json_body(&sequences.into_iter().collect())),
            [one] => parts.body = Some(message.slice(one.clone())),
            many => {
                let pieces: Vec<&[u8]> = many.iter().map(|range| &message[range.clone()]).collect();
                parts.body = Some(pieces.concat().into());
            }
        }
        Ok(parts)
    }
}

impl EventData {
    /// Decodes an encoded message.
    pub(super) fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let Parts { annotations, properties, body, message_properties } = Parts::decode(message)?;
        let mut event = Self {
            body: body.unwrap_or_default(),
            properties: properties.into_iter().collect(),
            system_properties: annotations.into_iter().chain(message_properties).collect(),
            ..Self::default()
        };
        let text = |name| event.system_properties.get(name).and_then(Value::as_text).map(str::to_owned);
        event.partition_key = text(PARTITION_KEY);
        event.content_type = text("content-type");
        Ok(event)
    }
}

fn message_properties(list: &Value) -> Vec<(String, Value)> {
    let fields = MESSAGE_PROPERTIES.into_iter().enumerate();
    let fields = fields.map(|(index, name)| (name.to_owned(), list.field(index).clone()));
    fields.filter(|(_, value)| *value != Value::Null).collect()
}

fn named(map: Value) -> impl Iterator<Item = (String, Value)> {
    let entries = match map {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    };
    entries.into_iter().filter_map(|(name, value)| Some((name.as_text()?.to_owned(), value)))
}

fn value_body(value: Value) -> Option<Bytes> {
    Some(match value {
        Value::Null => return None,
        Value::Binary(bytes) => bytes.into(),
        Value::String(text) | Value::Symbol(text) => text.into(),
        other => json_body(&other.to_json()),
    })
}

fn json_body(value: &serde_json::Value) -> Bytes {
    value.to_string().into()
}
