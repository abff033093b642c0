//! The system topic of the Event Hubs namespace.

use http::Method;
use serde_json::{Value, json};

use super::support::{MANAGEMENT_VERSION, Receiver, Stack, topology, web_hook};
use crate::event_hubs::{CapturedFile, capture::Edge};

fn file(number: i64, edges: Option<(Edge, Edge)>) -> CapturedFile {
    CapturedFile {
        hub: "orders".to_owned(),
        partition: "0".to_owned(),
        url: format!(
            "http://127.0.0.1:10000/devstoreaccount1/capture/contoso/orders/0/2026/03/04/10/15/0{number}.avro"
        ),
        length: 48_211,
        events: edges.map_or(0, |(first, last)| u64::try_from(last.sequence - first.sequence + 1).expect("in order")),
        edges,
    }
}

fn some_edges() -> Option<(Edge, Edge)> {
    let edge = |sequence, enqueued_millis| Edge { sequence, enqueued_millis };
    Some((edge(2400, 1_772_619_003_700), edge(2709, 1_772_619_301_200)))
}

#[tokio::test]
async fn captured_files_reach_subscriptions_of_the_topology_and_of_resource_manager() {
    let deployed = Receiver::with_statuses(|_| 200).await;
    let filter = json!({ "filter": {
        "includedEventTypes": ["Microsoft.EventHub.CaptureFileCreated"],
        "advancedFilters": [{ "operatorType": "NumberGreaterThan", "key": "data.eventCount", "value": 0 }] } });
    let mut stack = Stack::with(topology(json!([
        { "name": "captured", "source": "eventHubs", "properties": web_hook(&deployed.url, filter) }
    ])))
    .await;

    let managed = Receiver::with_statuses(|_| 200).await;
    let scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.EventHub/namespaces/contoso";
    let url = format!(
        "{}{scope}/providers/Microsoft.EventGrid/eventSubscriptions/all?{MANAGEMENT_VERSION}",
        stack.resource_manager()
    );
    let body = json!({ "properties": web_hook(&managed.url, json!({})) });
    let (status, headers, shown) = stack.call(Method::PUT, &url, Some(body)).await;
    assert_eq!(status, 201, "{shown}");
    assert_eq!(shown["properties"]["topic"], scope);
    assert_eq!(shown["properties"]["filter"]["includedEventTypes"], json!(["Microsoft.EventHub.CaptureFileCreated"]));
    assert_eq!(stack.finished(&headers).await["status"], "Succeeded");

    stack.grid.capture_file_created(&file(1, None)).expect("stored");
    stack.grid.capture_file_created(&file(2, some_edges())).expect("stored");
    // What is stored survives a restart.
    stack.restart().await;
    let all = managed.delivered(2).await;
    let mut events: Vec<Value> = all.iter().map(super::support::Received::json).collect();
    events.sort_by_key(|event| event["data"]["fileUrl"].to_string());
    assert_eq!(
        (&events[1]["type"], &events[1]["subject"], &events[1]["source"]),
        (&json!("Microsoft.EventHub.CaptureFileCreated"), &json!("eventhubs/orders"), &json!(scope))
    );
    assert_eq!(
        events[1]["data"],
        json!({
            "fileUrl": file(2, None).url, "fileType": "AzureBlockBlob", "partitionId": "0", "sizeInBytes": 48_211,
            "eventCount": 310, "firstSequenceNumber": 2400, "lastSequenceNumber": 2709,
            "firstEnqueueTime": "2026-03-04T10:10:03.7Z", "lastEnqueueTime": "2026-03-04T10:15:01.2Z"
        })
    );
    assert_eq!(events[0]["data"]["eventCount"], 0);
    assert_eq!(events[0]["data"]["lastSequenceNumber"], -1);
    assert_eq!(deployed.delivered(1).await[0].json()["data"], events[1]["data"]);

    // Told again after a crash, it is the same event.
    stack.grid.capture_file_created(&file(2, some_edges())).expect("stored");
    assert_eq!(managed.delivered(3).await[2].json()["id"], events[1]["id"]);
}

/// Every member of the service's own sample is in ours, with the same kind of value.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn ours_has_the_members_of_the_service() {
    let sample =
        concat!(env!("REAL_DATA"), "/eventgrid-events/azure-sdk-for-java/EventHubCaptureFileCreatedEvent.json");
    let text = std::fs::read_to_string(sample).expect(sample);
    let theirs: Value = serde_json::from_str(&text).expect("JSON");
    let receiver = Receiver::answering(|request, _| {
        let body = request.json();
        let code = &body[0]["data"]["validationCode"];
        let answer = json!({ "validationResponse": code }).to_string();
        http::Response::builder().body(axum::body::Body::from(answer)).expect("a response")
    })
    .await;
    let properties = web_hook(&receiver.url, json!({ "eventDeliverySchema": "EventGridSchema" }));
    let stack =
        Stack::with(topology(json!([{ "name": "captured", "source": "eventHubs", "properties": properties }]))).await;
    stack.grid.capture_file_created(&file(1, some_edges())).expect("stored");
    let ours = receiver.delivered(1).await[0].json();
    let kinds = |value: &Value| -> Vec<(String, u8)> {
        let kind = |value: &Value| match value {
            Value::String(_) => 1,
            Value::Number(_) => 2,
            Value::Object(_) => 3,
            _ => 4,
        };
        let mut kinds: Vec<_> =
            value.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), kind(value))).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(&ours[0]), kinds(&theirs[0]));
    assert_eq!(kinds(&ours[0]["data"]), kinds(&theirs[0]["data"]));
}
