//! The samples of Event Grid's events, posted to the host as Event Grid posts them: each reaches the function as it is, but for
//! the spelling of times.

use std::path::Path;

use serde_json::{Value, json};

use super::support::{BROKEN, FakeHandler, World, as_read};

/// All samples but the handshake.
const SAMPLES: [&str; 6] = [
    "azure-docs/BlobCreated-cloudevents",
    "azure-docs/BlobTierChanged-cloudevents",
    "azure-sdk-for-java/EventHubCaptureFileCreatedEvent",
    "azure-sdk-for-java/MultipleEventsInSameBatch",
    "azure-sdk-for-java/StorageBlobCreatedEvent",
    "functions-quickstart/BlobCreated-cloudevents-template",
];

fn sample(name: &str) -> Value {
    let file = Path::new(env!("REAL_DATA")).join(format!("eventgrid-events/{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    as_read(&text)
}

fn sorted(mut events: Vec<Value>) -> Vec<String> {
    events.sort_by_key(ToString::to_string);
    events.iter().map(ToString::to_string).collect()
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn each_event_of_each_sample_reaches_its_function_as_it_is() {
    let world = World::new().await;
    let mut handler = FakeHandler::start().await;
    world.with_handler(&handler, &Value::Null);
    world.function("One", &json!([{"type": "eventGridTrigger", "name": "ev"}]), &Value::Null);
    let many = json!([{"type": "eventGridTrigger", "name": "evs", "cardinality": "many"}]);
    world.function("Many", &many, &Value::Null);
    let host = world.start().await.expect("started");
    let client = reqwest::Client::new();
    let post = async |function: &str, kind: &str, body: &Value| {
        let url = format!("http://{}/runtime/webhooks/eventgrid?functionName={function}", host.address());
        let request = client.post(url).header("aeg-event-type", kind).body(body.to_string());
        request.send().await.expect("answered")
    };
    for name in SAMPLES {
        let body = sample(name);
        let events = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
        assert_eq!(post("One", "Notification", &body).await.status(), 202, "{name}");
        let called: Vec<Value> = handler.calls().iter().map(|call| call.json()["Data"]["ev"].clone()).collect();
        // Those of one request run side by side. An event that is in it twice comes twice.
        assert_eq!(sorted(called), sorted(events.clone()), "{name}");

        assert_eq!(post("Many", "Notification", &body).await.status(), 202, "{name}");
        let call = handler.next_call().await.json();
        let together: Vec<Value> = serde_json::from_str(call["Data"]["evs"].as_str().expect("text")).expect("JSON");
        assert_eq!(together, events, "{name}");

        // One failure, and Event Grid posts the whole again.
        handler.will_answer(&[BROKEN]);
        assert_eq!(post("One", "Notification", &body).await.status(), 500, "{name}");
        assert_eq!(handler.calls().len(), events.len(), "{name}");
    }
    let handshake = sample("azure-docs/SubscriptionValidationEvent");
    let answer = post("One", "SubscriptionValidation", &handshake).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
    assert_eq!(answer, json!({ "validationResponse": handshake[0]["data"]["validationCode"] }));
    assert!(handler.has_no_call());
    host.stop().await;
}
