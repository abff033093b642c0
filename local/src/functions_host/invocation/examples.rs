//! Golden tests: every example of the protocol's description, and bodies that were recorded from real hosts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value as Json, json, value::RawValue};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    exception::Exception,
    judge::Failure,
    payload::{Payload, Sys},
    retry::RetryContext,
};
use crate::{
    blobs::{Blob, Properties as BlobProperties},
    event_hubs::{BodyKind, StoredEvent, Value as AmqpValue},
    functions_host::{
        app::{Cardinality, DataType, EventHubTrigger},
        front::{TriggerRequest, http_payload},
        triggers::{
            EventHubContext, HubEvent, TimerStatus, blob_payload, cosmos_db_payload, event_grid_payload,
            event_hub_payload, queue_payload, timer_payload,
        },
    },
    queues::Message,
};

fn body(payload: &Payload<'_>, function: &str, now: OffsetDateTime, guid: &str) -> String {
    let mut sys = Sys::new(function, now);
    sys.rand_guid = Uuid::parse_str(guid).expect("a GUID");
    String::from_utf8(payload.body(&sys, None).expect("encoded")).expect("UTF-8")
}

#[test]
fn a_timer() {
    let status = TimerStatus {
        last: datetime!(2026-01-05 09:55:00.0012345 UTC),
        next: datetime!(2026-01-05 10:00 UTC),
        last_updated: datetime!(2026-01-05 09:55:00.0012345 UTC),
    };
    assert_eq!(
        body(
            &timer_payload("tick", true, Some(status), false),
            "Tick",
            datetime!(2026-01-05 10:00:00.0154321 UTC),
            "3b0c7a52-6d0e-4c64-9a43-0a5c3f0f2b11"
        ),
        r#"{"Data":{"tick":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-01-05T09:55:00.0012345+00:00","Next":"2026-01-05T10:00:00+00:00","LastUpdated":"2026-01-05T09:55:00.0012345+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"Tick","UtcNow":"2026-01-05T10:00:00.0154321Z","RandGuid":"3b0c7a52-6d0e-4c64-9a43-0a5c3f0f2b11"}}}"#
    );
    let unmonitored = body(
        &timer_payload("tick", true, None, true),
        "Tick",
        datetime!(2026-01-05 10:00 UTC),
        &Uuid::nil().to_string(),
    );
    assert!(unmonitored.contains(r#""ScheduleStatus":null,"IsPastDue":true"#), "{unmonitored}");
}

#[test]
fn a_page_of_the_change_feed() {
    let document = r#"{"id":"o-1","pk":"eu","_rid":"7wQ1AKqLx4gBAAAAAAAAAA==","_self":"dbs/7wQ1AA==/colls/7wQ1AKqLx4g=/docs/7wQ1AKqLx4gBAAAAAAAAAA==/","_etag":"\"0000-0d00-0000-695b8a400000\"","_attachments":"attachments/","_ts":1767607200,"_lsn":17}"#;
    assert_eq!(
        body(
            &cosmos_db_payload("docs", &[document]).expect("JSON"),
            "OnOrders",
            datetime!(2026-01-05 10:00:01.2 UTC),
            "b7cf9f0c-6b6e-4b0b-8a77-3a40a4dfc7aa"
        ),
        r#"{"Data":{"docs":"\"[{\\\"id\\\":\\\"o-1\\\",\\\"pk\\\":\\\"eu\\\",\\\"_rid\\\":\\\"7wQ1AKqLx4gBAAAAAAAAAA==\\\",\\\"_self\\\":\\\"dbs/7wQ1AA==/colls/7wQ1AKqLx4g=/docs/7wQ1AKqLx4gBAAAAAAAAAA==/\\\",\\\"_etag\\\":\\\"\\\\\\\"0000-0d00-0000-695b8a400000\\\\\\\"\\\",\\\"_attachments\\\":\\\"attachments/\\\",\\\"_ts\\\":1767607200,\\\"_lsn\\\":17}]\""},"Metadata":{"sys":{"MethodName":"OnOrders","UtcNow":"2026-01-05T10:00:01.2Z","RandGuid":"b7cf9f0c-6b6e-4b0b-8a77-3a40a4dfc7aa"}}}"#
    );
}

fn hub_trigger(cardinality: Cardinality, data_type: DataType) -> EventHubTrigger {
    EventHubTrigger {
        hub: "orders".to_owned(),
        consumer_group: "$Default".to_owned(),
        namespace: "shop.servicebus.windows.net".to_owned(),
        cardinality,
        data_type,
    }
}

fn hub_context() -> EventHubContext<'static> {
    EventHubContext {
        namespace: "shop.servicebus.windows.net",
        hub: "orders",
        consumer_group: "$Default",
        partition: "0",
        checkpoints: true,
    }
}

fn hub_event(sequence: i64, offset: i64, enqueued: OffsetDateTime, body: &'static str, key: Option<&str>) -> HubEvent {
    let source = ("source".to_owned(), AmqpValue::string("web"));
    HubEvent {
        kind: BodyKind::Data,
        sequence,
        offset: offset.to_string(),
        enqueued,
        body: Bytes::from_static(body.as_bytes()),
        properties: key.map(|_| vec![source]).unwrap_or_default(),
        system_properties: key
            .map(|key| ("x-opt-partition-key".to_owned(), AmqpValue::string(key)))
            .into_iter()
            .collect(),
        partition_key: key.map(str::to_owned),
    }
}

fn two_events() -> [HubEvent; 2] {
    [
        hub_event(41, 8_589_934_592, datetime!(2026-01-05 10:00:00.123 UTC), r#"{"orderId":"o-1"}"#, Some("eu")),
        hub_event(42, 8_589_934_720, datetime!(2026-01-05 10:00:00.456 UTC), r#"{"orderId":"o-2"}"#, None),
    ]
}

/// The extension reads data sections and nothing else, nothing at all included; one other body fails the whole batch.
#[test]
fn a_body_that_is_no_data_is_not_bound() {
    for (section, kind) in [
        (&b"\x00\x53\x75\xa0\x01x"[..], BodyKind::Data),
        (b"", BodyKind::Data),
        (b"\x00\x53\x77\x40", BodyKind::Data),
        (b"\x00\x53\x77\xa1\x01x", BodyKind::Value),
        (b"\x00\x53\x76\x45", BodyKind::Sequence),
    ] {
        let message = Bytes::from_static(section);
        let stored = StoredEvent { sequence: 0, offset: 0, enqueued_millis: 0, message };
        assert_eq!(stored.decode_in_order().expect("decoded").kind, kind, "{section:x?}");
        let [first, second] = two_events();
        let events = [first, HubEvent { kind, ..second }];
        for (cardinality, events) in [(Cardinality::Many, &events[..]), (Cardinality::One, &events[1..])] {
            let trigger = hub_trigger(cardinality, DataType::Text);
            let bound = event_hub_payload("events", &trigger, &hub_context(), events);
            assert_eq!(bound.is_ok(), kind == BodyKind::Data, "{section:x?}");
        }
    }
}

#[test]
fn a_batch_of_hub_events() {
    let events = two_events();
    let trigger = hub_trigger(Cardinality::Many, DataType::Text);
    assert_eq!(
        body(
            &event_hub_payload("events", &trigger, &hub_context(), &events).expect("bound"),
            "IngestOrders",
            datetime!(2026-01-05 10:00:00.5 UTC),
            "0f2f3ad4-6a2f-4c0f-9c55-8a6b8b6a1e10"
        ),
        r#"{"Data":{"events":"[\"{\\\"orderId\\\":\\\"o-1\\\"}\",\"{\\\"orderId\\\":\\\"o-2\\\"}\"]"},"Metadata":{"TriggerPartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"shop.servicebus.windows.net","EventHubName":"orders","ConsumerGroup":"$Default","PartitionId":"0"},"PartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"shop.servicebus.windows.net","EventHubName":"orders","ConsumerGroup":"$Default","PartitionId":"0"},"PartitionKeyArray":"[\"eu\",null]","OffsetArray":"[\"8589934592\",\"8589934720\"]","OffsetStringArray":"[\"8589934592\",\"8589934720\"]","SequenceNumberArray":"[41,42]","EnqueuedTimeUtcArray":"[\"2026-01-05T10:00:00.123\",\"2026-01-05T10:00:00.456\"]","PropertiesArray":"[{\"source\":\"web\"},{}]","SystemPropertiesArray":"[{\"x-opt-partition-key\":\"eu\",\"x-opt-sequence-number\":41,\"x-opt-offset\":\"8589934592\",\"x-opt-enqueued-time\":\"2026-01-05T10:00:00.123+00:00\",\"SequenceNumber\":41,\"Offset\":8589934592,\"OffsetString\":\"8589934592\",\"PartitionKey\":\"eu\",\"EnqueuedTimeUtc\":\"2026-01-05T10:00:00.123\"},{\"x-opt-sequence-number\":42,\"x-opt-offset\":\"8589934720\",\"x-opt-enqueued-time\":\"2026-01-05T10:00:00.456+00:00\",\"SequenceNumber\":42,\"Offset\":8589934720,\"OffsetString\":\"8589934720\",\"PartitionKey\":null,\"EnqueuedTimeUtc\":\"2026-01-05T10:00:00.456\"}]","sys":{"MethodName":"IngestOrders","UtcNow":"2026-01-05T10:00:00.5Z","RandGuid":"0f2f3ad4-6a2f-4c0f-9c55-8a6b8b6a1e10"}}}"#
    );
}

#[test]
fn the_other_data_types_of_a_batch() {
    let events = two_events();
    let data = |data_type| {
        let trigger = hub_trigger(Cardinality::Many, data_type);
        let payload = event_hub_payload("events", &trigger, &hub_context(), &events).expect("bound");
        let body = body(&payload, "IngestOrders", datetime!(2026-01-05 10:00 UTC), &Uuid::nil().to_string());
        body.split(",\"Metadata\"").next().unwrap_or_default().to_owned()
    };
    assert_eq!(data(DataType::Undefined), r#"{"Data":{"events":"[{\"orderId\":\"o-1\"},{\"orderId\":\"o-2\"}]"}"#);
    assert_eq!(
        data(DataType::Binary),
        r#"{"Data":{"events":"[\"eyJvcmRlcklkIjoiby0xIn0=\",\"eyJvcmRlcklkIjoiby0yIn0=\"]"}"#
    );
    let trigger = hub_trigger(Cardinality::Many, DataType::Undefined);
    let empty = [hub_event(1, 1, datetime!(2026-01-05 10:00 UTC), "", None)];
    let payload = event_hub_payload("events", &trigger, &hub_context(), &empty).expect("bound");
    let bound = body(&payload, "IngestOrders", datetime!(2026-01-05 10:00 UTC), &Uuid::nil().to_string());
    assert!(bound.starts_with(r#"{"Data":{"events":"[null]"}"#), "{bound}");
    let bad = [hub_event(1, 1, datetime!(2026-01-05 10:00 UTC), "not JSON", None)];
    let refused = event_hub_payload("events", &trigger, &hub_context(), &bad).err().expect("refused");
    assert!(refused.starts_with("Binding parameters to complex objects"), "{refused}");
}

#[test]
fn one_hub_event_with_a_json_body() {
    let event = [hub_event(
        41,
        8_589_934_592,
        datetime!(2026-01-05 10:00:00.123 UTC),
        r#"{"orderId":"o-1","qty":2}"#,
        Some("eu"),
    )];
    let trigger = hub_trigger(Cardinality::One, DataType::Text);
    assert_eq!(
        body(
            &event_hub_payload("event", &trigger, &hub_context(), &event).expect("bound"),
            "IngestOne",
            datetime!(2026-01-05 10:00:00.5 UTC),
            "2f0d1a6e-3f55-4d3a-8a0b-5c1f2f7f9d01"
        ),
        r#"{"Data":{"event":"\"{\\\"orderId\\\":\\\"o-1\\\",\\\"qty\\\":2}\""},"Metadata":{"TriggerPartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"shop.servicebus.windows.net","EventHubName":"orders","ConsumerGroup":"$Default","PartitionId":"0"},"PartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"shop.servicebus.windows.net","EventHubName":"orders","ConsumerGroup":"$Default","PartitionId":"0"},"PartitionKey":"\"eu\"","Offset":"\"8589934592\"","OffsetString":"\"8589934592\"","SequenceNumber":"41","EnqueuedTimeUtc":"2026-01-05T10:00:00","Properties":{"source":"web"},"SystemProperties":{"x-opt-partition-key":"eu","x-opt-sequence-number":41,"x-opt-offset":"8589934592","x-opt-enqueued-time":"2026-01-05T10:00:00.123+00:00","SequenceNumber":41,"Offset":8589934592,"OffsetString":"8589934592","PartitionKey":"eu","EnqueuedTimeUtc":"2026-01-05T10:00:00.123"},"sys":{"MethodName":"IngestOne","UtcNow":"2026-01-05T10:00:00.5Z","RandGuid":"2f0d1a6e-3f55-4d3a-8a0b-5c1f2f7f9d01"},"orderId":"\"o-1\"","qty":"\"2\""}}"#
    );
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

#[test]
fn one_event_of_event_grid() {
    let event = [raw(
        r#"{"specversion":"1.0","id":"e-1","source":"/shop/orders","type":"shop.order.placed","time":"2026-01-05T10:00:00.1230000Z","subject":"orders/o-1","datacontenttype":"application/json","data":{"orderId":"o-1"}}"#,
    )];
    assert_eq!(
        body(
            &event_grid_payload("ev", Cardinality::One, &event).expect("bound"),
            "OnEvent",
            datetime!(2026-01-05 10:00:02.5 UTC),
            "77b0a0cf-2c8a-4b02-9a19-6f9f3e0b8f55"
        ),
        r#"{"Data":{"ev":{"specversion":"1.0","id":"e-1","source":"/shop/orders","type":"shop.order.placed","time":"2026-01-05T10:00:00.123Z","subject":"orders/o-1","datacontenttype":"application/json","data":{"orderId":"o-1"}}},"Metadata":{"data":{"orderId":"o-1"},"sys":{"MethodName":"OnEvent","UtcNow":"2026-01-05T10:00:02.5Z","RandGuid":"77b0a0cf-2c8a-4b02-9a19-6f9f3e0b8f55"}}}"#
    );
}

#[test]
fn many_events_of_event_grid() {
    let events = [raw(
        r#"{"id":"e-1","topic":"/t","subject":"orders/o-1","eventType":"shop.order.placed","eventTime":"2026-01-05T10:00:00Z","data":{"orderId":"o-1"},"dataVersion":"1","metadataVersion":"1"}"#,
    )];
    assert_eq!(
        body(
            &event_grid_payload("evs", Cardinality::Many, &events).expect("bound"),
            "OnEvents",
            datetime!(2026-01-05 10:00:02.5 UTC),
            "9a1f4b6e-0c3d-4d8a-8f32-0b7a5e6c9d22"
        ),
        r#"{"Data":{"evs":"[{\"id\":\"e-1\",\"topic\":\"/t\",\"subject\":\"orders/o-1\",\"eventType\":\"shop.order.placed\",\"eventTime\":\"2026-01-05T10:00:00Z\",\"data\":{\"orderId\":\"o-1\"},\"dataVersion\":\"1\",\"metadataVersion\":\"1\"}]"},"Metadata":{"data":"[{\"orderId\":\"o-1\"}]","sys":{"MethodName":"OnEvents","UtcNow":"2026-01-05T10:00:02.5Z","RandGuid":"9a1f4b6e-0c3d-4d8a-8f32-0b7a5e6c9d22"}}}"#
    );
}

fn http_request(body: &'static str, content_type: &'static str) -> TriggerRequest {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::HOST, HeaderValue::from_static("localhost:7071"));
    TriggerRequest {
        url: "http://localhost:7071/api/orders/7?dry=1".to_owned(),
        method: Method::POST,
        query: "dry=1".to_owned(),
        headers,
        parameters: vec![("id".to_owned(), Some("7".to_owned()))],
        key: None,
        body: Some(Bytes::from_static(body.as_bytes())),
    }
}

#[test]
fn an_http_request_that_is_not_forwarded() {
    let incoming = http_request(r#"{"qty":2}"#, "application/json");
    let body = body(
        &http_payload("req", &incoming),
        "Orders",
        datetime!(2026-01-05 10:00:01.5 UTC),
        "5e6f7a80-1b2c-4d3e-9f40-516273849506",
    );
    let expected = r#"{"Data":{"req":{"Url":"http://localhost:7071/api/orders/7?dry=1","Method":"POST","Query":{"dry":"1"},"Headers":{"Content-Type":["application/json"],"Content-Length":["9"],"Host":["localhost:7071"]},"Params":{"id":"7"},"Identities":[],"Body":"{\"qty\":2}"}},"Metadata":{"qty":"\"2\"","dry":"\"1\"","id":"\"7\"","Query":{"dry":"1"},"Headers":{"Content-Type":"application/json","Content-Length":"9","Host":"localhost:7071"},"sys":{"MethodName":"Orders","UtcNow":"2026-01-05T10:00:01.5Z","RandGuid":"5e6f7a80-1b2c-4d3e-9f40-516273849506"}}}"#;
    // The example leaves the identity out. The order of headers is not part of the protocol, the values are compared.
    let mut value: Json = serde_json::from_str(&body).expect("JSON");
    assert_eq!(value["Data"]["req"]["Identities"][0]["IsAuthenticated"], false);
    value["Data"]["req"]["Identities"] = json!([]);
    assert_eq!(value, serde_json::from_str::<Json>(expected).expect("JSON"));
    assert!(body.contains(r#""Body":"{\"qty\":2}""#), "{body}");
}

#[test]
fn a_binary_http_body_is_base64() {
    let body = body(
        &http_payload("req", &http_request("hello", "application/octet-stream")),
        "Orders",
        datetime!(2026-01-05 10:00 UTC),
        &Uuid::nil().to_string(),
    );
    assert!(body.contains(r#""Body":"aGVsbG8=""#), "{body}");
}

#[test]
fn the_retry_context_comes_last_and_as_it_is() {
    let payload = timer_payload("tick", true, None, false);
    let sys = Sys::new("Tick", datetime!(2026-01-05 10:00 UTC));
    let written =
        |context: &RetryContext| String::from_utf8(payload.body(&sys, Some(context)).expect("encoded")).expect("UTF-8");
    let first = written(&RetryContext::default());
    let expected =
        r#","RetryContext":{"RetryCount":0,"MaxRetryCount":-1,"Exception":null,"Instance":null,"State":{}}}}"#;
    assert!(first.ends_with(expected), "{first}");
    let broken = Exception::of("Tick", Uuid::nil(), &Failure::Malformed("it broke".to_owned()));
    let second = written(&RetryContext { count: 1, max: Some(3), exception: Some(broken) });
    let second: Json = serde_json::from_str(&second).expect("JSON");
    let context = &second["Metadata"]["RetryContext"];
    assert_eq!((&context["RetryCount"], &context["MaxRetryCount"]), (&json!(1), &json!(3)));
    assert!(context["Exception"]["InnerException"]["Message"].to_string().contains("it broke"), "{context}");
}

/// The folder of recorded bodies.
fn recorded() -> PathBuf {
    Path::new(env!("REAL_DATA")).join("custom-handler-payloads")
}

fn recorded_body(folder: &Path, name: &str) -> (String, Json) {
    let text = std::fs::read_to_string(folder.join(name)).expect("readable");
    let value = serde_json::from_str(&text).expect("JSON");
    (text.trim_end().to_owned(), value)
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn a_recorded_change_feed_page_is_reproduced_byte_for_byte() {
    let folder = recorded();
    let (text, value) = recorded_body(&folder, "gewoscout/CosmosTrigger.json");
    let (name, data) = value["Data"].as_object().expect("an object").iter().next().expect("a value");
    let array: String = serde_json::from_str(data.as_str().expect("a string")).expect("a string in a string");
    let documents: Vec<Box<RawValue>> = serde_json::from_str(&array).expect("an array in it");
    let items: Vec<&str> = documents.iter().map(|document| document.get()).collect();
    let sys = &value["Metadata"]["sys"];
    let now = time::format_description::well_known::Rfc3339;
    let now = OffsetDateTime::parse(sys["UtcNow"].as_str().expect("a time"), &now).expect("a time");
    let payload = cosmos_db_payload(name, &items).expect("JSON");
    let guid = sys["RandGuid"].as_str().expect("a GUID");
    assert_eq!(body(&payload, sys["MethodName"].as_str().expect("a name"), now, guid), text);
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn the_merged_members_of_a_recorded_queue_message_are_reproduced() {
    let folder = recorded();
    let (_, value) = recorded_body(&folder, "gewoscout/scraperResultTrigger.json");
    let message: String = serde_json::from_str(value["Data"]["msg"].as_str().expect("a string")).expect("a string");
    let mut metadata = super::Metadata::default();
    metadata.add_sys();
    metadata.merge_body(&message);
    let payload = Payload { data: ("msg", super::Value::json(&message)), metadata, size_hint: 0 };
    let ours: Json =
        serde_json::from_str(&body(&payload, "f", OffsetDateTime::UNIX_EPOCH, &Uuid::nil().to_string())).expect("JSON");
    assert_eq!(ours["Data"], value["Data"]);
    for merged in ["scraperId", "timestamp"] {
        assert_eq!(ours["Metadata"][merged], value["Metadata"][merged], "{merged}");
    }
    assert!(ours["Metadata"].get("listings").is_none(), "arrays are not merged");
}

/// The shape of a value: types and member names, strings of any content alike.
fn shape(value: &Json) -> Json {
    match value {
        Json::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Json::Array(elements) => elements.iter().map(shape).collect(),
        Json::String(_) => json!("text"),
        other => other.clone(),
    }
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn recorded_timers_and_http_requests_have_our_shape() {
    let folder = recorded();
    let status = TimerStatus {
        last: OffsetDateTime::UNIX_EPOCH,
        next: OffsetDateTime::UNIX_EPOCH,
        last_updated: OffsetDateTime::UNIX_EPOCH,
    };
    for name in ["azfunc-go/timerRequest1.json", "azfunc-go/timerRequest2.json"] {
        let (_, theirs) = recorded_body(&folder, name);
        let binding = theirs["Data"].as_object().expect("an object").keys().next().expect("a name");
        let payload = timer_payload(binding, true, Some(status), false);
        let ours = body(&payload, "f", OffsetDateTime::UNIX_EPOCH, &Uuid::nil().to_string());
        assert_eq!(shape(&serde_json::from_str(&ours).expect("JSON")), shape(&theirs), "{name}");
    }
    for name in ["azfunc-go/httpRequest1.json", "azfunc-go/httpRequest2.json"] {
        let (_, theirs) = recorded_body(&folder, name);
        let binding = theirs["Data"].as_object().expect("an object").keys().next().expect("a name");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let incoming = TriggerRequest {
            url: "http://localhost:7071/api/endpoint".to_owned(),
            method: Method::POST,
            query: String::new(),
            headers,
            parameters: Vec::new(),
            key: None,
            body: Some(Bytes::from_static(br#"{"message":"hello","number":2}"#)),
        };
        let ours = body(&http_payload(binding, &incoming), "f", OffsetDateTime::UNIX_EPOCH, &Uuid::nil().to_string());
        let mut ours: Json = serde_json::from_str(&ours).expect("JSON");
        // Core Tools lets everybody be an administrator; the host itself tells who brought no key.
        ours["Data"][binding]["Identities"] = theirs["Data"][binding]["Identities"].clone();
        let ours = ours;
        assert_eq!(shape(&ours["Data"][binding]), shape(&theirs["Data"][binding]), "{name}");
        assert_eq!(shape(&ours["Metadata"]["sys"]), shape(&theirs["Metadata"]["sys"]), "{name}");
    }
}

/// Metadata of recorded queue messages: the same names and kinds of values. The documentation's sample has the names, but
/// not the quotes that hosts write.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn recorded_queue_messages_have_our_shape() {
    let folder = recorded();
    let record = json!({"sequence": 1, "text": "", "inserted": 0, "expires": 0, "visible": 0, "receipt": "02000000-0300-0000-0000-000000000267", "dequeued": 1});
    let message = Message::from_stored(Uuid::nil(), record);
    let ours = |body: &str| -> Json {
        let payload = queue_payload("msg", DataType::Undefined, &message, body.as_bytes());
        serde_json::from_str(&self::body(&payload, "f", OffsetDateTime::UNIX_EPOCH, &Uuid::nil().to_string()))
            .expect("JSON")
    };
    let (_, scraped) = recorded_body(&folder, "gewoscout/scraperResultTrigger.json");
    let text: String = serde_json::from_str(scraped["Data"]["msg"].as_str().expect("a string")).expect("a string");
    assert_eq!(ours(&text)["Data"], scraped["Data"]);
    assert_eq!(shape(&ours(&text)["Metadata"]), shape(&scraped["Metadata"]));
    let (_, greeting) = recorded_body(&folder, "azfunc-go/queueRequest1.json");
    assert_eq!(shape(&ours(r#"{"heyoooo":"hello"}"#)["Metadata"]), shape(&greeting["Metadata"]));
    let (_, documented) = recorded_body(&folder, "azure-docs/queue-trigger.json");
    let names = |value: &Json| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours("text")["Metadata"]), names(&documented["Metadata"]));
}

#[test]
fn a_queue_message() {
    let record = json!({"sequence": 1, "text": "", "inserted": 1_767_607_200_000_i64, "expires": 1_768_212_000_000_i64,
        "visible": 1_767_607_800_000_i64, "receipt": "02000000-0300-0000-0000-000000000267", "dequeued": 1});
    let id = Uuid::parse_str("800ae4b3-bdd2-4c08-badd-f08e5a34b865").expect("a GUID");
    let message = Message::from_stored(id, record);
    let text = br#"{"orderId":"o-1"}"#;
    let written = |data_type| {
        let guid = "24ad4c06-24ad-4e5b-8294-3da9714877e9";
        let payload = queue_payload("item", data_type, &message, text);
        body(&payload, "Work", datetime!(2026-01-05 10:00:01.5 UTC), guid)
    };
    let expected = r#"{"Data":{"item":"\"{\\\"orderId\\\":\\\"o-1\\\"}\""},"Metadata":{"DequeueCount":"1","ExpirationTime":"2026-01-12T10:00:00+00:00","Id":"\"800ae4b3-bdd2-4c08-badd-f08e5a34b865\"","InsertionTime":"2026-01-05T10:00:00+00:00","NextVisibleTime":"2026-01-05T10:10:00+00:00","PopReceipt":"\"RECEIPT\"","sys":{"MethodName":"Work","UtcNow":"2026-01-05T10:00:01.5Z","RandGuid":"24ad4c06-24ad-4e5b-8294-3da9714877e9"},"orderId":"\"o-1\""}}"#;
    let expected = expected.replace("RECEIPT", &message.receipt.to_string());
    assert_eq!(written(DataType::Undefined), expected);
    assert_eq!(written(DataType::Text), expected);
    let binary = written(DataType::Binary);
    assert!(binary.starts_with(r#"{"Data":{"item":"eyJvcmRlcklkIjoiby0xIn0="},"#), "{binary}");
    assert!(!binary.contains("orderId"), "bytes are not merged: {binary}");
}

#[test]
fn a_blob() {
    let blob = Blob {
        body: Bytes::from_static(b"hello"),
        properties: BlobProperties {
            etag: "\"0x1\"".to_owned(),
            last_modified: datetime!(2026-01-05 10:00 UTC),
            created: datetime!(2026-01-05 09:00 UTC),
            content_type: "text/plain".to_owned(),
            content_md5: None,
            content_encoding: None,
            content_language: None,
            content_disposition: None,
            cache_control: None,
            length: 5,
            metadata: BTreeMap::new(),
        },
    };
    let uri = "https://acct.blob.core.windows.net/in/a.txt";
    let guid = "c1b6d0de-5b3e-4ad0-8b15-2d5a6c7e8f90";
    let payload = blob_payload("blob", uri, &blob, &[("name", "a.txt")]);
    let body = body(&payload, "OnBlob", datetime!(2026-01-05 10:00:01.5 UTC), guid);
    let start = r#"{"Data":{"blob":"aGVsbG8="},"Metadata":{"Uri":"\"https://acct.blob.core.windows.net/in/a.txt\"","Properties":{"LastModified":"2026-01-05T10:00:00+00:00","CreatedOn":"2026-01-05T09:00:00+00:00","Metadata":{},"#;
    let end = r#""HasLegalHold":false},"Metadata":{},"name":"\"a.txt\"","sys":{"MethodName":"OnBlob","UtcNow":"2026-01-05T10:00:01.5Z","RandGuid":"c1b6d0de-5b3e-4ad0-8b15-2d5a6c7e8f90"}}}"#;
    assert!(body.starts_with(start) && body.ends_with(end), "{body}");
    assert!(body.contains(r#""ContentLength":5,"ContentType":"text/plain","ETag":{},"ContentHash":null,"#), "{body}");
}
