//! The AsyncAPI 3 document: every hub and the Event Grid topic as channels, who sends and who receives as operations.
//!
//! What is on a hub is Avro, what partners and operators get is JSON: two messages of one type, each on its channel. It is made of the
//! contract table, the topology and the registry of functions; what partners get is taken from `schemas/openapi.json`, which tests hold
//! against the program.

mod components;
mod messages;

use serde_json::{Map, Value, json};

use self::{components::Components, messages::Messages};
use super::{
    flows::{Flows, Reader},
    sources::Sources,
};

/// The document of a checkout, as it lies in `schemas/asyncapi.json`.
///
/// # Errors
/// When an example is not valid, or the OpenAPI document lacks what the program sends.
pub fn document(sources: &Sources) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&made(sources)?)? + "\n")
}

fn made(sources: &Sources) -> anyhow::Result<Value> {
    let flows = Flows::new(&sources.topology);
    let mut components = Components::of(sources);
    let messages = Messages::of(sources, &mut components)?;
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for hub in flows.hubs() {
        let on_hub = messages.of_hub(&hub.name);
        let mut channel = json!({
            "address": hub.name,
            "title": format!("Hub {}", hub.name),
            "description": format!(
                "Events of one key stay in order. Kept for {} hours.{}",
                hub.retention_hours,
                hub.capture.as_ref().map(|capture| format!(" Captured to the blob container {}.", capture.container)).unwrap_or_default(),
            ),
            "servers": [{ "$ref": "#/servers/hubs" }],
            "messages": on_hub,
            "x-partitions": hub.partitions,
            "x-consumer-groups": hub.consumer_groups,
        });
        if let Some(capture) = &hub.capture {
            channel["x-capture-container"] = capture.container.as_str().into();
        }
        let references = references(&hub.name, &on_hub);
        channels.insert(hub.name.clone(), channel);
        if on_hub.is_empty() {
            continue;
        }
        for function in flows.senders(&hub.name) {
            let operation =
                operation("send", &hub.name, format!("{function} sends to the hub {}.", hub.name), &references);
            operations.insert(format!("{function}.send.{}", hub.name), operation);
        }
        for Reader { function, group } in flows.readers(&hub.name) {
            let summary = format!("{function} reads the hub {} as the consumer group {group}.", hub.name);
            let mut operation = operation("receive", &hub.name, summary, &references);
            operation["x-consumer-group"] = group.into();
            operations.insert(format!("{function}.receive.{}", hub.name), operation);
        }
    }
    for topic in &sources.topology.event_grid.topics {
        let name = format!("{}-topic", topic.name);
        let on_topic = messages.of_topic();
        let references = references(&name, &on_topic);
        let channel = json!({
            "address": format!("/topics/{}/api/events", topic.name),
            "title": format!("Event Grid topic {}", topic.name),
            "description": "Structured CloudEvents with JSON data. Subscriptions deliver them to webhooks, at least once and in no order; schemas/openapi.json has the deliveries and how they are subscribed to.",
            "servers": [{ "$ref": "#/servers/topics" }],
            "messages": on_topic,
            "x-input-schema": topic.input_schema,
        });
        channels.insert(name.clone(), channel);
        for function in flows.publishers(&topic.name) {
            let operation =
                operation("send", &name, format!("{function} publishes on the topic {}.", topic.name), &references);
            operations.insert(format!("{function}.send.{name}"), operation);
        }
    }
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Contoso Events",
            "version": "1",
            "description": "What is on the hubs of the shop, and what partners and operators are told. Made by `contoso schemas asyncapi`; do not edit.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "hubs": {
                "host": "{namespace}.servicebus.windows.net",
                "protocol": "amqps",
                "protocolVersion": "1.0",
                "description": "Event Hubs. Its schema registry has the Avro schemas, at https and the same host.",
                "variables": { "namespace": { "default": sources.topology.event_hubs.namespace } },
            },
            "topics": {
                "host": "{topic}.eventgrid.azure.net",
                "protocol": "https",
                "description": "Event Grid. The host of a custom topic has its region in it.",
                "variables": { "topic": { "default": "partners" } },
            },
        },
        "channels": channels,
        "operations": operations,
        "components": { "schemas": components.into_schemas() },
    }))
}

/// Messages of an operation are named through its channel, never by themselves.
fn references(channel: &str, messages: &Map<String, Value>) -> Value {
    messages.keys().map(|message| json!({ "$ref": format!("#/channels/{channel}/messages/{message}") })).collect()
}

fn operation(action: &str, channel: &str, summary: String, messages: &Value) -> Value {
    json!({ "action": action, "channel": { "$ref": format!("#/channels/{channel}") }, "summary": summary, "messages": messages })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::Project;

    #[test]
    fn the_document_in_the_checkout_is_what_would_be_made() {
        let project = Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the checkout");
        let made = document(&Sources::read(&project).expect("the sources")).expect("a document");
        let kept = std::fs::read_to_string(project.schemas().join("asyncapi.json")).unwrap_or_default();
        assert!(made == kept, "schemas/asyncapi.json is not up to date: run `contoso schemas asyncapi`");
    }
}
