//! Spans and log records in, traces out.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value as Any},
    logs::v1::LogRecord,
    trace::v1::{Span as SpanMessage, Status, span::Event, span::Link, status::StatusCode},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use prost::Message;
use serde_json::{Value, json};

use super::{Fixture, JSON, PROTOBUF, gzip, request, span, text};
use crate::telemetry::{SpanStatus, TraceId, attributes, ids::SpanId};

fn some_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(Any::StringValue),
        any::<bool>().prop_map(Any::BoolValue),
        any::<i64>().prop_map(Any::IntValue),
        (-1e300..1e300).prop_map(Any::DoubleValue),
        vec(any::<u8>(), 0..8).prop_map(Any::BytesValue),
    ];
    let value = leaf.prop_recursive(4, 16, 4, |inner| {
        let inner = inner.prop_map(|value| AnyValue { value: Some(value) });
        let pair = ("[a-z.]{1,4}", inner.clone()).prop_map(|(key, value)| KeyValue {
            key,
            value: Some(value),
            ..KeyValue::default()
        });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            vec(pair, 0..4).prop_map(|values| Any::KvlistValue(KeyValueList { values })),
        ]
    });
    value.prop_map(|value| AnyValue { value: Some(value) })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let all = proptest::collection::btree_map("[a-z.]{1,12}", some_value(), 0..6);
    all.prop_map(|all| {
        all.into_iter().map(|(key, value)| KeyValue { key, value: Some(value), ..KeyValue::default() }).collect()
    })
}

prop_compose! {
    fn some_span()(
        trace in 1..4_u8, id in 1..=255_u8, parent in 0..=255_u8, name in ".{0,12}", kind in 0..=5_i32,
        start in 0..4_000_000_000_000_000_000_u64, nanoseconds in 0..10_000_000_000_u64, attributes in attributes(),
        event in attributes(), code in 0..=2_i32, message in ".{0,8}",
    ) -> SpanMessage {
        SpanMessage {
            kind,
            attributes,
            start_time_unix_nano: start,
            end_time_unix_nano: start + nanoseconds,
            events: vec![Event { time_unix_nano: start, name: "e".to_owned(), attributes: event, ..Event::default() }],
            links: vec![Link { trace_id: vec![9; 16], span_id: vec![id; 8], ..Link::default() }],
            status: Some(Status { message, code }),
            ..span(trace, id, parent, &name)
        }
    }
}

fn told(pairs: &[KeyValue]) -> serde_json::Map<String, Value> {
    pairs.iter().map(|pair| (pair.key.clone(), attributes::value(pair.value.clone()))).collect()
}

#[test]
fn whatever_spans_come_in_are_what_comes_out() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    runner
        .run(&(vec(some_span(), 1..12), any::<bool>(), any::<bool>()), |(spans, as_json, packed)| {
            runtime.block_on(async {
                let fixture = Fixture::start().await;
                let message = request("shop", spans.clone());
                let body = match as_json {
                    true => serde_json::to_vec(&message).expect("JSON"),
                    false => message.encode_to_vec(),
                };
                let media = if as_json { JSON } else { PROTOBUF };
                let sent = match packed {
                    true => fixture.post("/v1/traces", media, Some("gzip"), gzip(&body)).await,
                    false => fixture.post("/v1/traces", media, None, body).await,
                };
                prop_assert_eq!(sent.0, 200, "{}", String::from_utf8_lossy(&sent.2));
                // What has the same ids is the same span, sent again.
                let expected: BTreeMap<_, _> =
                    spans.iter().map(|span| ((span.trace_id.clone(), span.span_id.clone()), span)).collect();
                let mut seen = 0;
                for trace in 1..4_u8 {
                    let id = TraceId::read(&[trace; 16]).expect("an id");
                    for traced in fixture.telemetry.trace(id).into_iter().flat_map(|trace| trace.spans) {
                        seen += 1;
                        let span = &traced.span;
                        let bytes = u64::from_str_radix(&span.id.to_string(), 16).expect("hexadecimal").to_be_bytes();
                        let sent = expected[&(vec![trace; 16], bytes.to_vec())];
                        prop_assert_eq!(&span.name, &sent.name);
                        prop_assert_eq!(span.parent, SpanId::read(&sent.parent_span_id));
                        let nanoseconds = sent.end_time_unix_nano - sent.start_time_unix_nano;
                        prop_assert_eq!(span.duration.as_nanos(), u128::from(nanoseconds));
                        prop_assert_eq!(span.start.unix_timestamp_nanos(), i128::from(sent.start_time_unix_nano));
                        prop_assert_eq!(span.attributes.to_json(), told(&sent.attributes));
                        prop_assert_eq!(span.events[0].attributes.to_json(), told(&sent.events[0].attributes));
                        prop_assert_eq!(span.links.len(), 1);
                        let status = sent.status.as_ref().expect("a status");
                        let outcome = match status.code() {
                            StatusCode::Error => SpanStatus::Failed(status.message.clone()),
                            _ => SpanStatus::Ok,
                        };
                        prop_assert_eq!(&span.status, &outcome);
                        prop_assert_eq!(span.service(), "shop");
                    }
                }
                prop_assert_eq!(seen, expected.len());
                fixture.telemetry.stop().await;
                Ok(())
            })
        })
        .expect("holds");
}

