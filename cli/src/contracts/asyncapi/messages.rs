//! The messages of the channels.

use anyhow::{Context as _, Result};
use contoso_handlers::events::contracts::PARTNERS;
use serde_json::{Map, Value, json};

use super::{
    super::{
        avro,
        sources::{Source, Sources},
    },
    components::Components,
};

/// The version of Avro's format of schemas that AsyncAPI names.
const AVRO: &str = "application/vnd.apache.avro;version=1.9.0";

pub(super) struct Messages<'a> {
    on_hubs: Vec<(&'a Source, Value)>,
    on_topic: Map<String, Value>,
}

impl<'a> Messages<'a> {
    pub(super) fn of(sources: &'a Sources, components: &mut Components<'_>) -> Result<Self> {
        let mut on_hubs = Vec::with_capacity(sources.events.len());
        let mut on_topic = Map::new();
        let told = components.told();
        for source in &sources.events {
            on_hubs.push((source, on_hub(source)?));
            let Some(audience) = source.contract.audience else { continue };
            let event_type = source.contract.event_type;
            let payload = match told.iter().find(|(told, _)| *told == event_type) {
                Some((_, schema)) => components.take(schema)?,
                None => enveloped(source, components.make(source)),
            };
            on_topic.insert(event_type.to_owned(), on_the_topic(source, audience, &payload)?);
        }
        // Notices to one partner have no contract: they are on no hub.
        for (event_type, schema) in told {
            if on_topic.contains_key(event_type) {
                continue;
            }
            let message = json!({
                "name": event_type,
                "title": schema,
                "summary": "To one partner, about its own subscriptions. It is on no hub.",
                "contentType": "application/cloudevents+json",
                "payload": components.take(schema)?,
            });
            on_topic.insert(event_type.to_owned(), message);
        }
        Ok(Self { on_hubs, on_topic })
    }

    pub(super) fn of_hub(&self, hub: &str) -> Map<String, Value> {
        let of_hub = self.on_hubs.iter().filter(|(source, _)| source.contract.hub == hub);
        of_hub.map(|(source, message)| (source.contract.event_type.to_owned(), message.clone())).collect()
    }

    pub(super) fn of_topic(&self) -> Map<String, Value> {
        self.on_topic.clone()
    }
}

fn on_hub(source: &Source) -> Result<Value> {
    let contract = source.contract;
    let schema: Value =
        contoso_json::from_str(&source.text).with_context(|| format!("the schema of {}", contract.event_type))?;
    let mut message = json!({
        "name": contract.event_type,
        "title": avro::short(contract.name),
        "summary": summary(source),
        "description": "A CloudEvent in binary mode: attributes are application properties, the body is bare Avro, and the content type is `avro/binary+<schema id>`, the id of the schema in the registry.",
        "contentType": "avro/binary",
        "tags": [{ "name": contract.owner }],
        "headers": headers(contract.event_type),
        "payload": { "schemaFormat": AVRO, "schema": schema },
        "x-owner": contract.owner,
        "x-partition-key": contract.key,
        "x-schema-name": contract.name,
    });
    if let Some(deprecation) = contract.deprecated {
        message["x-deprecation"] = deprecation.to_json();
    }
    Ok(message)
}

fn on_the_topic(source: &Source, audience: &str, payload: &Value) -> Result<Value> {
    let contract = source.contract;
    let examples = source.valid.iter().map(|example| {
        let data = source
            .travelling(example)
            .with_context(|| format!("example {} of {}", example.name, contract.event_type))?;
        Ok(json!({ "name": example.name, "payload": example_of(contract.event_type, audience, data) }))
    });
    Ok(json!({
        "name": contract.event_type,
        "title": avro::short(contract.name),
        "summary": summary(source),
        "contentType": "application/cloudevents+json",
        "tags": [{ "name": contract.owner }],
        "payload": payload,
        "examples": examples.collect::<Result<Vec<_>>>()?,
        "x-owner": contract.owner,
        "x-audience": if audience == PARTNERS { "partners" } else { audience },
    }))
}

fn summary(source: &Source) -> String {
    let doc = source.schema.name().and_then(|name| source.schema.named(name)).and_then(|named| named.doc.as_deref());
    doc.unwrap_or(source.contract.name).to_owned()
}

/// A whole event of which `data` is an example.
fn example_of(event_type: &str, audience: &str, data: Value) -> Value {
    let subject = ["productId", "scope"].iter().find_map(|name| data[*name].as_str()).unwrap_or("example").to_owned();
    json!({
        "specversion": "1.0", "id": "0196f5e2-0000-7000-8000-000000000001", "source": "/contoso", "type": event_type, "subject": subject,
        "time": "2026-01-05T10:00:00Z", "datacontenttype": "application/json", "audience": audience, "partitionkey": subject,
        "data": data,
    })
}

/// The CloudEvents attributes on a hub.
fn headers(event_type: &str) -> Value {
    let attribute = |doc: &str, more: Value| {
        let mut schema = json!({ "type": "string", "description": doc });
        if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
            schema.extend(more);
        }
        schema
    };
    json!({
        "type": "object",
        "required": ["cloudEvents:specversion", "cloudEvents:id", "cloudEvents:source", "cloudEvents:type"],
        "properties": {
            "cloudEvents:specversion": attribute("Version of CloudEvents.", json!({ "const": "1.0" })),
            "cloudEvents:id": attribute("The same in each delivery of the event: with the source it tells a repeat.", json!({ "minLength": 1 })),
            "cloudEvents:source": attribute("Who tells it.", json!({ "format": "uri-reference", "minLength": 1 })),
            "cloudEvents:type": attribute("The event's type.", json!({ "const": event_type })),
            "cloudEvents:subject": attribute("What it is about.", json!({})),
            "cloudEvents:time": attribute("When it happened.", json!({ "format": "date-time" })),
            "cloudEvents:dataschema": attribute("Where its schema is registered.", json!({ "format": "uri" })),
            "cloudEvents:partitionkey": attribute("What orders it among others.", json!({})),
            "cloudEvents:sequence": attribute("Of one key, the higher is the later; digits of one length.", json!({})),
            "cloudEvents:traceparent": attribute("The span that caused it (W3C Trace Context).", json!({})),
            "cloudEvents:tracestate": attribute("Goes with traceparent.", json!({})),
        },
    })
}

/// A CloudEvent with such data.
fn enveloped(source: &Source, data: Value) -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type", "datacontenttype", "audience", "data"],
        "properties": {
            "specversion": { "type": "string", "const": "1.0" },
            "id": { "type": "string", "minLength": 1 },
            "source": { "type": "string", "format": "uri-reference" },
            "type": { "type": "string", "const": source.contract.event_type },
            "subject": text,
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": { "type": "string", "const": "application/json" },
            "audience": { "type": "string", "const": source.contract.audience },
            "partitionkey": text,
            "sequence": text,
            "traceparent": text,
            "tracestate": text,
            "data": data,
        },
    })
}
