//! An event as it is stored, and as an application sees it.

use std::{collections::BTreeMap, ops::Range};

use bytes::Bytes;

use super::amqp::{
    DecodeError, Decoder, Value,
    message::PARTITION_KEY,
    section::{Kind, NULL, Section, binary, sections},
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
pub(super) const MESSAGE_PROPERTIES: [&str; 13] = [
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
        let Parts { annotations, properties, body, message_properties, kind } = Parts::decode(&self.message)?;
        let system_properties = message_properties.into_iter().chain(annotations).collect();
        Ok(Ordered { body: body.unwrap_or_default(), kind, properties, system_properties })
    }
}

/// Which sections a body is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// Data, or null.
    #[default]
    Data,
    /// An AMQP value that is not null.
    Value,
    /// AMQP sequences.
    Sequence,
}

/// As [`EventData`], its members in the order of the message: those of its properties before its annotations.
#[derive(Default)]
pub(crate) struct Ordered {
    pub(crate) body: Bytes,
    pub(crate) kind: BodyKind,
    pub(crate) properties: Vec<(String, Value)>,
    pub(crate) system_properties: Vec<(String, Value)>,
}

/// What is in a message, in the order in which it is there.
#[derive(Default)]
struct Parts {
    /// Message annotations.
    annotations: Vec<(String, Value)>,
    /// Application properties.
    properties: Vec<(String, Value)>,
    /// As [`EventData::body`]; nothing where it is null.
    body: Option<Bytes>,
    kind: BodyKind,
    /// Message properties that are set, in the order of the specification.
    message_properties: Vec<(String, Value)>,
}

impl Parts {
    /// Decodes an encoded message.
    fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let mut parts = Self::default();
        let mut body = Body::default();
        for section in sections(message) {
            let section = section?;
            let value = || Decoder::new(&message[section.value.clone()]).value();
            match section.kind {
                Kind::MessageAnnotations => parts.annotations.extend(named(value()?)),
                Kind::Properties => parts.message_properties = message_properties(&value()?),
                Kind::ApplicationProperties => parts.properties.extend(named(value()?)),
                _ => body.add(message, &section)?,
            }
        }
        parts.kind = body.kind();
        parts.body = body.of(message);
        Ok(parts)
    }
}

/// The body of a message, gathered from its sections.
#[derive(Default)]
pub(super) struct Body {
    data: Vec<Range<usize>>,
    sequences: Vec<serde_json::Value>,
    value: Option<Bytes>,
}

impl Body {
    /// Adds a section of `message`, if it is one of the body.
    pub(super) fn add(&mut self, message: &[u8], section: &Section) -> Result<(), DecodeError> {
        let value = || Decoder::new(&message[section.value.clone()]).value();
        match section.kind {
            Kind::Data if message.get(section.value.start) == Some(&NULL) => {}
            Kind::Data => self.data.push(binary(message, section.value.clone())?),
            Kind::Sequence => self.sequences.push(value()?.to_json()),
            Kind::Value => self.value = value_body(value()?),
            Kind::Header | Kind::DeliveryAnnotations | Kind::Footer => {}
            Kind::MessageAnnotations | Kind::Properties | Kind::ApplicationProperties => {}
        }
        Ok(())
    }

    fn kind(&self) -> BodyKind {
        match (&self.data[..], &self.sequences[..], &self.value) {
            ([_, ..], ..) | ([], [], None) => BodyKind::Data,
            ([], [], Some(_)) => BodyKind::Value,
            ([], [_, ..], _) => BodyKind::Sequence,
        }
    }

    /// What is of `message`, as [`EventData::body`]; nothing where it is null.
    pub(super) fn of(self, message: &Bytes) -> Option<Bytes> {
        match &self.data[..] {
            [] if self.sequences.is_empty() => self.value,
            [] => Some(json_body(&self.sequences.into_iter().collect())),
            [one] => Some(message.slice(one.clone())),
            many => {
                let pieces: Vec<&[u8]> = many.iter().map(|range| &message[range.clone()]).collect();
                Some(pieces.concat().into())
            }
        }
    }
}

impl EventData {
    /// Decodes an encoded message.
    pub(super) fn decode(message: &Bytes) -> Result<Self, DecodeError> {
        let Parts { annotations, properties, body, message_properties, .. } = Parts::decode(message)?;
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
    let fields = MESSAGE_PROPERTIES.into_iter().enumerate().map(|(index, name)| (name, list.field(index)));
    let present = fields.filter(|(_, value)| **value != Value::Null);
    present.map(|(name, value)| (name.to_owned(), value.clone())).collect()
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
