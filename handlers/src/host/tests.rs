//! Invocations as hosts send them, through the router. Functions here answer with what they saw; services are out of reach.

use axum::{
    body::Body,
    http::{Request, StatusCode, header::CONTENT_TYPE, request::Builder},
};
use cloudevents::AttributesReader;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::{
    function::{Order, Trigger},
    outcome::{Cause, Outcome},
    settings::Settings,
};

/// Only what is checked of the records reaches the answer: a wrong record is Retry, whose cause is in the problem.
fn check(is_right: bool, seen: &impl std::fmt::Debug) -> Outcome {
    if is_right { Outcome::Done } else { Outcome::Retry(Cause::of("wrong", format!("{seen:?}"))) }
}

pub(super) fn functions() -> Vec<Function> {
    let products = Trigger::EventHub {
        hub: "products",
        consumer_group: "site",
        order: Order::Key,
        handle: |_, events| {
            Box::pin(async move {
                let is_right = |index: usize, event: &crate::function::HubEvent| {
                    event.position.sequence == 41 + i64::try_from(index).unwrap()
                        && event.position.offset == ["8589934592", "8589934720"][index]
                        && (event.position.hub.as_str(), event.position.partition.as_str()) == ("orders", "3")
                        && event.position.enqueued.unix_timestamp_nanos() % 1_000_000_000
                            == [123_000_000, 456_000_000][index]
                        && event
                            .event
                            .data_as::<Value>()
                            .is_ok_and(|data| data == json!({ "orderId": format!("o-{}", index + 1) }))
                };
                events.iter().enumerate().map(|(index, event)| check(is_right(index, event), event)).collect()
            })
        },
    };
    let bare = Trigger::EventHub {
        hub: "products",
        consumer_group: "site",
        order: Order::Key,
        handle: |_, events| {
            Box::pin(async move { events.iter().map(|event| check(event.position.sequence == -1, event)).collect() })
        },
    };
    let documents = Trigger::CosmosDb {
        handle: |_, documents| {
            Box::pin(async move {
                documents
                    .iter()
                    .map(|d| check(d.document["_lsn"].is_u64() && d.document["id"].is_string(), d))
                    .collect()
            })
        },
    };
    let event = Trigger::EventGrid {
        handle: |_, event| {
            Box::pin(async move { check(event.id() == "e-1" && event.subject() == Some("orders/o-1"), &event) })
        },
    };
    let tick = Trigger::Timer {
        handle: |_, info| {
            Box::pin(async move {
                let next = info.schedule_status.as_ref().map(|status| status.next.len() >= 20);
                if next == Some(true) && !info.is_past_due {
                    Ok(())
                } else {
                    Err(Cause::of("wrong", format!("{info:?}")))
                }
            })
        },
    };
    let broken = Trigger::Timer { handle: |_, _| panic!("a bug") };
    let pages = Trigger::Http {
        router: |_| {
            Router::new().route("/api/pages/{id}", get(|| async { "here" })).route(
                "/api/broken",
                get(|| async {
                    if true {
                        panic!("a bug")
                    }
                }),
            )
        },
    };
    [
        ("Products", products),
        ("Bare", bare),
        ("Documents", documents),
        ("Event", event),
        ("Tick", tick),
        ("Broken", broken),
        ("Pages", pages),
    ]
    .into_iter()
    .map(|(name, trigger)| Function::new(name, trigger))
    .collect()
}

pub(crate) fn app() -> App {
    let lookup = |name: &str| {
        let value = match name {
            "FUNCTIONS_CUSTOMHANDLER_PORT" => "1",
            "EventHubs__fullyQualifiedNamespace" => "contoso.servicebus.windows.net",
            "SchemaRegistry__group" => "contoso",
            "Storage__accountKey" => "a2V5",
            _ if ["Site__", "Sales__"].iter().any(|start| name.starts_with(start))
                || ["__clientId", "Key", "Hours"].iter().any(|end| name.ends_with(end)) =>
            {
                return None;
            }
            // Nothing listens on this port.
            _ => "http://127.0.0.1:1/account",
        };
        Some(value.to_owned())
    };
    App::new(Settings::read(lookup).unwrap())
}

/// A request with the headers that the host's invocations have.
pub(super) fn from_the_host(request: Builder) -> Builder {
    request.header("host", "127.0.0.1:39283").header("content-type", "application/json; charset=utf-8")
}

async fn ask(method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, String, Value) {
    let request = from_the_host(Request::builder().method(method).uri(path)).body(body.into()).unwrap();
    let response = router(&app(), &functions()).oneshot(request).await.unwrap();
    let (status, media) = (response.status(), response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, media, serde_json::from_slice(&body).unwrap_or_default())
}

async fn succeeds(function: &str, body: String) {
    let (status, media, answer) = ask("POST", &format!("/{function}"), body).await;
    assert_eq!((status, media.as_str()), (StatusCode::OK, "application/json"), "{answer}");
    assert_eq!((&answer["Outputs"], &answer["ReturnValue"]), (&json!({}), &Value::Null));
    assert!(answer["Logs"][0].as_str().unwrap().contains(" done"), "{answer}");
}

