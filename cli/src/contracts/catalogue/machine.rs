//! `events.json`: the same for programs.

use serde_json::{Value, json};

use super::facts::{EventFacts, Facts, VersionFacts, file};

/// What a reader of the file checks first; a change that breaks readers has another.
const FORMAT: u32 = 1;

pub(super) fn list(facts: &Facts<'_>) -> Value {
    json!({ "format": FORMAT, "events": facts.events.iter().map(event).collect::<Vec<_>>() })
}

fn event(event: &EventFacts<'_>) -> Value {
    let contract = event.source.contract;
    let schema: Value = contoso_json::from_str(&event.source.text).unwrap_or_default();
    let examples = event
        .examples
        .iter()
        .map(|example| json!({ "name": example.name, "onHub": example.on_hub, "told": example.travelling }));
    json!({
        "type": contract.event_type,
        "name": contract.name,
        "doc": event.doc,
        "page": file(contract.event_type),
        "hub": contract.hub,
        "partitionKey": contract.key,
        "owner": contract.owner,
        "deprecation": contract.deprecated.map(|deprecation| deprecation.to_json()),
        "toldTo": event.audience(),
        "producers": event.senders,
        "publishers": event.publishers,
        "captureContainer": event.capture,
        "schemaFile": format!("schemas/{}.avsc", contract.path),
        "schema": schema,
        "versions": event.versions.iter().map(|one| version(event, one)).collect::<Vec<_>>(),
        "examples": examples.collect::<Vec<_>>(),
    })
}

fn version(event: &EventFacts<'_>, version: &VersionFacts<'_>) -> Value {
    let is_newest = event.versions.last().is_some_and(|last| last.version.number == version.version.number);
    let consumers =
        event.readers.iter().map(|reader| json!({ "function": reader.function, "consumerGroup": reader.group }));
    json!({
        "version": version.version.number,
        "landed": version.version.landed,
        "breakingReason": version.version.reason,
        "isCurrent": is_newest,
        "producers": if is_newest { event.senders.clone() } else { Vec::new() },
        "consumers": consumers.collect::<Vec<_>>(),
        "changes": version.changes,
    })
}
