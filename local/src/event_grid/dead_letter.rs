//! Dead letters: what could not be delivered becomes a blob in the subscription's container, or nothing.
//!
//! As in Azure the blob is written five minutes after the last attempt, with all events that wait for the same by then.
//! Giving up is stored first and the blob's name follows from the first event's place in the queue, so a crash in between
//! writes the same blob again, with no event less.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    delivery::Delivery,
    error::Error,
    event::{Schema, timestamp},
    queue::{Dead, Pending, Position},
    registry::Subscription,
    subscription::Settings,
};
use crate::{
    blobs::{self, PutOptions},
    monitor::Metric,
};

/// Time between the last attempt and the dead letter ("Event Grid message delivery and retry": it saves operations on
/// the storage account).
const WAIT_MILLIS: i64 = 5 * 60 * 1000;
const RETRY_MILLIS: i64 = 30_000;
/// After so long without storage, Azure drops the event.
const DROP_AFTER_MILLIS: i64 = 4 * 3600 * 1000;

/// Ends the delivery of `events`: they are dropped, or marked so that their dead letter is written next. Returns the
/// first position of what stays in the queue.
pub(crate) fn give_up(
    delivery: &Delivery,
    subscription: &Subscription,
    settings: &Settings,
    mut events: Vec<Pending>,
    reason: &str,
) -> Result<Option<Position>, Error> {
    if events.is_empty() {
        return Ok(None);
    }
    if settings.dead_letters.is_none() {
        tracing::warn!(subscription = %subscription.name, reason, events = events.len(), "events dropped: the subscription has no dead-letter destination");
        complete(delivery, &events)?;
        delivery.count(subscription, Metric::Dropped, events.len());
        return Ok(None);
    }
    let now = delivery.clock.now_millis();
    // What is taken together was tried together, or never.
    let last_attempt = events.iter().filter_map(|event| Some(event.header.last.as_ref()?.at_millis)).max();
    for event in &mut events {
        event.header.dead = Some(Dead { reason: reason.to_owned(), at_millis: now });
    }
    delivery.queue.reschedule(&events, last_attempt.map_or(now, |at| now.max(at + WAIT_MILLIS)))
}

/// Writes the dead letters of events that were given up. Returns their new position where storage did not take them.
pub(crate) async fn write(
    delivery: &Arc<Delivery>,
    subscription: &Subscription,
    settings: &Settings,
    events: &[Pending],
) -> Result<Option<Position>, Error> {
    let Some(container) = settings.dead_letters.clone() else {
        // The destination was taken away by an update in between.
        complete(delivery, events)?;
        delivery.count(subscription, Metric::Dropped, events.len());
        return Ok(None);
    };
    let now = delivery.clock.now_millis();
    let given_up = events.iter().filter_map(|event| Some(event.header.dead.as_ref()?.at_millis)).min().unwrap_or(now);
    let name = blob_name(subscription, events);
    let body = Bytes::from(Value::Array(events.iter().map(letter).collect()).to_string());
    match put(delivery, container.clone(), name.clone(), body).await {
        Ok(()) => {
            tracing::warn!(subscription = %subscription.name, container, blob = name, events = events.len(), "events dead-lettered");
            complete(delivery, events)?;
            delivery.count(subscription, Metric::DeadLettered, events.len());
            Ok(None)
        }
        Err(error) if error.is_permanent() || now.saturating_sub(given_up) >= WAIT_MILLIS + DROP_AFTER_MILLIS => {
            tracing::error!(subscription = %subscription.name, container, error = &error as &dyn std::error::Error, "dead letters dropped");
            complete(delivery, events)?;
            delivery.count(subscription, Metric::Dropped, events.len());
            Ok(None)
        }
        Err(error) => {
            tracing::warn!(subscription = %subscription.name, container, error = &error as &dyn std::error::Error, "dead letters wait for storage");
            delivery.queue.reschedule(events, now + RETRY_MILLIS)
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum PutError {
    #[error("the dead letter could not be stored")]
    Blobs(#[from] blobs::Error),
    #[error("the stack is stopping")]
    Stopping(#[from] tokio::task::JoinError),
}

impl PutError {
    /// Azure drops dead letters whose container does not exist.
    fn is_permanent(&self) -> bool {
        matches!(self, Self::Blobs(error) if error.code() == blobs::Code::ContainerNotFound)
    }
}

async fn put(delivery: &Arc<Delivery>, container: String, name: String, body: Bytes) -> Result<(), PutError> {
    let delivery = delivery.clone();
    let options = PutOptions { content_type: Some("application/json".to_owned()), ..PutOptions::default() };
    // The store may wait for the disk.
    tokio::task::spawn_blocking(move || delivery.dead_letters().put(&container, &name, body, options)).await??;
    Ok(())
}

fn complete(delivery: &Delivery, events: &[Pending]) -> Result<(), Error> {
    let done: Vec<_> = events.iter().map(|event| event.position).collect();
    delivery.queue.complete(&done)
}

/// `<SUBSCRIPTION NAME>/<yyyy>/<M>/<d>/<H>/<guid>.json`, numbers not padded; the time is that of the dead letter.
fn blob_name(subscription: &Subscription, events: &[Pending]) -> String {
    let (due, ticket) = events.first().map_or((0, 0), |event| (event.position.due_millis(), event.position.ticket()));
    let at = moment(i64::try_from(due).unwrap_or(i64::MAX));
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{ticket}", subscription.id).as_bytes());
    format!(
        "{}/{}/{}/{}/{}/{id}.json",
        subscription.name.to_uppercase(),
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
    )
}

/// The event with what became of it, in members whose names follow its schema.
fn letter(event: &Pending) -> Value {
    let mut members: Map<String, Value> = contoso_json::from_slice(&event.body).unwrap_or_default();
    let header = &event.header;
    let time = |millis| Value::from(timestamp(moment(millis)));
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            let name = match header.schema {
                Schema::CloudEvents => name.to_lowercase(),
                Schema::EventGrid => name.to_owned(),
            };
            members.insert(name, value);
        }
    };
    let last = header.last.as_ref();
    add("deadLetterReason", header.dead.as_ref().map(|dead| dead.reason.clone().into()));
    add("deliveryAttempts", Some(header.attempts.into()));
    add("lastDeliveryOutcome", last.map(|last| last.outcome.clone().into()));
    add("lastHttpStatusCode", last.and_then(|last| last.status).map(Into::into));
    add("publishTime", Some(time(header.published_millis)));
    add("lastDeliveryAttemptTime", last.map(|last| time(last.at_millis)));
    Value::Object(members)
}

fn moment(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
