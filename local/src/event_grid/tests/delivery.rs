//! Delivery: form, retries, dead letters, restart, isolation.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::support::{Receiver, Stack, agreement, plain, topology, until, web_hook};
use crate::blobs::{Api, BlobCreated};

fn dead_letters(container: &str) -> Value {
    json!({ "endpointType": "StorageBlob", "properties": { "resourceId": "/any", "blobContainerName": container } })
}

/// The events in the dead-letter blobs of `container`, with the blobs' names.
async fn buried(stack: &Stack, container: &str, count: usize) -> Vec<(String, Value)> {
    until("dead letters", || async {
        let blobs = stack.blobs.list(container, "").expect("a container");
        let events: Vec<_> = blobs
            .into_iter()
            .flat_map(|(name, _)| {
                let blob = stack.blobs.get(container, &name).expect("readable").expect("there");
                let events: Vec<Value> = serde_json::from_slice(&blob.body).expect("an array");
                events.into_iter().map(move |event| (name.clone(), event))
            })
            .collect();
        (events.len() >= count).then_some(events)
    })
    .await
}

#[tokio::test]
async fn a_delivery_has_the_documented_form() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 204).await;
    let destination = json!({ "endpointType": "WebHook", "properties": {
        "endpointUrl": format!("{}?k=s3cret", partner.url),
        "deliveryAttributeMappings": [
            { "name": "X-Partner-Key", "type": "Static", "properties": { "value": "abc", "isSecret": true } },
            { "name": "X-Total", "type": "Dynamic", "properties": { "sourceField": "data.total" } },
            { "name": "X-Missing", "type": "Dynamic", "properties": { "sourceField": "data.nothing" } },
        ] } });
    stack.subscribe("acme-orders", web_hook(&partner.url, json!({ "destination": destination }))).await;
    let text = r#"{"type":"t","specversion":"1.0","id":"1","source":"/s","data":{"total":12.50}}"#;
    assert_eq!(stack.publish("orders", "application/cloudevents-batch+json", format!("[{text}]")).await.status(), 200);
    let delivery = partner.delivered(1).await.remove(0);
    assert_eq!(delivery.body, text, "one bare object, as published");
    assert_eq!(delivery.uri, "/hook?k=s3cret");
    for (name, value) in [
        ("content-type", "application/cloudevents+json; charset=utf-8"),
        ("aeg-event-type", "Notification"),
        ("aeg-subscription-name", "ACME-ORDERS"),
        ("aeg-delivery-count", "0"),
        ("aeg-metadata-version", "1.0"),
        ("aeg-data-version", ""),
        ("x-partner-key", "abc"),
        ("x-total", "12.50"),
        ("x-missing", ""),
    ] {
        assert_eq!(delivery.header(name), value, "{name}");
    }
    // As the service: firewalls that ask for an `Accept` refuse its handshakes too.
    let handshake = partner.all().remove(0);
    for request in [handshake, delivery] {
        assert!(!request.headers.contains_key("accept"), "{:?}", request.headers);
    }
}

#[tokio::test]
async fn batches_are_arrays_and_fail_whole() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|number| if number == 0 { 500 } else { 200 }).await;
    let destination = json!({ "endpointType": "WebHook", "properties": { "endpointUrl": partner.url.as_str(), "maxEventsPerBatch": 3 } });
    stack.subscribe("batches", web_hook(&partner.url, json!({ "destination": destination }))).await;
    let events: Vec<_> =
        (0..3).map(|id| json!({ "specversion": "1.0", "id": id.to_string(), "source": "/s", "type": "t" })).collect();
    stack.publish("orders", "application/cloudevents-batch+json", json!(events).to_string()).await;
    partner.delivered(1).await;
    until("the failure to be noted", || async { (stack.grid.attempts("batches").len() == 1).then_some(()) }).await;
    let deliveries = until("the repetition", || async {
        stack.clock.advance(Duration::from_secs(11));
        let deliveries = partner.deliveries();
        (deliveries.len() == 2).then_some(deliveries)
    })
    .await;
    for delivery in &deliveries {
        assert_eq!(delivery.header("content-type"), "application/cloudevents-batch+json; charset=utf-8");
        assert_eq!(delivery.json().as_array().map(Vec::len), Some(3));
    }
    assert_eq!(deliveries[1].header("aeg-delivery-count"), "1");
}

