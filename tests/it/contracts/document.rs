//! `schemas/asyncapi.json`, read by the specification's own parser, and held against what the app sends.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contoso_handlers::{events::contracts, function::Trigger, registry};
use contoso_local::{event_hubs::Value as Property, stack::Stack, topology::Topology};
use serde_json::{Value, json};

use super::avro::understood;
use crate::support::{Inside, eventually, javascript};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/asyncapi.json");

/// The document as it lies there.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&std::fs::read(FILE).expect("the document")).expect("JSON"));

/// Every event of the app's own on the hubs of a stack stands in the document, on the channel of its hub. Asked at the end of each test that
/// looks into its stack, so that whatever the app sends in any of them is asked for.
pub(crate) fn has_what_is_on(stack: &Stack) {
    for (hub, event_type, headers) in on_hubs(stack) {
        let message = &DOCUMENT["channels"][&hub]["messages"][&event_type];
        assert!(message.is_object(), "schemas/asyncapi.json has no {event_type} on {hub}");
        let known = &message["headers"]["properties"];
        for name in &headers {
            assert!(known[name].is_object(), "schemas/asyncapi.json: {event_type} on {hub} has the attribute {name}");
        }
        for name in message["headers"]["required"].as_array().expect("a list") {
            assert!(headers.contains(name.as_str().expect("text")), "{event_type} on {hub} has no {name}");
        }
    }
}

/// Hub, type and attributes of each event there that the app sent.
fn on_hubs(stack: &Stack) -> Vec<(String, String, BTreeSet<String>)> {
    let hubs = DOCUMENT["channels"].as_object().expect("channels").keys();
    let mut found = Vec::new();
    for hub in hubs.filter_map(|name| stack.event_hubs().hub(name)) {
        for partition in hub.partitions() {
            for event in partition.read(0, 200, 1 << 20).unwrap_or_default() {
                let Ok(event) = event.decode() else { continue };
                let text = |name: &str| match event.properties.get(name) {
                    Some(Property::String(text)) => text.clone(),
                    _ => String::new(),
                };
                if !text("cloudEvents:source").starts_with("/contoso/") {
                    continue;
                }
                let names = event.properties.keys().map(ToString::to_string);
                let attributes = names.filter(|name| name.starts_with("cloudEvents:")).collect();
                found.push((hub.name().to_owned(), text("cloudEvents:type"), attributes));
            }
        }
    }
    found
}

/// fastavro and avsc read each body by the schema of its type.
fn generic_readers_understand(stack: &Stack) {
    let mut items = Vec::new();
    for contract in contracts::ALL {
        let hub = stack.event_hubs().hub(contract.hub).expect("its hub");
        for partition in hub.partitions() {
            for event in partition.read(0, 200, 1 << 20).expect("the log") {
                let event = event.decode().expect("a message");
                let is_of_type =
                    event.properties.get("cloudEvents:type") == Some(&Property::String(contract.event_type.to_owned()));
                if is_of_type {
                    items.push(json!({ "schema": contract.schema, "bytes": BASE64_STANDARD.encode(&event.body) }));
                }
            }
        }
    }
    let read = understood(&items);
    assert!(read.len() >= 3 && read.iter().all(|event| event["data"]["productId"] == "rope"), "{read:?}");
}

/// Hubs, groups and types as topology, registry and contracts have them, in the eyes of the parser.
#[test]
fn the_parser_reads_every_hub_group_and_event() {
    let said = javascript::contracts("asyncapi.mjs", &[FILE], "");
    let read: Value = serde_json::from_str(&said).expect("JSON");
    let topology = Topology::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json"))).expect("it");
    let channels = read["channels"].as_object().expect("channels");
    assert_eq!(channels.len(), topology.event_hubs.hubs.len() + topology.event_grid.topics.len());
    for hub in &topology.event_hubs.hubs {
        let messages = channels[&hub.name]["messages"].as_array().expect("messages");
        let ids: BTreeSet<_> = messages.iter().map(|message| message["id"].as_str().expect("text")).collect();
        let sent = contracts::ALL.into_iter().filter(|contract| contract.hub == hub.name);
        assert_eq!(ids, sent.map(|contract| contract.event_type).collect(), "{}", hub.name);
        for message in messages {
            assert_eq!((&message["isAvro"], &message["payload"]), (&json!(true), &json!("object")), "{message}");
        }
    }
    for contract in contracts::ALL.into_iter().filter(|contract| contract.audience.is_some()) {
        let is_told = |message: &Value| message["id"] == contract.event_type && message["isAvro"] == false;
        assert!(
            channels["partners-topic"]["messages"].as_array().expect("messages").iter().any(is_told),
            "{}",
            contract.event_type
        );
    }
    for function in registry::functions() {
        let Trigger::EventHub { hub, consumer_group, .. } = function.trigger else { continue };
        let operation = &read["operations"][format!("{}.receive.{hub}", function.name)];
        assert_eq!(
            (&operation["action"], &operation["channels"]),
            (&json!("receive"), &json!([hub])),
            "{}",
            function.name
        );
        let own = &DOCUMENT["operations"][format!("{}.receive.{hub}", function.name)];
        assert_eq!(own["x-consumer-group"], consumer_group);
        for message in own["messages"].as_array().expect("messages") {
            let reference = message["$ref"].as_str().expect("a reference");
            assert!(reference.starts_with(&format!("#/channels/{hub}/messages/")), "{reference}");
        }
    }
}

/// What the app sends in the course of a product's life and of a visit, and what partners hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_sends_stands_in_the_document() {
    let shop = Inside::start().await;
    let body = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "10.00", "currency": "EUR"}});
    shop.put("rope", &body).await;
    let functions = shop.stack.endpoints().functions.clone();
    let clicks = shop.http.post(format!("{functions}/api/clicks")).json(&json!([{ "productId": "rope" }]));
    assert!(clicks.send().await.expect("an answer").status().is_success());
    eventually("the product announced", || async {
        let found = on_hubs(&shop.stack);
        if found.iter().any(|(hub, ..)| hub == "products") { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    let ended = shop.http.delete(format!("{functions}/api/products/rope")).send().await.expect("an answer");
    assert!(ended.status().is_success(), "{}", ended.status());
    let wanted =
        ["com.contoso.click.recorded.v1", "com.contoso.product.changed.v1", "com.contoso.product.discontinued.v1"];
    eventually("all three on their hubs", || async {
        let types: BTreeSet<_> = on_hubs(&shop.stack).into_iter().map(|(_, event_type, _)| event_type).collect();
        if wanted.iter().all(|wanted| types.contains(*wanted)) { Ok(()) } else { Err(format!("{types:?}")) }
    })
    .await;
    generic_readers_understand(&shop.stack);
    let told = format!("{}/partner?format=json", shop.stack.endpoints().site);
    let told = eventually("both told to the partner", || async {
        let inbox: Value = shop.http.get(&told).send().await.expect("an answer").json().await.expect("JSON");
        if inbox["count"].as_u64() >= Some(2) { Ok(inbox) } else { Err(inbox.to_string()) }
    })
    .await;
    for event in told["events"].as_array().expect("a list") {
        let event_type = event["type"].as_str().expect("text");
        assert!(DOCUMENT["channels"]["partners-topic"]["messages"][event_type].is_object(), "{event}");
    }
    shop.stop().await;
}
