//! Events that others published, through a topic to a webhook, record for record: samples of the service in both
//! schemas and the conformance cases of CloudEvents.

use std::path::Path;

use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::{Received, Receiver, Stack, topology, web_hook};

const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";
const SINGLE: &str = "application/cloudevents+json; charset=utf-8";
const EVENT_GRID: &str = "application/json; charset=utf-8";

fn sample(name: &str) -> Value {
    let file = Path::new(env!("REAL_DATA")).join(name);
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// A stack with one webhook a topic, which gets everything in the topic's own schema.
async fn stack_and_webhooks() -> (Stack, Receiver, Receiver) {
    let cloud = Receiver::with_statuses(|_| 200).await;
    let classic = Receiver::answering(|request, _| match request.header("aeg-event-type") {
        "SubscriptionValidation" => {
            let code = &request.json()[0]["data"]["validationCode"];
            axum::Json(json!({ "validationResponse": code })).into_response()
        }
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let own = json!({ "eventDeliverySchema": "EventGridSchema" });
    let stack = Stack::with(topology(json!([
        { "name": "cloud-hook", "source": { "topic": "orders" }, "properties": web_hook(&cloud.url, json!({})) },
        { "name": "classic-hook", "source": { "topic": "classic" }, "properties": web_hook(&classic.url, own) },
    ])))
    .await;
    (stack, cloud, classic)
}

/// The events of a document: itself, or its elements.
fn events(document: &Value) -> Vec<Value> {
    document.as_array().cloned().unwrap_or_else(|| vec![document.clone()])
}

fn sorted(mut events: Vec<Value>) -> Vec<String> {
    events.sort_by_key(ToString::to_string);
    events.iter().map(ToString::to_string).collect()
}

/// Publishes documents of cloud events and sees each of their events arrive as it was.
async fn pass_unchanged(documents: &[Value]) {
    let (stack, webhook, _) = stack_and_webhooks().await;
    let mut sent = Vec::new();
    for document in documents {
        let content_type = if document.is_array() { BATCH } else { SINGLE };
        let answer = stack.publish("orders", content_type, document.to_string()).await;
        assert_eq!(answer.status(), 200, "{document}");
        sent.extend(events(document));
    }
    let deliveries = webhook.delivered(sent.len()).await;
    assert_eq!(sorted(deliveries.iter().map(Received::json).collect()), sorted(sent));
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn cloud_event_samples_of_the_service_arrive_unchanged() {
    let names = [
        "azure-docs/BlobCreated-cloudevents",
        "azure-docs/BlobTierChanged-cloudevents",
        "functions-quickstart/BlobCreated-cloudevents-template",
    ];
    pass_unchanged(&names.map(|name| sample(&format!("eventgrid-events/{name}.json")))).await;
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn conformance_cases_of_cloud_events_arrive_unchanged() {
    let mut documents: Vec<Value> = Vec::new();
    for (file, member) in [("valid-events", "event"), ("valid-batches", "batch")] {
        let cases = sample(&format!("cloudevents/conformance/format-json/{file}.json"));
        documents.extend(cases["tests"].as_array().expect("cases").iter().map(|case| case[member].clone()));
    }
    for example in ["json-format-02", "json-format-04", "spec-00"] {
        documents.push(sample(&format!("cloudevents/spec/examples/{example}.json")));
    }
    assert!(documents.len() >= 17, "{} documents", documents.len());
    pass_unchanged(&documents).await;
}

/// An ellipsis where base64 should be, alone and in a batch, of which then nothing is taken.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn examples_that_are_no_events_are_refused() {
    let (stack, webhook, _) = stack_and_webhooks().await;
    for (example, content_type) in [("json-format-00", SINGLE), ("json-format-06", BATCH)] {
        let document = sample(&format!("cloudevents/spec/examples/{example}.json"));
        let answer = stack.publish("orders", content_type, document.to_string()).await;
        assert_eq!(answer.status(), 400, "{example}");
        let error: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        assert!(error["error"]["message"].as_str().expect("text").contains("data_base64"), "{error}");
    }
    stack.publish_order("marker", json!(1)).await;
    let deliveries = webhook.delivered(1).await;
    assert_eq!(deliveries[0].json()["id"], "marker");
    assert_eq!(deliveries.len(), 1);
}

/// Samples in the Event Grid schema name the topic of the account they come from. As they are they are refused; without it
/// they arrive with the topic's own id and nothing else changed.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn event_grid_samples_of_the_service_arrive_under_the_topic_they_were_sent_to() {
    let (stack, _, webhook) = stack_and_webhooks().await;
    let topic = stack.grid.topic_id("classic").expect("a topic");
    let mut expected = Vec::new();
    for file in [
        "azure-sdk-for-java/StorageBlobCreatedEvent",
        "azure-sdk-for-java/MultipleEventsInSameBatch",
        "azure-sdk-for-java/EventHubCaptureFileCreatedEvent",
    ] {
        let document = sample(&format!("eventgrid-events/{file}.json"));
        let answer = stack.publish("classic", EVENT_GRID, document.to_string()).await;
        assert_eq!(answer.status(), 400, "{file}");
        let mut events = events(&document);
        for event in &mut events {
            event.as_object_mut().expect("an object").remove("topic");
        }
        let answer = stack.publish("classic", EVENT_GRID, json!(events).to_string()).await;
        assert_eq!(answer.status(), 200, "{file}: {}", answer.text().await.expect("text"));
        for mut event in events {
            event["topic"] = json!(topic);
            event["metadataVersion"] = json!("1");
            if event.get("dataVersion").is_none() {
                event["dataVersion"] = json!("");
            }
            expected.push(event);
        }
    }
    // The service's own handshake has no subject, which publishers must give.
    let handshake = sample("eventgrid-events/azure-docs/SubscriptionValidationEvent.json");
    let answer = stack.publish("classic", EVENT_GRID, handshake.to_string()).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.expect("text").contains("subject"));
    let deliveries = webhook.delivered(expected.len()).await;
    let delivered = deliveries.iter().flat_map(|delivery| events(&delivery.json())).collect();
    assert_eq!(sorted(delivered), sorted(expected));
}