/// The JSON text of a JSON value, as a JSON string: how the host writes lists.
fn quoted(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// A batch of two events; the bodies are `{"orderId":"o-1"}` and `{"orderId":"o-2"}`.
fn hub_batch() -> Value {
    let properties = |id: &str| json!({ "cloudEvents:id": id, "cloudEvents:source": "/s", "cloudEvents:type": "t", "cloudEvents:specversion": "1.0" });
    let context = json!({
        "IsCheckpointingAfterInvocation": true, "FullyQualifiedNamespace": "shop.servicebus.windows.net",
        "EventHubName": "orders", "ConsumerGroup": "$Default", "PartitionId": "3" });
    json!({
        "Data": { "events": quoted(&json!(["eyJvcmRlcklkIjoiby0xIn0=", "eyJvcmRlcklkIjoiby0yIn0="])) },
        "Metadata": {
            "TriggerPartitionContext": context, "PartitionContext": context,
            "PartitionKeyArray": quoted(&json!(["eu", null])),
            "OffsetArray": quoted(&json!(["8589934592", "8589934720"])),
            "OffsetStringArray": quoted(&json!(["8589934592", "8589934720"])),
            "SequenceNumberArray": quoted(&json!([41, 42])),
            "EnqueuedTimeUtcArray": quoted(&json!(["2026-01-05T10:00:00.123", "2026-01-05T10:00:00.456"])),
            "PropertiesArray": quoted(&json!([properties("e-1"), properties("e-2")])),
            "SystemPropertiesArray": quoted(&json!([
                { "x-opt-sequence-number": 41, "x-opt-offset": "8589934592", "x-opt-enqueued-time": "2026-01-05T10:00:00.123+00:00", "content-type": "application/json" },
                { "x-opt-sequence-number": 42, "x-opt-offset": "8589934720", "x-opt-enqueued-time": "2026-01-05T10:00:00.456+00:00" } ])),
            "RetryContext": { "RetryCount": 0, "MaxRetryCount": -1, "Exception": null, "Instance": null, "State": {} },
            "sys": { "MethodName": "Products", "UtcNow": "2026-01-05T10:00:00.5Z", "RandGuid": "0f2f3ad4-6a2f-4c0f-9c55-8a6b8b6a1e10" } } })
}

#[tokio::test]
async fn a_hub_batch_is_read_with_its_positions() {
    let mut batch = hub_batch();
    succeeds("Products", batch.to_string()).await;
    // Older extensions: offsets without their text form, one context; then the annotations alone.
    for missing in [
        ["OffsetStringArray", "TriggerPartitionContext"],
        ["OffsetArray", "SequenceNumberArray"],
        ["EnqueuedTimeUtcArray", "RetryContext"],
    ] {
        for name in missing {
            batch["Metadata"].as_object_mut().unwrap().remove(name);
        }
        succeeds("Products", batch.to_string()).await;
    }
    batch["Metadata"] = json!({ "PropertiesArray": batch["Metadata"]["PropertiesArray"] });
    succeeds("Bare", batch.to_string()).await;
    // Lists that are not quoted.
    let mut plain = hub_batch();
    plain["Data"]["events"] = json!(["eyJvcmRlcklkIjoiby0xIn0=", "eyJvcmRlcklkIjoiby0yIn0="]);
    plain["Metadata"]["SequenceNumberArray"] = json!([41, 42]);
    succeeds("Products", plain.to_string()).await;
}

#[tokio::test]
async fn a_record_at_retry_fails_the_invocation_with_its_cause() {
    let (status, media, answer) = ask("POST", "/Bare", hub_batch().to_string()).await;
    assert_eq!((status, media.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "application/json"));
    assert!(
        answer["detail"].as_str().unwrap().starts_with("2 records: 0 done, 0 skipped, 0 parked, 2 to come again"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_change_feed_is_quoted_twice() {
    let documents = json!([{ "id": "o-1", "pk": "eu", "_etag": "\"0000-0d00\"", "_ts": 1_767_607_200, "_lsn": 17, "note": "\"\u{2028}" }]);
    let twice = quoted(&quoted(&documents));
    succeeds("Documents", json!({ "Data": { "docs": twice }, "Metadata": {} }).to_string()).await;
}

#[tokio::test]
async fn timers_come_nested_or_quoted() {
    let status = json!({ "Last": "0001-01-01T00:00:00+00:00", "Next": "2026-01-05T10:00:00+00:00", "LastUpdated": "2026-01-05T09:55:00.0012345+00:00" });
    let nested = json!({ "Schedule": { "AdjustForDST": true }, "ScheduleStatus": status, "IsPastDue": false });
    let mut stringly = nested.clone();
    stringly["IsPastDue"] = json!("False");
    for tick in [quoted(&nested), quoted(&quoted(&nested)), nested, stringly] {
        succeeds("Tick", json!({ "Data": { "tick": tick }, "Metadata": {} }).to_string()).await;
    }
}

#[tokio::test]
async fn event_grid_events_come_in_both_schemas() {
    let cloud = json!({ "specversion": "1.0", "id": "e-1", "source": "/shop/orders", "type": "shop.order.placed",
        "time": "2026-01-05T10:00:00.1230000Z", "subject": "orders/o-1", "datacontenttype": "application/json", "data": { "orderId": "o-1" } });
    let grid = json!({ "id": "e-1", "topic": "/t", "subject": "orders/o-1", "eventType": "shop.order.placed",
        "eventTime": "2026-01-05T10:00:00Z", "data": { "orderId": "o-1" }, "dataVersion": "1", "metadataVersion": "1" });
    for event in [cloud, grid] {
        succeeds("Event", json!({ "Data": { "ev": event }, "Metadata": { "data": { "orderId": "o-1" } } }).to_string())
            .await;
    }
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn invocations_that_were_recorded_from_hosts_are_read() {
    for (file, function) in [
        ("gewoscout/CosmosTrigger.json", "Documents"),
        ("azfunc-go/timerRequest1.json", "Tick"),
        ("azfunc-go/timerRequest2.json", "Tick"),
    ] {
        let path = std::path::Path::new(env!("REAL_DATA")).join("custom-handler-payloads").join(file);
        succeeds(function, std::fs::read_to_string(path).expect(file)).await;
    }
}

#[tokio::test]
async fn every_answer_to_an_invocation_is_a_json_object() {
    let not_base64 = json!({ "Data": { "events": "[\"{}\"]" } }).to_string();
    for (path, body, expected) in [
        ("/Products", "", 400),
        ("/Products", "[]", 400),
        ("/Products", r#"{"Data":{}}"#, 400),
        ("/Products", r#"{"Data":{"a":"\"x\"","b":"1"}}"#, 400),
        ("/Products", &not_base64, 400),
        ("/Documents", r#"{"Data":{"docs":"\"{}\""}}"#, 400),
        ("/Event", r#"{"Data":{"ev":"[]"}}"#, 400),
        ("/Tick", r#"{"Data":{"tick":"7"}}"#, 400),
        ("/Broken", r#"{"Data":{"tick":{}}}"#, 500),
        ("/Nobody", "{}", 404),
    ] {
        let (status, media, answer) = ask("POST", path, body.to_owned()).await;
        assert_eq!((status.as_u16(), media.as_str()), (expected, "application/json"), "{path} {body}");
        assert!(answer["detail"].is_string(), "{path} {body}: {answer}");
    }
    let (status, ..) = ask("GET", "/", Body::empty()).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn forwarded_requests_reach_their_route_and_panics_become_problem_documents() {
    let (status, ..) = ask("GET", "/api/pages/7", Body::empty()).await;
    assert_eq!(status, StatusCode::OK);
    let (status, media, _) = ask("GET", "/api/broken", Body::empty()).await;
    assert_eq!((status, media.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "application/problem+json"));
}

#[tokio::test]
async fn large_invocations_are_accepted() {
    let body = format!(
        r#"{{"Data":{{"tick":{{"ScheduleStatus":{{"Next":"2026-01-05T10:00:00+00:00"}}}}}},"Metadata":{{"filler":"{}"}}}}"#,
        "x".repeat(100 << 20)
    );
    succeeds("Tick", body).await;
}

#[test]
fn only_staged_functions_are_served() {
    let root = tempfile::tempdir().unwrap();
    let stage = |name: &str, definition: &str| {
        std::fs::create_dir_all(root.path().join(name)).unwrap();
        std::fs::write(root.path().join(name).join("function.json"), definition).unwrap();
    };
    let served =
        || staged(functions(), Some(root.path())).map(|functions| functions.iter().map(|f| f.name).collect::<Vec<_>>());
    std::fs::write(root.path().join("host.json"), "{}").unwrap();
    std::fs::create_dir(root.path().join("assets")).unwrap();
    stage("Tick", r#"{"bindings":[{"type":"timerTrigger","name":"tick","schedule":"0 * * * * *"}]}"#);
    assert_eq!(served().unwrap(), ["Tick"]);
    let hub = r#"{"bindings":[{"type":"eventHubTrigger"}],"retry":{"strategy":"fixedDelay","maxRetryCount":5,"delayInterval":"00:00:01"}}"#;
    for (name, definition) in
        [("Tock", "{}"), ("Pages", r#"{"bindings":[{"type":"timerTrigger"}]}"#), ("Products", hub), ("Event", "{")]
    {
        stage(name, definition);
        let error = served().unwrap_err().to_string();
        assert!(error.contains(&format!("{name}/function.json: ")) && !error.contains('\n'), "{error}");
        std::fs::remove_dir_all(root.path().join(name)).unwrap();
    }
}
