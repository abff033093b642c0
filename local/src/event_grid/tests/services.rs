//! Delivery to queues and hubs of the stack.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};

use super::support::{Receiver, Stack, plain, until};
use crate::event_hubs::{EventData, Value as AmqpValue};

fn queue(name: &str, more: Value) -> Value {
    let mut properties = json!({ "resourceId": "/subscriptions/0", "queueName": name });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    json!({
        "destination": { "endpointType": "StorageQueue", "properties": properties },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "deadLetterDestination": { "endpointType": "StorageBlob", "properties": { "blobContainerName": "dead" } },
        "retryPolicy": { "maxDeliveryAttempts": 2, "eventTimeToLiveInMinutes": 60 },
    })
}

#[tokio::test]
async fn a_queue_gets_each_event_as_base64_of_its_json() {
    let stack = Stack::start().await;
    assert_eq!(
        stack.subscribe("to-queue", queue("work", json!({ "queueMessageTimeToLiveInSeconds": 300 }))).await["status"],
        "Succeeded"
    );
    stack.publish_order("1", json!({ "total": 1.5 })).await;
    let queues = &stack.doors.0;
    let message = until("the message", || async { queues.peek("work", 1).expect("a queue").pop() }).await;
    let event: Value = serde_json::from_slice(&BASE64_STANDARD.decode(&message.text).expect("Base64")).expect("JSON");
    assert_eq!((&event["id"], &event["data"]), (&json!("1"), &json!({ "total": 1.5 })));
    assert_eq!(message.expires - message.inserted, Duration::from_secs(300));

    // What is larger than a message goes to the dead letters after one attempt; it would never fit.
    stack.publish_order("2", json!({ "text": "x".repeat(60_000) })).await;
    until("the attempt", || async { (stack.grid.attempts("to-queue").len() == 2).then_some(()) }).await;
    stack.clock.advance(Duration::from_secs(301));
    let letters = until("the dead letter", || async {
        let letters = stack.blobs.list("dead", "").expect("a list");
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    let letter = stack.blobs.get("dead", &letters[0].0).expect("read").expect("there");
    let letter: Value = serde_json::from_slice(&letter.body).expect("JSON");
    assert_eq!(
        (&letter[0]["lastdeliveryoutcome"], &letter[0]["deliveryattempts"]),
        (&json!("PayloadTooLarge"), &json!(1))
    );
}

#[tokio::test]
async fn a_queue_that_is_missing_is_tried_again() {
    let stack = Stack::start().await;
    stack.subscribe("early", queue("late", json!({}))).await;
    stack.publish_order("1", json!({})).await;
    let attempts = |count: usize| {
        let grid = &stack.grid;
        until(
            "the attempt",
            move || async move { (grid.attempts("early").len() == count).then(|| grid.attempts("early")) },
        )
    };
    assert_eq!(attempts(1).await[0].status, Some(404));
    stack.doors.0.create("late").expect("created");
    // A resource that was not found is left alone for five minutes.
    stack.clock.advance(Duration::from_secs(331));
    assert_eq!(attempts(2).await[1].outcome, "Delivered");
    assert_eq!(stack.doors.0.count("late").expect("a count"), 1);
}

#[tokio::test]
async fn a_hub_gets_each_event_with_its_headers_as_properties() {
    let stack = Stack::start().await;
    let hub = "/subscriptions/0/resourceGroups/local/providers/Microsoft.EventHub/namespaces/contoso/eventhubs/orders";
    let subscription = json!({
        "destination": { "endpointType": "EventHub", "properties": { "resourceId": hub, "deliveryAttributeMappings": [
            { "name": "X-Kind", "type": "Static", "properties": { "value": "order", "isSecret": false } },
            { "name": "PartitionKey", "type": "Dynamic", "properties": { "sourceField": "subject" } } ] } },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
    });
    assert_eq!(stack.subscribe("to-hub", subscription).await["status"], "Succeeded");
    stack.publish_order("7", json!({ "total": 2 })).await;
    let hub = stack.doors.1.hub("orders").expect("the hub");
    let partition = hub.choose(Some("7"));
    let stored =
        until("the event", || async { partition.read(0, 10, usize::MAX).expect("read").into_iter().next() }).await;
    let event: EventData = stored.decode().expect("well formed");
    let json: Value = serde_json::from_slice(&event.body).expect("JSON");
    assert_eq!((&json["id"], &json["type"]), (&json!("7"), &json!("com.example.order.placed")));
    assert_eq!(event.partition_key.as_deref(), Some("7"));
    let property = |name: &str| event.properties.get(name).and_then(AmqpValue::as_text).map(str::to_owned);
    assert_eq!(property("x-kind").as_deref(), Some("order"));
    assert_eq!(property("aeg-event-type").as_deref(), Some("Notification"));
    assert_eq!(property("aeg-subscription-name").as_deref(), Some("TO-HUB"));
    assert_eq!(property("aeg-output-event-id").as_deref(), Some("7"));
}

#[tokio::test]
async fn a_blob_trigger_of_the_app_is_reached_by_its_path() {
    let stack = Stack::start().await;
    let to = |url: &str| {
        json!({ "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": url } },
            "eventDeliverySchema": "CloudEventSchemaV1_0" })
    };
    let path = "/runtime/webhooks/blobs?functionName=Host.Functions.OnBlob";
    let url = format!("{{functionApp}}{path}");
    assert_eq!(stack.subscribe("blobs", to(&url)).await["status"], "Succeeded", "the app needs no handshake");
    for elsewhere in ["{functionApp}//partner.example/", "{functionApp}/admin/functions/Tick", "{functionApp}"] {
        let body = json!({ "properties": to(elsewhere) });
        let (status, _, shown) = stack.call(Method::PUT, &stack.subscription_url("elsewhere"), Some(body)).await;
        assert_eq!(status, 400, "{shown}");
    }
    let host = Receiver::answering(|_, _| plain(202)).await;
    let mut base = host.url.clone();
    base.set_query(Some("eventgrid_extension=other&blobs_extension=k"));
    stack.grid.set_function_app(base);
    stack.publish_order("1", json!({})).await;
    assert_eq!(host.delivered(1).await[0].uri, format!("{path}&code=k"));
}

#[tokio::test]
async fn impossible_destinations_are_refused() {
    let stack = Stack::start().await;
    let wrong = [
        json!({ "endpointType": "StorageQueue", "properties": { "resourceId": "/x", "queueName": "No Queue" } }),
        json!({ "endpointType": "StorageQueue", "properties": { "queueName": "work", "queueMessageTimeToLiveInSeconds": 0 } }),
        json!({ "endpointType": "EventHub", "properties": { "resourceId": "/subscriptions/0" } }),
        json!({ "endpointType": "ServiceBusQueue", "properties": { "resourceId": "/subscriptions/0" } }),
    ];
    for destination in wrong {
        let body = json!({ "properties": { "destination": destination } });
        let (status, _, shown) = stack.call(Method::PUT, &stack.subscription_url("wrong"), Some(body)).await;
        assert!(status.is_client_error() || status.as_u16() == 501, "{shown}");
    }
}