/// Nothing in a row but what caused what: whatever the order in which spans come, and whatever they say of each other.
#[tokio::test]
async fn a_trace_is_in_the_order_of_its_causes() {
    let fixture = Fixture::start().await;
    let mut late = span(1, 1, 0, "Products");
    late.end_time_unix_nano += 5_000_000_000;
    fixture.send(vec![span(1, 5, 4, "deliver"), span(1, 4, 2, "project"), span(1, 3, 2, "notify")]).await;
    fixture.send(vec![span(1, 2, 1, "send"), span(1, 7, 99, "orphan"), late.clone()]).await;
    // An exporter that did not hear the answer sends again.
    fixture.send(vec![late]).await;
    // In a circle.
    fixture.send(vec![span(1, 8, 9, "hen"), span(1, 9, 8, "egg")]).await;
    let trace = fixture.telemetry.trace(TraceId::read(&[1; 16]).expect("an id")).expect("kept");
    let shown: Vec<_> =
        trace.spans.iter().map(|traced| (traced.depth, traced.span.name.as_str(), traced.offset.as_millis())).collect();
    let expected = [
        (0, "Products", 0),
        (1, "send", 1),
        (2, "notify", 2),
        (2, "project", 3),
        (3, "deliver", 4),
        (0, "orphan", 6),
        (0, "hen", 7),
        (1, "egg", 8),
    ];
    assert_eq!(shown, expected);
    assert_eq!(trace.duration.as_millis(), 6000);
    let recent = fixture.telemetry.recent(10);
    assert_eq!((recent[0].name.as_str(), recent[0].spans), ("Products", 9));
}

#[tokio::test]
async fn a_trace_is_found_by_what_a_span_says() {
    let fixture = Fixture::start().await;
    for trace in [1, 2, 3] {
        let mut span = span(trace, 1, 0, "process");
        span.attributes = vec![text("messaging.message.id", if trace == 3 { "b" } else { "a" })];
        if trace == 2 {
            span.status = Some(Status { message: "no stock".to_owned(), code: StatusCode::Error as i32 });
        }
        fixture.send(vec![span]).await;
    }
    let found = |id| fixture.telemetry.trace_with("messaging.message.id", id).map(|id| id.to_string());
    assert_eq!(found("a"), Some("02".repeat(16)), "the newest");
    assert_eq!(found("b"), Some("03".repeat(16)));
    assert_eq!(found("c"), None);
    let failed = fixture.telemetry.spans(10, |span| span.failed());
    assert_eq!(
        failed.iter().map(|span| span.status.clone()).collect::<Vec<_>>(),
        [SpanStatus::Failed("no stock".into())]
    );
    let recent = fixture.telemetry.recent(2);
    assert_eq!(
        recent.iter().map(|trace| (trace.id.to_string(), trace.failed)).collect::<Vec<_>>(),
        [("03".repeat(16), 0), ("02".repeat(16), 1)]
    );
}

#[tokio::test]
async fn log_records_are_kept_with_their_trace() {
    let fixture = Fixture::start().await;
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeLogs": [{"scope": {"name": "tests"}, "logRecords": [{
            "timeUnixNano": "0", "observedTimeUnixNano": "1700000000000000000", "severityNumber": 17,
            "severityText": "ERROR", "body": {"stringValue": "invocation"},
            "attributes": [{"key": "records", "value": {"intValue": "3"}}, {"key": "rate", "value": {"doubleValue": 0.10}}],
            "traceId": "01".repeat(16), "spanId": "02".repeat(8),
        }]}],
    }]});
    assert_eq!(fixture.post("/v1/logs", JSON, None, body.to_string()).await.0, 200);
    let empty = ExportLogsServiceRequest { resource_logs: Vec::new() }.encode_to_vec();
    assert_eq!(fixture.post("/v1/logs", PROTOBUF, None, empty).await.0, 200);
    let logs = fixture.telemetry.logs(10, |log| log.severity >= 17);
    assert_eq!((logs.len(), &logs[0].body), (1, &json!("invocation")));
    assert_eq!(logs[0].attributes.get("records"), Some(&json!(3)));
    assert_eq!(logs[0].attributes.get("rate"), Some(&json!(0.1)));
    assert_eq!(logs[0].trace.map(|id| id.to_string()), Some("01".repeat(16)));
    assert_eq!(logs[0].at.unix_timestamp(), 1_700_000_000);
    assert!(logs[0].resource.text("service.name") == Some("shop") && LogRecord::default().severity_number == 0);
}
