//! Payload of an Event Hubs function: one event or a batch, and the metadata of both.

use std::{borrow::Cow, io::Write};

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use time::OffsetDateTime;

use crate::{
    event_hubs::{BodyKind, OrderedEvent, StoredEvent, Value as AmqpValue},
    functions_host::{
        app::{Cardinality, DataType, EventHubTrigger},
        invocation::{Compact, Dates, Fraction, JsonText, Metadata, Payload, Value, date_time, date_time_offset},
    },
};

/// Annotations of the service, which are written from the stored position.
const POSITION: [&str; 3] = ["x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"];
const PARTITION_KEY: &str = "x-opt-partition-key";
/// The descriptor of a .NET `DateTimeOffset`, whose value is its ticks in UTC.
const DATE_TIME_OFFSET: &str = "com.microsoft:datetime-offset";
/// Ticks of 100 ns from the year 1 to the Unix epoch.
const TICKS_TO_EPOCH: i64 = 621_355_968_000_000_000;

/// Where a batch comes from.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) hub: &'a str,
    pub(crate) consumer_group: &'a str,
    pub(crate) partition: &'a str,
    /// Whether a checkpoint follows this invocation.
    pub(crate) checkpoints: bool,
}

/// A decoded event with its position.
pub(crate) struct Event {
    pub(crate) sequence: i64,
    pub(crate) offset: String,
    pub(crate) enqueued: OffsetDateTime,
    pub(crate) body: Bytes,
    pub(crate) kind: BodyKind,
    /// In the order in which they were sent, both.
    pub(crate) properties: Vec<(String, AmqpValue)>,
    pub(crate) system_properties: Vec<(String, AmqpValue)>,
    pub(crate) partition_key: Option<String>,
}

impl Event {
    /// An event whose AMQP sections cannot be read is handed over as it came, without properties: the function decides
    /// what becomes of it, and its neighbours are not held up.
    pub(super) fn decode(stored: &StoredEvent) -> Self {
        let data = stored.decode_in_order().unwrap_or_else(|error| {
            tracing::warn!("event {} cannot be decoded and is handed over as it came: {error}", stored.sequence);
            OrderedEvent { body: stored.message.clone(), ..OrderedEvent::default() }
        });
        let key = data.system_properties.iter().find(|(name, _)| name == PARTITION_KEY);
        let nanos = i128::from(stored.enqueued_millis) * 1_000_000;
        Self {
            sequence: stored.sequence,
            offset: stored.offset.to_string(),
            enqueued: OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH),
            body: data.body,
            kind: data.kind,
            partition_key: key.and_then(|(_, key)| key.as_text()).map(str::to_owned),
            properties: data.properties,
            system_properties: data.system_properties,
        }
    }

    /// An event that nobody sent, for a run by hand.
    pub(crate) fn by_hand(body: Bytes, now: OffsetDateTime) -> Self {
        Self {
            sequence: 0,
            offset: "0".to_owned(),
            enqueued: now,
            body,
            kind: BodyKind::Data,
            properties: Vec::new(),
            system_properties: Vec::new(),
            partition_key: None,
        }
    }
}

/// Builds the call for `events`, which are one for cardinality one.
///
/// # Errors
/// The binding problem, where a body cannot be bound: then the whole batch fails without the handler. The extension binds bodies
/// of data only.
pub(crate) fn payload<'a>(
    binding: &'a str,
    trigger: &EventHubTrigger,
    context: &Context<'a>,
    events: &'a [Event],
) -> Result<Payload<'a>, String> {
    if let Some(event) = events.iter().find(|event| event.kind != BodyKind::Data) {
        let kind = if event.kind == BodyKind::Value { "an AMQP value" } else { "AMQP sequences" };
        return Err(format!("the body of event {} is of {kind}, and that of an event must be data", event.sequence));
    }
    let size_hint = events.iter().map(|event| event.body.len() * 3 / 2 + 900).sum();
    let (data, metadata) = match (trigger.cardinality, events) {
        (Cardinality::One, [event]) => one(trigger.data_type, context, event),
        _ => (bodies(trigger.data_type, events)?, batch_metadata(context, events)),
    };
    Ok(Payload { data: (binding, data), metadata, size_hint })
}

fn one<'a>(data_type: DataType, context: &Context<'a>, event: &'a Event) -> (Value<'a>, Metadata<'a>) {
    let mut metadata = Metadata::default();
    add_context(&mut metadata, context);
    if let Some(key) = &event.partition_key {
        metadata.add("PartitionKey", Value::json(key));
    }
    metadata.add("Offset", Value::json(&event.offset));
    metadata.add("OffsetString", Value::json(&event.offset));
    metadata.add("SequenceNumber", Value::json(event.sequence));
    metadata.add("EnqueuedTimeUtc", Value::DateTime(event.enqueued));
    metadata.add("Properties", Value::json(Properties(event)));
    metadata.add("SystemProperties", Value::json(SystemProperties(event)));
    metadata.add_sys();
    if data_type == DataType::Binary {
        return (Value::Bytes(&event.body), metadata);
    }
    let text = String::from_utf8_lossy(&event.body);
    metadata.merge_body(&text);
    (Value::json(text), metadata)
}