#[tokio::test]
async fn a_webhook_that_fails_twice_then_accepts() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|number| if number < 2 { 500 } else { 200 }).await;
    stack.subscribe("flaky", web_hook(&partner.url, json!({}))).await;
    stack.publish_order("1", json!({})).await;
    for (attempts, step) in [(1, 10), (2, 30)] {
        until("the attempt to be noted", || async { (stack.grid.attempts("flaky").len() == attempts).then_some(()) })
            .await;
        // In two steps: a worker that looked too early would be seen in the times below.
        stack.clock.advance(Duration::from_secs(step - 1));
        tokio::task::yield_now().await;
        stack.clock.advance(Duration::from_secs(1 + step / 10));
        partner.delivered(attempts + 1).await;
    }
    let outcomes = until("the success to be noted", || async {
        let attempts = stack.grid.attempts("flaky");
        (attempts.len() == 3).then_some(attempts)
    })
    .await;
    assert_eq!(outcomes.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(500), Some(500), Some(200)]);
    let waits: Vec<_> = outcomes.windows(2).map(|pair| (pair[1].at - pair[0].at).whole_seconds()).collect();
    assert!(waits[0] >= 10 && waits[1] >= 30, "{waits:?}");
    let counts: Vec<_> = partner.deliveries().iter().map(|d| d.header("aeg-delivery-count").to_owned()).collect();
    assert_eq!(counts, ["0", "1", "2"]);
}

#[tokio::test]
async fn what_always_fails_is_dead_lettered() {
    let stack = Stack::start().await;
    let refuses = Receiver::with_statuses(|_| 413).await;
    let fails = Receiver::with_statuses(|_| 503).await;
    let more = |attempts: u32| json!({ "deadLetterDestination": dead_letters("dead"), "retryPolicy": { "maxDeliveryAttempts": attempts, "eventTimeToLiveInMinutes": 60 } });
    stack.subscribe("refuses", web_hook(&refuses.url, more(5))).await;
    stack.subscribe("fails", web_hook(&fails.url, more(3))).await;
    stack.publish_order("1", json!({ "total": 1.25 })).await;
    for attempts in 1..3 {
        until("the attempt to be noted", || async { (stack.grid.attempts("fails").len() == attempts).then_some(()) })
            .await;
        // 503 waits at least half a minute.
        stack.clock.advance(Duration::from_secs(33));
    }
    until("the last attempt", || async { (stack.grid.attempts("fails").len() == 3).then_some(()) }).await;
    // Five minutes after the last attempt, and not before; `refuses` had its only one a minute earlier.
    let written = || stack.blobs.list("dead", "FAILS/").expect("a container").len();
    stack.clock.advance(Duration::from_secs(280));
    until("the earlier letter", || async { (buried(&stack, "dead", 1).await.len() == 1).then_some(()) }).await;
    assert_eq!(written(), 0);
    stack.clock.advance(Duration::from_secs(20));
    let letters = buried(&stack, "dead", 2).await;
    let letter = |prefix: &str| letters.iter().find(|(name, _)| name.starts_with(prefix)).expect("a letter");
    let (name, event) = letter("FAILS/");
    assert_eq!(name.split('/').count(), 6, "{name}");
    assert!(name.split('/').skip(1).take(4).all(|part| !part.starts_with('0') || part == "0"), "{name}");
    assert_eq!(event["id"], "1");
    assert_eq!(event["data"], json!({ "total": 1.25 }));
    assert_eq!(event["deadletterreason"], "MaxDeliveryAttemptsExceeded");
    assert_eq!(event["deliveryattempts"], 3);
    assert_eq!(event["lastdeliveryoutcome"], "Busy");
    assert_eq!(event["lasthttpstatuscode"], 503);
    assert!(event["publishtime"].is_string() && event["lastdeliveryattempttime"].is_string());
    let (_, event) = letter("REFUSES/");
    assert_eq!(event["lastdeliveryoutcome"], "PayloadTooLarge");
    assert_eq!(event["deliveryattempts"], 1);
    assert_eq!(fails.deliveries().len(), 3);
}

