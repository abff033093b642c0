//! The request of one delivery.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::Value;

use crate::event_grid::{
    event::Schema,
    queue::Pending,
    subscription::{Attribute, Batching, Settings},
};

const EVENT_TYPE: HeaderName = HeaderName::from_static("aeg-event-type");
const SUBSCRIPTION_NAME: HeaderName = HeaderName::from_static("aeg-subscription-name");
const DELIVERY_COUNT: HeaderName = HeaderName::from_static("aeg-delivery-count");
const METADATA_VERSION: HeaderName = HeaderName::from_static("aeg-metadata-version");
const DATA_VERSION: HeaderName = HeaderName::from_static("aeg-data-version");

/// Headers and body of the `POST` that carries `events`, which are not empty and share schema and number of attempts.
pub(super) fn delivery(subscription: &str, settings: &Settings, events: &[Pending]) -> (HeaderMap, Bytes) {
    let schema = events.first().map_or(settings.schema, |event| event.header.schema);
    let attempts = events.first().map_or(0, |event| event.header.attempts);
    let batching = settings.target.batching.as_ref();
    let mut headers = common_headers("Notification", subscription, attempts, schema);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(schema, batching)));
    if schema == Schema::EventGrid
        && let Some(version) = events.first().and_then(|event| data_version(&event.body))
    {
        headers.insert(DATA_VERSION, version);
    }
    add_attributes(&mut headers, settings, events);
    (headers, body(schema, batching, events))
}

/// The headers that every call to an endpoint has, handshakes too. `attempts` is what was tried before: the first
/// delivery counts 0.
pub(crate) fn common_headers(event_type: &'static str, subscription: &str, attempts: u32, schema: Schema) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(EVENT_TYPE, HeaderValue::from_static(event_type));
    // A name holds letters, digits and hyphens only, so this does not fail.
    if let Ok(name) = HeaderValue::try_from(subscription.to_uppercase()) {
        headers.insert(SUBSCRIPTION_NAME, name);
    }
    headers.insert(DELIVERY_COUNT, HeaderValue::from(attempts));
    let version = match schema {
        Schema::CloudEvents => "1.0",
        Schema::EventGrid => "1",
    };
    headers.insert(METADATA_VERSION, HeaderValue::from_static(version));
    headers
}

fn content_type(schema: Schema, batching: Option<&Batching>) -> &'static str {
    match (schema, batching) {
        (Schema::CloudEvents, None) => "application/cloudevents+json; charset=utf-8",
        (Schema::CloudEvents, Some(_)) => "application/cloudevents-batch+json; charset=utf-8",
        (Schema::EventGrid, _) => "application/json; charset=utf-8",
    }
}

/// One bare object for a cloud event without batching, an array otherwise.
fn body(schema: Schema, batching: Option<&Batching>, events: &[Pending]) -> Bytes {
    if let (Schema::CloudEvents, None, [event]) = (schema, batching, events) {
        return event.body.clone();
    }
    let mut body = Vec::with_capacity(events.iter().map(|event| event.body.len() + 1).sum::<usize>() + 1);
    for (index, event) in events.iter().enumerate() {
        body.push(if index == 0 { b'[' } else { b',' });
        body.extend_from_slice(&event.body);
    }
    body.push(b']');
    body.into()
}

/// Delivery attributes. In a batch, dynamic ones take the values of the first event: what Azure does is not documented.
fn add_attributes(headers: &mut HeaderMap, settings: &Settings, events: &[Pending]) {
    // Read where a value is taken from it; events may be large, and most attributes are the same for all.
    let is_read = settings.target.attributes.iter().any(Attribute::is_dynamic);
    let first = events.first().filter(|_| is_read);
    let first: Value = first.and_then(|event| contoso_json::from_slice(&event.body).ok()).unwrap_or_default();
    for attribute in &settings.target.attributes {
        if let Some(value) = attribute.value_for(&first) {
            headers.insert(attribute.name.clone(), value);
        }
    }
}

fn data_version(body: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versioned {
        data_version: String,
    }
    let versioned: Versioned = contoso_json::from_slice(body).ok()?;
    HeaderValue::try_from(versioned.data_version).ok()
}
