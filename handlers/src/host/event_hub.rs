//! `eventHubTrigger`, cardinality many, data type binary: a batch of one partition.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contoso_json::Parts;
use opentelemetry::KeyValue;
use serde::Deserialize;
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    batch::{self, About, Limits, Records},
    invocation::{Invocation, Malformed, Text, json_text},
    report::Report,
    summary::Summary,
};
use crate::{
    app::App,
    clock,
    dead_letters::{BadRecord, DeadLetter, stored::Opened},
    domain::trace_context::TraceContext,
    events::{Codec, DecodeError, Incoming, Properties},
    function::{BoxFuture, HubEvent, Order, Position, UNKNOWN_PARTITION},
    outcome::{Cause, Outcome},
};

/// What a function reads.
pub(super) struct Subscription {
    pub(super) function: &'static str,
    pub(super) hub: &'static str,
    pub(super) consumer_group: &'static str,
    pub(super) order: Order,
}

pub(super) async fn invoke(
    app: &App,
    subscription: &Subscription,
    handle: fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>,
    summary: Summary<'_>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let texts = Texts::of(invocation)?;
    let messages = texts.messages(subscription)?;
    let oldest = messages.iter().map(|message| message.position.enqueued).min();
    let batch = Batch { codec: app.events(), subscription, messages, is_replayed: false };
    let call = |events| handle(app.clone(), events);
    let report = batch::run(&batch, call, app, &summary, invocation.retry_count(), &Limits::USUAL).await;
    Ok(summary.finish(batch.messages.len(), &report, oldest.map(|enqueued| app.now() - enqueued)))
}

/// Gives a parked record to the function once more; `None` if it was not found in a batch of the hub.
pub(super) async fn replay(
    app: &App,
    subscription: &Subscription,
    handle: fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>,
    summary: &Summary<'_>,
    opened: &Opened,
) -> Option<(Outcome, Report)> {
    let message = parked(opened).filter(|message| message.position.hub == subscription.hub)?;
    let batch = Batch { codec: app.events(), subscription, messages: vec![message], is_replayed: true };
    let call = |events| handle(app.clone(), events);
    Some(batch::run_alone(&batch, call, app, summary, &Limits::REPLAY).await)
}

/// The message that a letter is of, as it was: parked again, it has the same letter.
fn parked(opened: &Opened) -> Option<Message<'_>> {
    /// [`Position`], where a letter may not say when the record was stored.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Place {
        hub: String,
        consumer_group: String,
        partition: String,
        sequence: i64,
        offset: String,
        enqueued: Option<String>,
    }
    let Place { hub, consumer_group, partition, sequence, offset, enqueued } =
        Place::deserialize(&opened.position).ok()?;
    let enqueued = enqueued.as_deref().and_then(timestamp);
    Some(Message {
        body: opened.body.clone(),
        properties: opened.properties.as_deref(),
        content_type: opened.content_type.as_deref().map(Cow::Borrowed),
        is_dated: enqueued.is_some(),
        position: Position {
            hub,
            consumer_group,
            partition,
            sequence,
            offset,
            enqueued: enqueued.or(opened.parked_at).unwrap_or_else(clock::now),
        },
    })
}

/// The texts inside the invocation, with their quotes taken off; messages borrow from them.
pub(super) struct Texts<'a> {
    bodies: Cow<'a, str>,
    properties: Option<Cow<'a, str>>,
    system_properties: Option<Cow<'a, str>>,
    sequence_numbers: Option<Cow<'a, str>>,
    offsets: Option<Cow<'a, str>>,
    enqueued_times: Option<Cow<'a, str>>,
    partition: PartitionContext,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PartitionContext {
    event_hub_name: Option<String>,
    consumer_group: Option<String>,
    partition_id: Option<String>,
}

/// One message of the batch.
pub(super) struct Message<'a> {
    pub(super) body: Vec<u8>,
    pub(super) properties: Option<&'a RawValue>,
    pub(super) content_type: Option<Cow<'a, str>>,
    pub(super) position: Position,
    /// Whether the host says when the hub stored it.
    pub(super) is_dated: bool,
}