#[tokio::test]
async fn time_to_live_is_looked_at_when_the_next_attempt_is_due() {
    let stack = Stack::start().await;
    let fails = Receiver::with_statuses(|_| 500).await;
    let more =
        json!({ "deadLetterDestination": dead_letters("dead"), "retryPolicy": { "eventTimeToLiveInMinutes": 1 } });
    stack.subscribe("late", web_hook(&fails.url, more)).await;
    stack.publish_order("1", json!({})).await;
    until("the attempt to be noted", || async { (stack.grid.attempts("late").len() == 1).then_some(()) }).await;
    stack.clock.advance(Duration::from_secs(61));
    // In two steps: first it is given up, by then the letter is not due.
    until("the next attempt to be due", || async { (fails.deliveries().len() == 1).then_some(()) }).await;
    stack.clock.advance(Duration::from_secs(239));
    let letters = buried(&stack, "dead", 1).await;
    assert_eq!(letters[0].1["deadletterreason"], "TimeToLiveExceeded");
    assert_eq!(fails.deliveries().len(), 1);
}

/// Events that are given up at about the same time are one blob, also where others are still being tried between them.
#[tokio::test]
async fn dead_letters_of_one_time_are_written_together() {
    let mut stack = Stack::start().await;
    let refuses = Receiver::answering(|request, _| match request.method {
        Method::OPTIONS => agreement(),
        _ if request.json()["data"]["stays"] == true => plain(503),
        _ => plain(400),
    })
    .await;
    stack.subscribe("many", web_hook(&refuses.url, json!({ "deadLetterDestination": dead_letters("dead") }))).await;
    for id in 0..8 {
        stack.publish_order(&id.to_string(), json!({ "stays": id % 4 == 3 })).await;
    }
    until("8 attempts", || async { (stack.grid.attempts("many").len() == 8).then_some(()) }).await;
    assert_eq!(stack.blobs.list("dead", "").expect("a container").len(), 0);
    // What waits survives the service.
    stack.restart().await;
    stack.clock.advance(Duration::from_secs(301));
    let letters = buried(&stack, "dead", 6).await;
    let names: std::collections::BTreeSet<_> = letters.iter().map(|(name, _)| name).collect();
    assert_eq!((names.len(), letters.len()), (1, 6), "{names:?}");
    let mut ids: Vec<_> = letters.iter().map(|(_, event)| event["id"].as_str().expect("text").to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["0", "1", "2", "4", "5", "6"]);
    assert!(letters.iter().all(|(_, event)| event["lastdeliveryoutcome"] == "BadRequest"));
    refuses.delivered(10).await;
}

/// The key of a filter is found in whatever case the event spells it.
#[tokio::test]
async fn filters_find_their_keys_in_any_case() {
    let stack = Stack::start().await;
    let partner = Receiver::with_statuses(|_| 200).await;
    let filter = json!({ "advancedFilters": [
        { "operatorType": "NumberGreaterThan", "key": "DATA.order.TOTAL", "value": 10 },
        { "operatorType": "StringIn", "key": "Source", "values": ["/shop"] },
    ] });
    stack.subscribe("large", web_hook(&partner.url, json!({ "filter": filter }))).await;
    for (id, total) in [("small", 5), ("large", 15)] {
        stack.publish_order(id, json!({ "Order": { "total": total } })).await;
    }
    assert_eq!(partner.delivered(1).await[0].json()["id"], "large");
}

#[tokio::test]
async fn a_busy_webhook_decides_when_the_next_attempt_is() {
    let stack = Stack::start().await;
    let busy = Receiver::answering(|request, number| match (&request.method, number) {
        (&Method::OPTIONS, _) => agreement(),
        (_, 0) => {
            let mut answer = plain(429);
            answer.headers_mut().insert("retry-after", http::HeaderValue::from_static("240"));
            answer
        }
        _ => plain(200),
    })
    .await;
    stack.subscribe("busy", web_hook(&busy.url, json!({}))).await;
    stack.publish_order("1", json!({})).await;
    until("the attempt to be noted", || async { (stack.grid.attempts("busy").len() == 1).then_some(()) }).await;
    stack.clock.advance(Duration::from_secs(230));
    tokio::task::yield_now().await;
    stack.clock.advance(Duration::from_secs(25));
    let attempts = until("the next attempt", || async {
        let attempts = stack.grid.attempts("busy");
        (attempts.len() == 2).then_some(attempts)
    })
    .await;
    assert!((attempts[1].at - attempts[0].at).whole_seconds() >= 240, "{attempts:?}");
}

