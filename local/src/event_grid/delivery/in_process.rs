//! Delivery in process: to queues and hubs of the stack.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde_json::Value;

use super::{context::Delivery, outcome::DeliveryResult, request};
use crate::{
    event_grid::{
        queue::Pending,
        subscription::{QueueLife, Settings},
    },
    event_hubs::{self, Outgoing},
    queues,
};

/// Largest message of an event hub, in bytes.
const MAX_HUB_MESSAGE: usize = 1024 * 1024;
/// The delivery property that chooses the partition.
const PARTITION_KEY: &str = "partitionkey";

/// Puts each event into a queue as Base64 of its JSON.
pub(super) fn to_queue(
    delivery: &Delivery,
    settings: &Settings,
    name: &str,
    life: QueueLife,
    events: &[Pending],
) -> DeliveryResult {
    let put = |event: &Pending| {
        let text = BASE64_STANDARD.encode(&event.body);
        match life {
            QueueLife::Usual => delivery.queues.put(name, text, None),
            QueueLife::For(life) => delivery.queues.put(name, text, Some(life)),
            QueueLife::Forever => delivery.queues.put_forever(name, text),
        }
    };
    let outcome = events.iter().try_for_each(|event| put(event).map(drop));
    let status = match &outcome {
        Ok(()) => StatusCode::CREATED,
        Err(error) => refused(error),
    };
    DeliveryResult::of_status(status.as_u16(), &settings.target.destination)
}

fn refused(error: &queues::Error) -> StatusCode {
    tracing::debug!(error = error as &dyn std::error::Error, "a queue took no event");
    error.code().status()
}

/// Sends each event to a hub as a message of its own, its headers as application properties.
pub(super) fn to_event_hub(
    delivery: &Delivery,
    subscription: &str,
    settings: &Settings,
    name: &str,
    events: &[Pending],
) -> DeliveryResult {
    let send = |event: &Pending| -> Result<(), StatusCode> {
        let hub = delivery.event_hubs.hub(name).ok_or(StatusCode::NOT_FOUND)?;
        let message = message(subscription, settings, event);
        let partition = hub.choose(message.partition_key.as_deref());
        let message = message.encode();
        if message.len() > MAX_HUB_MESSAGE {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match partition.append(&[message]) {
            Ok(_) => Ok(()),
            Err(event_hubs::Error::Malformed { .. }) => Err(StatusCode::BAD_REQUEST),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an event hub took no event");
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    };
    let status = match events.iter().try_for_each(send) {
        Ok(()) => StatusCode::CREATED,
        Err(status) => status,
    };
    DeliveryResult::of_status(status.as_u16(), &settings.target.destination)
}

fn message(subscription: &str, settings: &Settings, event: &Pending) -> Outgoing {
    let mut message = Outgoing { body: event.body.to_vec(), ..Outgoing::default() };
    let headers = request::common_headers("Notification", subscription, event.header.attempts, event.header.schema);
    let mut add = |name: &str, value: &http::HeaderValue| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        message.properties.push((name.to_owned(), value));
    };
    headers.iter().for_each(|(name, value)| add(name.as_str(), value));
    // What cannot be read has no members that a property could be taken from.
    let json: Value = contoso_json::from_slice(&event.body).unwrap_or_default();
    if let Some(Ok(id)) = json.get("id").and_then(Value::as_str).map(http::HeaderValue::from_str) {
        add("aeg-output-event-id", &id);
    }
    let mut key = None;
    for attribute in &settings.target.attributes {
        let Some(value) = attribute.value_for(&json) else { continue };
        if attribute.name.as_str() == PARTITION_KEY {
            key = Some(String::from_utf8_lossy(value.as_bytes()).into_owned());
        } else {
            add(attribute.name.as_str(), &value);
        }
    }
    message.partition_key = key;
    message.content_type = Some("application/json; charset=utf-8".to_owned());
    message
}