/// What is read of a message's system properties; names of the AMQP annotations are the fallback for the arrays of the host.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SystemProperties<'a> {
    #[serde(rename = "content-type", borrow)]
    content_type: Option<Cow<'a, str>>,
    #[serde(rename = "x-opt-sequence-number")]
    sequence_number: Option<i64>,
    #[serde(rename = "x-opt-offset", borrow)]
    offset: Option<Cow<'a, str>>,
    #[serde(rename = "x-opt-enqueued-time", borrow)]
    enqueued_time: Option<Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(invocation: &Invocation<'a>) -> Result<Self, Malformed> {
        // Metadata is a help, not a condition: its arrays differ between extension versions.
        let array = |name| invocation.metadata(name).and_then(|value| json_text(value).ok());
        let partition = ["PartitionContext", "TriggerPartitionContext"]
            .into_iter()
            .filter_map(array)
            .find_map(|text| contoso_json::from_str(&text).ok());
        Ok(Self {
            bodies: json_text(invocation.trigger()?).map_err(Malformed::value("the batch"))?,
            properties: array("PropertiesArray"),
            system_properties: array("SystemPropertiesArray"),
            sequence_numbers: array("SequenceNumberArray"),
            offsets: array("OffsetStringArray").or_else(|| array("OffsetArray")),
            enqueued_times: array("EnqueuedTimeUtcArray"),
            partition: partition.unwrap_or_default(),
        })
    }

    pub(super) fn messages(&self, subscription: &Subscription) -> Result<Vec<Message<'_>>, Malformed> {
        let bodies: Vec<Text<'_>> = contoso_json::parts(self.bodies.as_ref()).map_err(Malformed::value("the batch"))?;
        let properties: Vec<&RawValue> = elements(self.properties.as_deref());
        let system_properties: Vec<&RawValue> = elements(self.system_properties.as_deref());
        let sequence_numbers: Vec<i64> = elements(self.sequence_numbers.as_deref());
        let offsets: Vec<Text<'_>> = elements(self.offsets.as_deref());
        let enqueued_times: Vec<Text<'_>> = elements(self.enqueued_times.as_deref());
        let now = clock::now();
        let hub = self.partition.event_hub_name.as_deref().unwrap_or(subscription.hub);
        let consumer_group = self.partition.consumer_group.as_deref().unwrap_or(subscription.consumer_group);
        let partition = self.partition.partition_id.as_deref().unwrap_or(UNKNOWN_PARTITION);
        let message = |(index, Text(body)): (usize, Text<'_>)| {
            let system: SystemProperties<'_> = system_properties
                .get(index)
                .and_then(|value| contoso_json::from_str(value.get()).ok())
                .unwrap_or_default();
            let offset = offsets.get(index).map(|Text(offset)| offset.as_ref()).or(system.offset.as_deref());
            let enqueued =
                enqueued_times.get(index).map(|Text(time)| time.as_ref()).or(system.enqueued_time.as_deref());
            let enqueued = enqueued.and_then(timestamp);
            Ok(Message {
                is_dated: enqueued.is_some(),
                // Not a bad record but a bad definition, which would spoil every record: the invocation fails until it is mended.
                body: STANDARD.decode(body.as_ref()).map_err(|error| Malformed::Value {
                    what: "a body of the batch (does the binding say dataType binary?)",
                    source: error.into(),
                })?,
                properties: properties.get(index).copied(),
                position: Position {
                    hub: hub.to_owned(),
                    consumer_group: consumer_group.to_owned(),
                    partition: partition.to_owned(),
                    sequence: sequence_numbers.get(index).copied().or(system.sequence_number).unwrap_or(-1),
                    offset: offset.unwrap_or_default().to_owned(),
                    enqueued: enqueued.unwrap_or(now),
                },
                content_type: system.content_type,
            })
        };
        bodies.into_iter().enumerate().map(message).collect()
    }
}

/// The elements of a JSON array; none if it is missing or has another form.
fn elements<'a, T: Parts<'a>>(text: Option<&'a str>) -> Vec<T> {
    text.and_then(|text| contoso_json::parts(text).ok()).unwrap_or_default()
}

/// A time as .NET writes it: UTC, with or without saying so.
fn timestamp(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)).ok()
}

struct Batch<'a> {
    codec: &'a Codec,
    subscription: &'a Subscription,
    messages: Vec<Message<'a>>,
    is_replayed: bool,
}

impl Records for Batch<'_> {
    type Item = HubEvent;

    fn order(&self) -> Order {
        self.subscription.order
    }

    fn len(&self) -> usize {
        self.messages.len()
    }

    async fn decode(&self, index: usize) -> Result<HubEvent, DecodeError> {
        let message = &self.messages[index];
        let properties = match message.properties {
            Some(text) => contoso_json::from_str(text.get())
                .map_err(|error| DecodeError::Park(Cause::from_error("read the message's properties", error)))?,
            None => Properties::default(),
        };
        let incoming = Incoming { body: &message.body, content_type: message.content_type.as_deref(), properties };
        let event = self.codec.decode(incoming).await?;
        Ok(HubEvent { event, position: message.position.clone(), is_replayed: self.is_replayed })
    }

    fn key<'i>(&self, item: &'i HubEvent) -> Option<&'i str> {
        item.event.key()
    }

    fn about<'i>(&'i self, HubEvent { event, .. }: &'i HubEvent) -> About<'i> {
        // How late a replay is says nothing of how quick the function is.
        let happened = event.time.filter(|_| !self.is_replayed);
        About { trace: event.trace.as_ref(), happened, event: Some((&event.id, &event.r#type)) }
    }

    fn origin(&self) -> Vec<KeyValue> {
        let partition = self.messages.first().map(|message| message.position.partition.clone()).unwrap_or_default();
        vec![
            KeyValue::new("messaging.system", "eventhubs"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.destination.name", self.subscription.hub),
            KeyValue::new("messaging.consumer.group.name", self.subscription.consumer_group),
            KeyValue::new("messaging.destination.partition.id", partition),
        ]
    }

    fn came_with(&self, index: usize) -> Option<TraceContext> {
        contoso_json::from_str::<Properties<'_>>(self.messages[index].properties?.get()).ok()?.trace()
    }

    fn dead_letter(&self, index: usize, cause: &Cause) -> DeadLetter {
        let message = &self.messages[index];
        let position = &message.position;
        let mut place = serde_json::to_value(position).unwrap_or_default();
        if !message.is_dated
            && let Some(enqueued) = place.get_mut("enqueued")
        {
            // Else the time of this delivery, which the next would not repeat.
            enqueued.take();
        }
        let record = BadRecord {
            function: self.subscription.function,
            origin: &position.hub,
            part: &position.partition,
            id: (position.sequence >= 0).then(|| position.sequence.to_string()),
            position: place,
            properties: message.properties,
            content_type: message.content_type.as_deref(),
            body: &message.body,
            cause,
        };
        DeadLetter::new(&record, clock::now())
    }
}
