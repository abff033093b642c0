//! Requests that the real host (4.1037.0) was recorded sending to a handler: from the same inputs this host sends the same, but for
//! ids, times and ports. Request line, headers in their order and spelling, and body are compared as text.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use bytes::Bytes;
use serde_json::{Value, json, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use super::{raw_handler::RawHandler, support::World};
use crate::{
    blobs::{Blob, Properties},
    event_hubs::{BodyKind, Value as AmqpValue},
    functions_host::{
        app::{Cardinality, DataType, EventHubTrigger},
        invocation::{Client, Exception, Failure, Payload, RetryContext, Sys},
        triggers::{
            EventHubContext, HubEvent, TimerStatus, blob_payload, cosmos_db_payload, event_grid_payload,
            event_hub_payload, queue_payload, queue_payload_by_hand, split_events, timer_payload,
        },
    },
    queues::Message,
};

/// One recorded request.
struct Recorded {
    request: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("REAL_DATA")).join("custom-handler-payloads/real-host")
}

fn recorded(name: &str) -> Recorded {
    let file = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    Recorded {
        request: whole["request"].as_str().expect("a line").to_owned(),
        headers: serde_json::from_value(whole["headers"].clone()).expect("pairs"),
        body: whole["body"].as_str().expect("a text").to_owned(),
    }
}

/// The text of what may differ, replaced: ids, and the time of `sys`.
fn neutral(body: &str) -> String {
    let mut text = body.to_owned();
    for (start, end) in [("\"UtcNow\":\"", "\""), ("\"RandGuid\":\"", "\""), ("\"InstanceId\":\"", "\"")] {
        if let Some(at) = text.find(start) {
            let from = at + start.len();
            let length = text[from..].find(end).expect("an end");
            text.replace_range(from..from + length, "…");
        }
    }
    text
}

fn neutral_headers(headers: &[(String, String)], handlers_port: bool) -> Vec<(String, String)> {
    let neutral = |(name, value): &(String, String)| match name.as_str() {
        "X-Azure-Functions-InvocationId" => (name.clone(), "ID".to_owned()),
        "Host" if handlers_port => (name.clone(), value.split(':').next().unwrap_or_default().to_owned()),
        _ => (name.clone(), value.clone()),
    };
    headers.iter().map(neutral).collect()
}

fn assert_same(name: &str, ours: &Recorded, handlers_port: bool) {
    let theirs = recorded(name);
    assert_eq!(ours.request, theirs.request, "{name}");
    assert_eq!(
        neutral_headers(&ours.headers, handlers_port),
        neutral_headers(&theirs.headers, handlers_port),
        "{name}"
    );
    assert_eq!(neutral(&ours.body), neutral(&theirs.body), "{name}");
}

/// Sends an invocation of what was recorded as `name`, made of `payload`, and compares.
async fn compare(name: &str, payload: &Payload<'_>, retry: Option<&RetryContext>) {
    let theirs = recorded(name);
    let function = theirs.request.split(['/', ' ']).nth(2).expect("a path");
    let body = payload.body(&Sys::new(function, datetime!(2026-11-28 18:00 UTC)), retry).expect("encoded");
    let mut handler = RawHandler::start().await;
    let client = Client::new(true, true).await;
    client.invoke(handler.port, function, Uuid::new_v4(), Bytes::from(body)).await.expect("answered");
    let (request, headers, body) = handler.next().await;
    assert_same(name, &Recorded { request, headers, body }, true);
}

/// What every recording of a kind is tried with, so that none is left out.
fn assert_all_are_tried(tried: &[&str], of: impl Fn(&str) -> bool) {
    let files = std::fs::read_dir(folder()).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().replace(".json", ""));
    let there: BTreeSet<String> = names.filter(|name| of(name)).collect();
    assert_eq!(there, tried.iter().map(|name| (*name).to_owned()).collect());
}

fn time(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).expect("a time")
}

