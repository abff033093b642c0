//! Invocations in every form hosts use, and damaged ones: each is read as meant or refused as malformed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    event_hub::{Subscription, Texts},
    invocation::{Invocation, json_text},
};
use crate::function::{Order, TimerInfo};

const SUBSCRIPTION: Subscription =
    Subscription { function: "F", hub: "products", consumer_group: "site", order: Order::Key };

/// One event as the host knows it.
#[derive(Clone, Debug)]
struct Sent {
    body: Vec<u8>,
    property: String,
    content_type: Option<String>,
    sequence: i64,
    offset: String,
    seconds: i64,
}

fn sent() -> impl Strategy<Value = Sent> {
    let place = (0..i64::MAX, any::<String>(), 0..4_000_000_000_i64);
    (proptest::collection::vec(any::<u8>(), 0..30), any::<String>(), proptest::option::of("[a-z/+;=]{0,12}"), place)
        .prop_map(|(body, property, content_type, (sequence, offset, seconds))| Sent {
            body,
            property,
            content_type,
            sequence,
            offset,
            seconds,
        })
}

/// A value as it is, or as JSON text in a string, once or twice.
fn wrapped(value: Value, quotes: usize) -> Value {
    (0..quotes).fold(value, |value, _| Value::String(value.to_string()))
}

fn list(events: &[Sent], member: impl Fn(&Sent) -> Value) -> Value {
    events.iter().map(member).collect()
}

fn invocation(events: &[Sent], quotes: &[usize; 6]) -> Value {
    let time = |event: &Sent| OffsetDateTime::from_unix_timestamp(event.seconds).unwrap().format(&Rfc3339).unwrap();
    json!({
        "Data": { "events": wrapped(list(events, |event| BASE64_STANDARD.encode(&event.body).into()), quotes[0]) },
        "Metadata": {
            "PropertiesArray": wrapped(list(events, |event| json!({ "p": event.property })), quotes[1]),
            "SystemPropertiesArray": wrapped(list(events, |event| json!({ "content-type": event.content_type })), quotes[2]),
            "SequenceNumberArray": wrapped(list(events, |event| event.sequence.into()), quotes[3]),
            "OffsetStringArray": wrapped(list(events, |event| event.offset.clone().into()), quotes[4]),
            "EnqueuedTimeUtcArray": wrapped(list(events, |event| time(event).into()), quotes[5]),
            "PartitionContext": { "EventHubName": "orders", "ConsumerGroup": "g", "PartitionId": "3" },
        },
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec!["", "\"", "[]", "{}", "[\"eA==\"]", "\"\\\"x\\\"\"", "nul", "9999-12-31T23:59:59"])
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            select(vec![
                "Data",
                "Metadata",
                "events",
                "RetryContext",
                "RetryCount",
                "PropertiesArray",
                "OffsetArray",
                "IsPastDue",
                "id"
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name, inner.clone(), 0..5)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
            inner.prop_map(|value| wrapped(value, 1)),
        ]
    })
}

/// Reads a body as every trigger would.
fn read(body: &[u8]) {
    let Ok(invocation) = Invocation::parse(body) else { return };
    invocation.retry_count();
    if let Ok(texts) = Texts::of(&invocation)
        && let Ok(messages) = texts.messages(&SUBSCRIPTION)
    {
        for message in messages {
            assert!(message.body.len() <= body.len());
        }
    }
    let Ok(trigger) = invocation.trigger() else { return };
    let Ok(text) = json_text(trigger) else { return };
    let _timer = serde_json::from_str::<TimerInfo>(&text);
    let _documents = serde_json::from_str::<Vec<&RawValue>>(&text);
    if let Ok(event) = serde_json::from_str::<&RawValue>(&text) {
        let _event = super::event_grid::to_cloudevent(event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_batch_is_read_as_meant_however_it_is_quoted(
        events in proptest::collection::vec(sent(), 0..6),
        quotes in proptest::array::uniform6(0..3_usize),
    ) {
        let body = invocation(&events, &quotes).to_string();
        let invocation = Invocation::parse(body.as_bytes()).unwrap();
        let texts = Texts::of(&invocation).unwrap();
        let messages = texts.messages(&SUBSCRIPTION).unwrap();
        prop_assert_eq!(messages.len(), events.len());
        for (message, event) in messages.iter().zip(&events) {
            prop_assert_eq!(&message.body, &event.body);
            let properties: Map<String, Value> = serde_json::from_str(message.properties.unwrap().get()).unwrap();
            prop_assert_eq!(&properties["p"], &event.property);
            prop_assert_eq!(message.content_type.as_deref(), event.content_type.as_deref());
            let position = &message.position;
            prop_assert_eq!((position.sequence, &position.offset), (event.sequence, &event.offset));
            prop_assert_eq!(position.enqueued.unix_timestamp(), event.seconds);
            prop_assert_eq!((position.hub.as_str(), position.partition.as_str()), ("orders", "3"));
        }
    }

    #[test]
    fn any_json_is_an_invocation_or_malformed(body in any_json()) {
        read(body.to_string().as_bytes());
        read(json!({ "Data": { "x": body }, "Metadata": body }).to_string().as_bytes());
    }

    #[test]
    fn damaged_batches_are_read_or_malformed(
        events in proptest::collection::vec(sent(), 1..4),
        quotes in proptest::array::uniform6(0..3_usize),
        damages in proptest::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..5),
    ) {
        let mut body = invocation(&events, &quotes).to_string().into_bytes();
        for (at, byte, kind) in damages {
            let at = at.index(body.len().max(1));
            match kind {
                0 if at < body.len() => body[at] = byte,
                1 if at < body.len() => { body.remove(at); }
                _ => body.insert(at.min(body.len()), byte),
            }
        }
        read(&body);
    }

    #[test]
    fn any_bytes_are_malformed(body in proptest::collection::vec(any::<u8>(), 0..100)) {
        read(&body);
    }
}
