//! Resource representation of a subscription: defaults written out, secrets hidden.

use serde_json::{Map, Value, json};

use super::Record;
use crate::event_grid::{event::Schema, names::Source};

/// Where a member of the destination may be: written plainly or with an identity.
const DESTINATIONS: [&str; 2] = ["/destination/properties", "/deliveryWithResourceIdentity/destination/properties"];

/// The `properties` of a `GET`: no full URL, no secret attribute; those have their own calls.
pub(crate) fn shown(record: &Record, topic: &str, input: Schema) -> Value {
    let mut shown = record.properties().clone();
    for pointer in DESTINATIONS {
        if let Some(Value::Object(destination)) = shown.pointer_mut(pointer) {
            hide(destination);
        }
    }
    let Value::Object(members) = &mut shown else { return shown };
    members.insert("topic".to_owned(), topic.into());
    members.insert("provisioningState".to_owned(), record.state.name().into());
    default(members, "labels", || Value::Null);
    default(members, "eventDeliverySchema", || input.name().into());
    default(members, "filter", || json!({}));
    default(members, "retryPolicy", || json!({}));
    if let Some(Value::Object(filter)) = members.get_mut("filter") {
        default(filter, "includedEventTypes", || match record.source {
            Source::Storage => json!(["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"]),
            Source::EventHubs => json!(["Microsoft.EventHub.CaptureFileCreated"]),
            Source::Topic(_) => Value::Null,
        });
        default(filter, "subjectBeginsWith", || "".into());
        default(filter, "subjectEndsWith", || "".into());
    }
    if let Some(Value::Object(policy)) = members.get_mut("retryPolicy") {
        default(policy, "maxDeliveryAttempts", || 30.into());
        default(policy, "eventTimeToLiveInMinutes", || 1440.into());
    }
    shown
}

fn default(members: &mut Map<String, Value>, name: &str, value: impl FnOnce() -> Value) {
    if members.get(name).is_none_or(Value::is_null) {
        members.insert(name.to_owned(), value());
    }
}

fn hide(destination: &mut Map<String, Value>) {
    if let Some(url) = destination.get("endpointUrl").and_then(Value::as_str) {
        let base = url.split_once('?').map_or(url, |(base, _)| base).to_owned();
        destination.insert("endpointBaseUrl".to_owned(), base.into());
        destination.insert("endpointUrl".to_owned(), Value::Null);
    }
    if let Some(Value::Array(attributes)) = destination.get_mut("deliveryAttributeMappings") {
        for attribute in attributes {
            if let Some(Value::Object(properties)) = attribute.pointer_mut("/properties")
                && properties.get("isSecret") == Some(&Value::Bool(true))
            {
                properties.insert("value".to_owned(), "Hidden".into());
            }
        }
    }
}

/// The answer of `getFullUrl`; `None` where the destination has no URL.
pub(crate) fn full_url(record: &Record) -> Option<Value> {
    DESTINATIONS
        .iter()
        .find_map(|pointer| record.properties().pointer(pointer)?.get("endpointUrl"))
        .map(|url| json!({ "endpointUrl": url }))
}

/// The answer of `getDeliveryAttributes`, secrets included.
pub(crate) fn delivery_attributes(record: &Record) -> Value {
    let attributes =
        DESTINATIONS.iter().find_map(|pointer| record.properties().pointer(pointer)?.get("deliveryAttributeMappings"));
    json!({ "value": attributes.cloned().unwrap_or_else(|| json!([])) })
}