fn failed(function: &str, count: u32, max: u32) -> RetryContext {
    let failure = Failure::Status { status: 500, reason: "X".to_owned() };
    RetryContext { count, max: Some(max), exception: Some(Exception::of(function, Uuid::nil(), &failure)) }
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn timers_are_called_as_the_real_host_calls_them() {
    let never = time("0001-01-01T00:00:00Z");
    let status = |last: &str, next: &str| TimerStatus { last: time(last), next: time(next), last_updated: time(last) };
    let ran = status("2026-11-28T18:29:00.0053575Z", "2026-11-28T18:30:00Z");
    compare("timer", &timer_payload("tick", true, Some(ran), true), None).await;
    let due = TimerStatus { last: never, next: time("2026-11-28T18:52:00Z"), last_updated: never };
    compare("timer-past-due", &timer_payload("tick", true, Some(due), false), None).await;
    compare("timer-timespan", &timer_payload("tick", false, None, false), None).await;
    let yearly = TimerStatus { last: never, next: time("2027-01-01T00:00:00Z"), last_updated: never };
    let payload = timer_payload("tick", true, Some(yearly), false);
    let first = RetryContext { max: Some(5), ..RetryContext::default() };
    compare("timer-retry-1", &payload, Some(&first)).await;
    compare("timer-retry-2", &payload, Some(&failed("TmFail2", 1, 5))).await;
    compare("timer-retry-3", &payload, Some(&failed("TmFail2", 2, 5))).await;
    let tried = ["timer", "timer-past-due", "timer-timespan", "timer-retry-1", "timer-retry-2", "timer-retry-3"];
    assert_all_are_tried(&tried, |name| name.starts_with("timer"));
}

const ORDER: &str = r#"{"orderId":"o-1","offset":"mine","when":"2026-01-02T03:04:05.1230000Z","f":1.10}"#;

/// An event of the recording's sender: the first has every kind of property, the second none.
fn event(sequence: i64, offset: i64, enqueued: &str, body: &'static str, is_full: bool, key: Option<&str>) -> HubEvent {
    let named = |name: &str, value| (name.to_owned(), value);
    let text = |value: &str| AmqpValue::string(value);
    let ticks = AmqpValue::Long(639_029_198_456_780_000);
    let when = AmqpValue::Described(Box::new(AmqpValue::symbol("com.microsoft:datetime-offset")), Box::new(ticks));
    let properties = [
        named("source", text("web")),
        named("n", AmqpValue::Int(1)),
        named("d", AmqpValue::Double(1.5)),
        named("flag", AmqpValue::Bool(true)),
        named("when", when),
    ];
    let message = [
        named("message-id", text("m-1")),
        named("correlation-id", text("c-1")),
        named("content-type", text("application/json")),
    ];
    let mut system_properties = if is_full { message.to_vec() } else { Vec::new() };
    system_properties.extend(key.map(|key| named("x-opt-partition-key", text(key))));
    HubEvent {
        kind: BodyKind::Data,
        sequence,
        offset: offset.to_string(),
        enqueued: time(enqueued),
        body: Bytes::from_static(body.as_bytes()),
        properties: if is_full { properties.to_vec() } else { Vec::new() },
        system_properties,
        partition_key: key.map(str::to_owned),
    }
}

fn two(sequence: i64, offset: i64, enqueued: &str) -> [HubEvent; 2] {
    [
        event(sequence, offset, enqueued, ORDER, true, Some("eu")),
        event(sequence + 1, offset + 64, enqueued, r#"{"orderId":"o-2"}"#, false, Some("eu")),
    ]
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn event_hubs_functions_are_called_as_the_real_host_calls_them() {
    let compare_hub = async |name: &str, of: (&str, &str, &str), cardinality, data_type, events: &[HubEvent], retry| {
        let (hub, group, partition) = of;
        let trigger = EventHubTrigger {
            hub: hub.to_owned(),
            consumer_group: group.to_owned(),
            namespace: "127.0.0.1".to_owned(),
            cardinality,
            data_type,
        };
        let context =
            EventHubContext { namespace: "127.0.0.1", hub, consumer_group: group, partition, checkpoints: true };
        let binding = if cardinality == Cardinality::One { "event" } else { "events" };
        let payload = event_hub_payload(binding, &trigger, &context, events).expect("bound");
        compare(name, &payload, retry).await;
    };
    let (many, one) = (Cardinality::Many, Cardinality::One);
    let events = two(0, 0, "2026-11-28T18:48:29.51Z");
    compare_hub("eventhub-many-binary", ("analytics", "$Default", "2"), many, DataType::Binary, &events, None).await;
    let events = two(3, 192, "2026-11-28T18:49:05.775Z");
    compare_hub("eventhub-many-none", ("products", "$Default", "2"), many, DataType::Undefined, &events, None).await;
    let events = [event(274, 17536, "2026-11-28T18:48:29.729Z", "plain text ä", false, None)];
    compare_hub("eventhub-many-string", ("clicks", "$Default", "0"), many, DataType::Text, &events, None).await;
    let events = two(289, 18496, "2026-11-28T18:48:29.692Z");
    compare_hub("eventhub-one-string", ("clicks", "trends", "2"), one, DataType::Text, &events[..1], None).await;
    let first = RetryContext { max: Some(4), ..RetryContext::default() };
    let of = ("clicks", "recently-viewed", "2");
    compare_hub("eventhub-retry", of, many, DataType::Binary, &events, Some(&first)).await;
    let kinds =
        ["many-binary", "many-none", "many-string", "one-string", "retry"].map(|kind| format!("eventhub-{kind}"));
    assert_all_are_tried(&kinds.each_ref().map(String::as_str), |name| name.starts_with("eventhub"));
}

/// The documents of a recorded page of the feed: what the real host was given.
fn documents(name: &str) -> Vec<Box<RawValue>> {
    let body: Value = serde_json::from_str(&recorded(name).body).expect("JSON");
    let array: String = serde_json::from_str(body["Data"]["docs"].as_str().expect("a text")).expect("a text in it");
    serde_json::from_str(&array).expect("documents")
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn feeds_queues_blobs_and_event_grid_are_called_as_the_real_host_calls_them() {
    for (name, retry) in [("cosmos", None), ("cosmos-after-failures", Some(failed("CosAlways500", 1, 1)))] {
        let documents = documents(name);
        let items: Vec<&str> = documents.iter().map(|document| document.get()).collect();
        compare(name, &cosmos_db_payload("docs", &items).expect("JSON"), retry.as_ref()).await;
    }

    let message = |id: &str, inserted: &str| {
        let record = json!({"sequence": 1, "text": "", "dequeued": 1, "inserted": millis(inserted),
            "expires": millis(inserted) + 7 * 86_400_000, "visible": millis("2026-11-28T18:34:40Z"),
            "receipt": "02000000-0300-0000-0000-000000000267"});
        Message::from_stored(Uuid::parse_str(id).expect("an id"), record)
    };
    let text = r#"{"orderId":"o-1","d":"2026-01-02T03:04:05.678Z","n":1,"f":1.50,"b":true,"arr":[1],"nul":null,"o":{"x":1},"id":"mine"}"#;
    let json = message("f8ae0e24-af00-4abc-a885-ea463e6e738d", "2026-11-28T18:24:36Z");
    let plain = message("f8ae0e24-af00-4abc-a885-ea463e6e738d", "2026-11-28T18:24:37Z");
    for (name, message, text) in [("queue-json", &json, text), ("queue-text", &plain, r#"hello ä/"x""#)] {
        let theirs = recorded(name);
        let body: Value = serde_json::from_str(&theirs.body).expect("JSON");
        let payload = queue_payload("item", DataType::Undefined, message, text.as_bytes());
        let function = body["Metadata"]["sys"]["MethodName"].as_str().expect("a name");
        let ours = payload.body(&Sys::new(function, datetime!(2026-11-28 18:00 UTC)), None).expect("encoded");
        // A receipt is an id like any other.
        let receipt: String =
            serde_json::from_str(body["Metadata"]["PopReceipt"].as_str().expect("a text")).expect("JSON");
        let ours = String::from_utf8(ours).expect("UTF-8").replace(&message.receipt.to_string(), &receipt);
        assert_same(name, &Recorded { body: ours, ..recorded(name) }, true);
    }
    let now = time("2026-11-28T18:57:27.8121284Z");
    let input = r#"{"orderId":"o-9"}"#;
    let by_hand = queue_payload_by_hand("item", DataType::Binary, now, input).by_hand(Some(input));
    compare("queue-binary", &by_hand, None).await;

    let input = r#"{"id":"e","data":{"a":1}}"#;
    let events = split_events(input.as_bytes()).expect("one event");
    let payload = event_grid_payload("ev", Cardinality::One, &events).expect("bound").by_hand(Some(input));
    compare("event-grid-one", &payload, None).await;

    let properties = Properties {
        etag: "\"0x1\"".to_owned(),
        last_modified: time("2026-11-28T18:25:45Z"),
        created: time("2026-11-28T18:24:41Z"),
        content_type: "text/plain".to_owned(),
        content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned()),
        content_encoding: None,
        content_language: None,
        content_disposition: None,
        cache_control: None,
        length: 5,
        metadata: BTreeMap::new(),
    };
    let blob = Blob { body: Bytes::from_static(b"hello"), properties };
    let uri = "http://127.0.0.1:35221/devstoreaccount1/recin/a.txt";
    let payload = blob_payload("blob", uri, &blob, &[("name", "a.txt")]).by_hand(Some("recin/a.txt"));
    compare("blob", &payload, None).await;
    let tried =
        ["cosmos", "cosmos-after-failures", "queue-json", "queue-text", "queue-binary", "event-grid-one", "blob"];
    assert_all_are_tried(&tried, |name| !["timer", "eventhub", "http"].iter().any(|kind| name.starts_with(kind)));
}

fn millis(text: &str) -> i64 {
    time(text).unix_timestamp() * 1000
}

/// What curl sent to the real host: the request line's method and target, headers beside its usual ones, and a body.
const HTTP: [(&str, &str, &str, &str); 6] = [
    ("http-1", "GET /api/items/7/a/b%2Fc?dry=1&x=1&x=2&code=zz", "X-One: a\r\nX-One: b\r\nCookie: c=d\r\n", ""),
    ("http-2", "POST /api/items/8", "Content-Type: application/octet-stream\r\nContent-Length: 3\r\n", "bin"),
    (
        "http-3",
        "POST /api/items/9",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
        "9\r\n{\"qty\":2}\r\n0\r\n\r\n",
    ),
    ("http-4", "POST /api/items/10", "Content-Type: text/plain\r\nContent-Length: 5\r\n", "plain"),
    ("http-5", "POST /api/items/11", "Content-Type: application/json\r\nContent-Length: 5\r\n", "[1,2]"),
    (
        "http-6",
        "GET /api/items/77",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=b\r\n",
        "",
    ),
];
const FORWARDED: [(&str, &str, &str, &str); 5] = [
    (
        "http-forwarded-1",
        "GET /api/items/7/a/b%2Fc?dry=1&x=1&x=2&q=%C3%A4",
        "X-One: a\r\nX-One: b\r\nCookie: c=d\r\n\
         traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "",
    ),
    ("http-forwarded-2", "POST /api/items/7", "Content-Type: application/json\r\nContent-Length: 9\r\n", "{\"qty\":2}"),
    (
        "http-forwarded-3",
        "PUT /api/items/9",
        "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 7\r\n",
        "{\"e\":1}",
    ),
    ("http-forwarded-4", "POST /api/items/10", "", ""),
    ("http-forwarded-5", "GET /API/Items/7", "", ""),
];

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn http_functions_are_called_as_the_real_host_calls_them() {
    for (forwards, port, requests) in [(false, 7101, &HTTP[..]), (true, 7104, &FORWARDED[..])] {
        let world = World::new().await;
        let mut handler = RawHandler::start().await;
        world.write(
            "host.json",
            &json!({"version": "2.0", "customHandler": {
                "description": {"defaultExecutablePath": "sleep", "arguments": ["1000"]},
                "port": handler.port, "enableForwardingHttpRequest": forwards}}),
        );
        world.function(
            "HttpA",
            &json!([{"type": "httpTrigger", "name": "req", "route": "items/{id}/{*rest}", "authLevel": "anonymous",
                "methods": ["GET", "POST", "PUT"]}, {"type": "http", "direction": "out", "name": "res"}]),
            &Value::Null,
        );
        let host = world.start().await.expect("started");
        host.ready().await.expect("ready");
        for (name, request, headers, body) in requests {
            let mut connection = tokio::net::TcpStream::connect(host.address()).await.expect("connected");
            let head = format!(
                "{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n{headers}\r\n"
            );
            connection.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.expect("written");
            let (request, headers, body) = handler.next().await;
            assert_same(name, &Recorded { request, headers, body }, !forwards);
            // Whatever it answers: the host is done with it.
            connection.read_u8().await.expect("an answer");
        }
        host.stop().await;
    }
    let tried: Vec<&str> = HTTP.iter().chain(&FORWARDED).map(|(name, ..)| *name).collect();
    assert_all_are_tried(&tried, |name| name.starts_with("http"));
}
