//! What the app tells by OTLP, asked of the pages.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use contoso_local::{clock::Clock, identity::Identity, telemetry::Telemetry, transport::Hosts};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{Options, router};

/// A receiver, and the pages of what it keeps.
struct Fixture {
    telemetry: Telemetry,
    clock: Clock,
    pages: Router,
    _identity: Identity,
    _data: tempfile::TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
        let identity = Identity::start(&[], data.path(), listener().await, &Hosts::default()).expect("an authority");
        let clock = Clock::default();
        let telemetry = Telemetry::start(identity.tls(), listener().await, &clock).expect("a receiver");
        let options = Options {
            functions: String::new(),
            external: false,
            partner: false,
            telemetry: Some(telemetry.clone()),
            schemas: std::collections::BTreeMap::new(),
            hosts: Hosts::default(),
        };
        Self { telemetry, clock, pages: router(options), _identity: identity, _data: data }
    }

    async fn tell(&self, signal: &str, message: &Value) {
        let request = reqwest::Client::new().post(format!("{}/v1/{signal}", self.telemetry.endpoint()));
        let answer = request.json(message).send().await.expect("an answer");
        assert_eq!((answer.status(), answer.text().await.expect("a body").as_str()), (reqwest::StatusCode::OK, "{}"));
    }

    async fn get(&self, path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let (parts, body) = self.pages.clone().oneshot(request).await.expect("infallible").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let kind = parts.headers[header::CONTENT_TYPE].to_str().expect("text").to_owned();
        (parts.status, kind, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    async fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        contoso_json::from_str(&body).expect("JSON")
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

fn span(id: u8, parent: u8, name: &str, told: &[(&str, &str)], status: &Value) -> Value {
    let hex = |id: u8| format!("{id:02x}").repeat(8);
    let start = 1_700_000_000_000_000_000_u64 + u64::from(id) * 10_000_000;
    json!({"traceId": "0a".repeat(16), "spanId": hex(id), "parentSpanId": if parent == 0 { String::new() } else { hex(parent) },
        "name": name, "kind": 5, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 5_000_000).to_string(),
        "attributes": attributes(told), "status": status})
}

#[tokio::test]
async fn a_trace_is_found_by_its_id_and_by_an_events() {
    let fixture = Fixture::start().await;
    let event = ("messaging.message.id", "event-1/a");
    let spans = [
        span(1, 0, "Products", &[("contoso.function", "Products")], &json!({})),
        span(2, 1, "ProductProjection", &[("contoso.function", "ProductProjection"), event], &json!({})),
        span(
            3,
            1,
            "PartnerNotifications",
            &[
                ("contoso.function", "PartnerNotifications"),
                event,
                ("contoso.cause", "no topic"),
                ("contoso.outcome", "parked"),
            ],
            &json!({"code": 2}),
        ),
    ];
    fixture.tell("traces", &json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})).await;
    let trace = fixture.json(&format!("/telemetry/traces/{}", "0A".repeat(16))).await;
    let rows: Vec<_> = trace["spans"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| json!([row["depth"], row["offsetMs"], row["durationMs"], row["name"], row["failed"], row["cause"]]))
        .collect();
    let expected = [
        json!([0, 0.0, 5.0, "Products", false, null]),
        json!([1, 10.0, 5.0, "ProductProjection", false, null]),
        json!([1, 20.0, 5.0, "PartnerNotifications", true, "no topic"]),
    ];
    assert_eq!((&rows[..], &trace["durationMs"], &trace["count"]), (&expected[..], &json!(25.0), &json!(3)));
    assert_eq!(fixture.json("/telemetry/traces/event-1%2Fa").await, trace);

    let recent = fixture.json("/telemetry/traces").await;
    let listed = &recent["traces"][0];
    assert_eq!((&listed["name"], &listed["spans"], &listed["failed"]), (&json!("Products"), &json!(3), &json!(1)));
    let failures = fixture.json("/telemetry/functions").await["failures"].clone();
    let expected = json!([{"at": "2023-11-14T22:13:20.035Z", "function": "PartnerNotifications", "cause": "no topic",
        "outcome": "parked", "trace": "0a".repeat(16)}]);
    assert_eq!(failures, expected);

    let (status, kind, body) = fixture.get("/telemetry/traces/nothing").await;
    assert_eq!((status, kind.as_str()), (StatusCode::NOT_FOUND, "application/problem+json"));
    assert!(body.contains("60 minutes"), "{body}");
}

#[tokio::test]
async fn functions_are_told_of_by_their_metrics() {
    let fixture = Fixture::start().await;
    let counter = |points: Value| json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points});
    let metrics = |factor: u64| {
        let count = |outcome: &str, count: u64| {
            json!({"asInt": (count * factor).to_string(), "startTimeUnixNano": "1",
                "attributes": attributes(&[("contoso.function", "Projection"), ("contoso.outcome", outcome)])})
        };
        let seconds = |told: &[(&str, &str)], count: u64| {
            json!({"count": (count * factor).to_string(), "sum": 1.0, "startTimeUnixNano": "1", "explicitBounds": [1.0, 2.0],
                "bucketCounts": ["0", (count * factor).to_string(), "0"], "attributes": attributes(told)})
        };
        let histogram = |points: Value| json!({"aggregationTemporality": 2, "dataPoints": points});
        let projection = [("contoso.function", "Projection")];
        let products = |status| [("contoso.function", "Products"), ("http.response.status_code", status)];
        let http = json!([seconds(&products("200"), 300), seconds(&products("503"), 30)]);
        json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "contoso.records", "sum": counter(json!([count("done", 600), count("parked", 300)]))},
            {"name": "contoso.lag", "unit": "s", "histogram": histogram(json!([seconds(&projection, 10)]))},
            {"name": "http.server.request.duration", "unit": "s", "histogram": histogram(http)},
        ]}]}]})
    };
    fixture.tell("metrics", &metrics(1)).await;
    fixture.clock.advance(contoso_local::telemetry::WINDOW);
    fixture.tell("metrics", &metrics(2)).await;
    let told = fixture.json("/telemetry/functions").await;
    let expected = json!([
        {"function": "Products", "perSecond": 1.1, "failedPerSecond": 0.1, "lag": null, "duration": {"p50": 1.5, "p99": 1.99}},
        {"function": "Projection", "perSecond": 3.0, "failedPerSecond": 1.0, "lag": {"p50": 1.5, "p99": 1.99}, "duration": null},
    ]);
    assert_eq!(told["functions"], expected);

    let (status, kind, body) = fixture.get("/metrics").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"));
    let line = "contoso_records_total{contoso_function=\"Projection\",contoso_outcome=\"done\"} 1200\n";
    assert!(body.contains(line) && body.contains("# TYPE contoso_lag_seconds histogram\n"), "{body}");
}