#[tokio::test]
async fn pending_deliveries_go_on_after_a_restart() {
    let mut stack = Stack::start().await;
    let partner = Receiver::with_statuses(|number| if number == 0 { 500 } else { 200 }).await;
    stack.subscribe("durable", web_hook(&partner.url, json!({}))).await;
    stack.publish_order("1", json!({})).await;
    until("the attempt to be noted", || async { (stack.grid.attempts("durable").len() == 1).then_some(()) }).await;
    stack.restart().await;
    stack.clock.advance(Duration::from_secs(11));
    let deliveries = partner.delivered(2).await;
    assert_eq!(deliveries[1].json()["id"], "1");
    assert_eq!(deliveries[1].header("aeg-delivery-count"), "1", "the count is kept");
    stack.publish_order("2", json!({})).await;
    assert_eq!(partner.delivered(3).await[2].json()["id"], "2", "the subscription is kept");
}

#[tokio::test]
async fn a_dead_partner_delays_nobody_else() {
    let stack = Stack::start().await;
    let hangs = Receiver::answering(|request, _| {
        if request.method == Method::OPTIONS {
            return agreement();
        }
        let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        axum::response::Response::new(axum::body::Body::from_stream(never))
    })
    .await;
    let well = Receiver::with_statuses(|_| 200).await;
    stack.subscribe("hangs", web_hook(&hangs.url, json!({}))).await;
    stack.subscribe("well", web_hook(&well.url, json!({}))).await;
    for id in 0..50 {
        stack.publish_order(&id.to_string(), json!({})).await;
    }
    assert_eq!(well.delivered(50).await.len(), 50);
    assert!(hangs.deliveries().len() <= 16, "requests to one subscription are bounded");
}

#[tokio::test]
async fn a_new_blob_reaches_the_function_in_the_schema_it_wants() {
    let subscription = |name: &str, schema: &str| {
        json!({ "name": name, "source": "storage", "properties": {
            "destination": { "endpointType": "AzureFunction", "properties": { "resourceId": format!("{{functionApp}}/functions/{name}") } },
            "eventDeliverySchema": schema,
            "filter": { "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
                "subjectBeginsWith": "/blobServices/default/containers/capture/", "subjectEndsWith": ".avro" },
            "deadLetterDestination": { "endpointType": "StorageBlob", "properties": { "blobContainerName": "dead" } } } })
    };
    let stack = Stack::with(topology(json!([
        subscription("CaptureBatch", "CloudEventSchemaV1_0"),
        subscription("Classic", "EventGridSchema")
    ])))
    .await;
    let created = |name: &str| BlobCreated {
        container: "capture".to_owned(),
        name: name.to_owned(),
        etag: "0x8DC0000000000001".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        length: 48_211,
        api: Api::PutBlockList,
        url: format!("http://127.0.0.1:10000/devstoreaccount1/capture/{name}"),
        request_id: "r".to_owned(),
        client_request_id: None,
    };
    stack.grid.blob_created(&created("a/0.avro")).expect("stored");
    stack.grid.blob_created(&created("a/0.txt")).expect("stored");
    // The host comes up later than the blob.
    let host = Receiver::answering(|_, _| plain(202)).await;
    let mut base = host.url.clone();
    base.set_query(Some("code=k"));
    stack.grid.set_function_app(base);
    let deliveries = host.delivered(2).await;
    let to = |function: &str| {
        let uri = format!("/runtime/webhooks/eventgrid?code=k&functionName={function}");
        deliveries.iter().find(|delivery| delivery.uri == uri).expect("a delivery")
    };
    let event = to("CaptureBatch").json();
    assert_eq!(event["type"], "Microsoft.Storage.BlobCreated");
    assert_eq!(event["subject"], "/blobServices/default/containers/capture/blobs/a/0.avro");
    assert!(event["source"].as_str().expect("text").ends_with("/storageAccounts/devstoreaccount1"));
    assert_eq!(event["data"]["url"], "http://127.0.0.1:10000/devstoreaccount1/capture/a/0.avro");
    assert_eq!(event["data"]["contentLength"], 48_211);
    assert_eq!(event["data"]["api"], "PutBlockList");
    assert_eq!(event["data"]["sequencer"].as_str().map(str::len), Some(48));
    let classic = to("Classic").json();
    assert_eq!(classic[0]["eventType"], "Microsoft.Storage.BlobCreated");
    assert_eq!(classic[0]["data"], event["data"]);
    assert_eq!(to("Classic").header("content-type"), "application/json; charset=utf-8");
    assert_eq!(host.deliveries().len(), 2, "the filter held the other blob back");
}
