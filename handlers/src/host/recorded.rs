//! What others recorded of real hosts and services: every invocation, and every sample of Event Grid's events.

use std::path::{Path, PathBuf};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use cloudevents::{AttributesReader, Data};
use http_body_util::BodyExt;
use serde_json::{Value, json, value::RawValue};
use tower::ServiceExt;

use super::{
    event_grid::to_cloudevent,
    invocation::{Invocation, json_text},
    router, tests,
};

fn data(name: &str) -> PathBuf {
    Path::new(env!("REAL_DATA")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json_of(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What the parser makes of an invocation: the trigger's value, and how often it was delivered where that is said.
fn parsed(name: &str) -> (Value, Option<String>) {
    let body = text(&format!("custom-handler-payloads/{name}"));
    let invocation = Invocation::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let value = json_text(invocation.trigger().unwrap()).unwrap();
    let count = invocation.metadata("DequeueCount").map(|count| json_text(count).unwrap().into_owned());
    // Text that is no JSON stays text.
    (serde_json::from_str(&value).unwrap_or_else(|_| Value::String(value.into_owned())), count)
}

/// However often a value is quoted, by host, extension or documentation, the parser comes out with the same.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn every_recorded_invocation_is_read_down_to_its_value() {
    let folder = data("custom-handler-payloads");
    let mut files = Vec::new();
    for source in ["azfunc-go", "azure-docs", "gewoscout"] {
        for file in std::fs::read_dir(folder.join(source)).unwrap() {
            files.push(format!("{source}/{}", file.unwrap().file_name().into_string().unwrap()));
        }
    }
    files.sort();
    let raw = |name: &str, binding: &str| json_of(&format!("custom-handler-payloads/{name}"))["Data"][binding].clone();
    let count = |count: &str| Some(count.to_owned());
    let scraped = raw("gewoscout/scraperResultTrigger.json", "msg");
    let scraped: String = serde_json::from_str(scraped.as_str().unwrap()).unwrap();
    let expected = [
        ("azfunc-go/httpRequest1.json", raw("azfunc-go/httpRequest1.json", "req"), None),
        ("azfunc-go/httpRequest2.json", raw("azfunc-go/httpRequest2.json", "custom"), None),
        ("azfunc-go/queueRequest1.json", json!({"message": "hello", "number": 2}), count("1")),
        ("azfunc-go/timerRequest1.json", raw("azfunc-go/timerRequest1.json", "timer"), None),
        ("azfunc-go/timerRequest2.json", raw("azfunc-go/timerRequest2.json", "custom"), None),
        ("azure-docs/queue-trigger.json", json!("{ message: \"Message sent\" }"), count("1")),
        (
            "gewoscout/CosmosTrigger.json",
            json_of("custom-handler-payloads/gewoscout/CosmosTrigger.documents-decoded.json"),
            None,
        ),
        ("gewoscout/scraperResultTrigger.json", serde_json::from_str(&scraped).unwrap(), count("5")),
    ];
    let decoded = "gewoscout/CosmosTrigger.documents-decoded.json";
    let known: Vec<&str> = expected.iter().map(|(name, ..)| *name).collect();
    let (others, invocations): (Vec<_>, Vec<_>) = files.iter().map(String::as_str).partition(|name| *name == decoded);
    assert_eq!((invocations, others), (known, vec![decoded]), "every file");
    for (name, value, count) in expected {
        assert_eq!(parsed(name), (value, count), "{name}");
    }
    // Documents alone are no invocation.
    let documents = text(&format!("custom-handler-payloads/{decoded}"));
    assert!(Invocation::parse(documents.as_bytes()).is_err());
}

/// The events of all samples, record for record.
fn grid_events() -> Vec<Value> {
    let names = [
        "azure-docs/BlobCreated-cloudevents",
        "azure-docs/BlobTierChanged-cloudevents",
        "azure-docs/SubscriptionValidationEvent",
        "azure-sdk-for-java/EventHubCaptureFileCreatedEvent",
        "azure-sdk-for-java/MultipleEventsInSameBatch",
        "azure-sdk-for-java/StorageBlobCreatedEvent",
        "functions-quickstart/BlobCreated-cloudevents-template",
    ];
    let sample = |name| json_of(&format!("eventgrid-events/{name}.json"));
    names.map(sample).into_iter().flat_map(|body| body.as_array().cloned().unwrap_or_else(|| vec![body])).collect()
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn every_event_of_event_grid_is_read_in_either_schema() {
    let events = grid_events();
    assert_eq!(events.len(), 10);
    for source in events {
        let raw: Box<RawValue> = serde_json::from_str(&source.to_string()).unwrap();
        let event = to_cloudevent(&raw).unwrap_or_else(|error| panic!("{source}: {error}"));
        let is_cloud = source.get("specversion").is_some();
        let member = |cloud: &str, grid: &str| source[if is_cloud { cloud } else { grid }].as_str().unwrap().to_owned();
        assert_eq!(event.id(), member("id", "id"));
        assert_eq!(event.ty(), member("type", "eventType"));
        assert_eq!(event.source().to_string(), member("source", "topic"));
        assert_eq!(event.subject(), Some(member("subject", "subject").as_str()));
        let time = member("time", "eventTime");
        let time = time::OffsetDateTime::parse(&time, &time::format_description::well_known::Rfc3339).unwrap();
        assert_eq!(event.time().unwrap().timestamp(), time.unix_timestamp());
        let Some(Data::Json(data)) = event.data() else { panic!("{source}: no JSON") };
        assert_eq!(data, &source["data"]);
    }
}

/// The function that hears of captured files has nothing to do with any of them, however often they come: none is about a
/// file of its container. Services are out of reach here, so it asked none.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn events_of_other_files_are_skipped_by_capture_batch_each_time() {
    let router = router(&tests::app(), &crate::registry::functions());
    for event in grid_events() {
        for delivery in ["first", "second"] {
            let body = json!({ "Data": { "event": event }, "Metadata": {} }).to_string();
            let request = tests::from_the_host(Request::post("/CaptureBatch")).body(Body::from(body)).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(status, StatusCode::OK, "{delivery} {event}: {answer}");
            assert!(answer["Logs"][0].as_str().unwrap().contains("1 skipped"), "{delivery} {event}: {answer}");
        }
    }
}