fn bodies<'a>(data_type: DataType, events: &'a [Event]) -> Result<Value<'a>, String> {
    Ok(match data_type {
        DataType::Binary => Value::ByteArrays(events.iter().map(|event| event.body.as_ref()).collect()),
        DataType::Text => {
            let texts: Vec<Cow<'a, str>> = events.iter().map(|event| String::from_utf8_lossy(&event.body)).collect();
            Value::json(texts)
        }
        DataType::Undefined => {
            let parsed = events.iter().map(|event| {
                let text = std::str::from_utf8(&event.body).map_err(|error| error.to_string())?;
                // Json.NET makes null of a text without anything in it, such as that of a null body.
                let text = if text.trim_ascii().is_empty() { "null" } else { text };
                Compact::new(text, Dates::Rewritten).map_err(|error| error.to_string())
            });
            let parsed = parsed.collect::<Result<Vec<_>, _>>().map_err(|error| {
                format!("Binding parameters to complex objects (such as 'Object') uses Json.NET serialization: {error}")
            })?;
            Value::text(List(parsed))
        }
    })
}

fn batch_metadata<'a>(context: &Context<'a>, events: &'a [Event]) -> Metadata<'a> {
    let mut metadata = Metadata::default();
    add_context(&mut metadata, context);
    metadata.add("PartitionKeyArray", Value::json(Each(events, |event: &'a Event| event.partition_key.as_deref())));
    metadata.add("OffsetArray", Value::json(Each(events, |event: &'a Event| event.offset.as_str())));
    metadata.add("OffsetStringArray", Value::json(Each(events, |event: &'a Event| event.offset.as_str())));
    metadata.add("SequenceNumberArray", Value::json(Each(events, |event: &'a Event| event.sequence)));
    metadata.add(
        "EnqueuedTimeUtcArray",
        Value::json(Each(events, |event: &'a Event| date_time(event.enqueued, Fraction::Kept))),
    );
    metadata.add("PropertiesArray", Value::json(Each(events, |event: &'a Event| Properties(event))));
    metadata.add("SystemPropertiesArray", Value::json(Each(events, |event: &'a Event| SystemProperties(event))));
    metadata.add_sys();
    metadata
}

fn add_context<'a>(metadata: &mut Metadata<'a>, context: &Context<'a>) {
    metadata.add("TriggerPartitionContext", Value::json(PartitionContext(*context)));
    metadata.add("PartitionContext", Value::json(PartitionContext(*context)));
}

struct PartitionContext<'a>(Context<'a>);

impl Serialize for PartitionContext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("IsCheckpointingAfterInvocation", &self.0.checkpoints)?;
        map.serialize_entry("FullyQualifiedNamespace", self.0.namespace)?;
        map.serialize_entry("EventHubName", self.0.hub)?;
        map.serialize_entry("ConsumerGroup", self.0.consumer_group)?;
        map.serialize_entry("PartitionId", self.0.partition)?;
        map.end()
    }
}

/// Application properties.
struct Properties<'a>(&'a Event);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.properties.iter().map(|(name, value)| (name, Amqp(value))))
    }
}

/// Message properties and annotations, then the position as the service's annotations, and under its .NET names.
struct SystemProperties<'a>(&'a Event);

impl Serialize for SystemProperties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let offset: i64 = event.offset.parse().unwrap_or(0);
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in event.system_properties.iter().filter(|(name, _)| !POSITION.contains(&name.as_str())) {
            map.serialize_entry(name, &Amqp(value))?;
        }
        map.serialize_entry("x-opt-sequence-number", &event.sequence)?;
        map.serialize_entry("x-opt-offset", &event.offset)?;
        map.serialize_entry("x-opt-enqueued-time", &date_time_offset(event.enqueued, Fraction::Kept))?;
        map.serialize_entry("SequenceNumber", &event.sequence)?;
        map.serialize_entry("Offset", &offset)?;
        map.serialize_entry("OffsetString", &event.offset)?;
        map.serialize_entry("PartitionKey", &event.partition_key)?;
        map.serialize_entry("EnqueuedTimeUtc", &date_time(event.enqueued, Fraction::Kept))?;
        map.end()
    }
}

/// An AMQP value; texts, by far the most frequent, are written without a copy.
struct Amqp<'a>(&'a AmqpValue);

impl Serialize for Amqp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AmqpValue::Described(name, ticks) if name.as_text() == Some(DATE_TIME_OFFSET) => match instant(ticks) {
                Some(instant) => serializer.serialize_str(&date_time_offset(instant, Fraction::Kept)),
                None => ticks.to_json().serialize(serializer),
            },
            value => match value.as_text() {
                Some(text) => serializer.serialize_str(text),
                None => value.to_json().serialize(serializer),
            },
        }
    }
}

fn instant(ticks: &AmqpValue) -> Option<OffsetDateTime> {
    let ticks = i128::from(ticks.as_i64()?) - i128::from(TICKS_TO_EPOCH);
    OffsetDateTime::from_unix_timestamp_nanos(ticks * 100).ok()
}

/// One member of every event.
struct Each<'a, F>(&'a [Event], F);

impl<'a, T: Serialize, F: Fn(&'a Event) -> T> Serialize for Each<'a, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// A JSON array of texts.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T: JsonText> JsonText for List<T> {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        out.write_all(b"[")?;
        for (index, element) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            element.write(out)?;
        }
        out.write_all(b"]")
    }
}
