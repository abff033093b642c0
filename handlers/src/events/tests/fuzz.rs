//! Hostile and damaged messages: whatever arrives, the decoder answers with an event or with Park.

use proptest::sample::{Index, select};

use super::*;

/// JSON of any shape, with the names that matter among its members.
fn json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        select(vec![
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "dataschema",
            "data",
            "data_base64",
            "partitionkey",
            "sequence",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let text = prop_oneof![
        select(vec![
            "1.0",
            "0.3",
            "",
            "text/plain",
            "application/json",
            "2026-01-05T10:00:00Z",
            "TWE=",
            "//a b",
            "avro/binary+"
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// One change of a well-formed message's bytes.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// A length that claims everything: the largest numbers Avro can write.
    Claim(Index, bool),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), proptest::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), any::<bool>()).prop_map(|(at, negative)| Damage::Claim(at, negative)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let len = bytes.len();
        match damage {
            Damage::Flip(at, bits) if len > 0 => bytes[at.index(len)] ^= bits,
            Damage::Cut(at) => bytes.truncate(at.index(len + 1)),
            Damage::Insert(at, more) => {
                let at = at.index(len + 1);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Claim(at, negative) => {
                let at = at.index(len + 1);
                let last = if *negative { 0xff } else { 0xfe };
                bytes.splice(at..at, std::iter::once(last).chain([0xff; 8]).chain([0x01]));
            }
            Damage::Flip(..) => {}
        }
    }
    bytes
}

/// Never Retry: that would hold up a partition for a message that stays bad.
fn is_an_answer(decoded: &Result<Event, DecodeError>) -> bool {
    !matches!(decoded, Err(DecodeError::Retry(_)))
}

const RECURSIVE: &str = "11111111111111111111111111111111";
const NOTHINGS: &str = "22222222222222222222222222222222";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_avro_is_parked_or_read(damages in proptest::collection::vec(damage(), 1..4), with_contract: bool) {
        let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
        let mut properties = on_the_wire(&message.properties);
        if !with_contract {
            // An event of a type that nobody here knows is read by its writer's schema.
            properties = properties.replace("com.contoso.product.discontinued.v1", "com.example.unknown.v1");
        }
        let body = damaged(message.body, &damages);
        prop_assert!(is_an_answer(&decode(&body, Some(&message.content_type), &properties)));
    }

    #[test]
    fn any_structured_event_is_an_event_or_parked(body in json(), media in select(vec![
        "application/cloudevents+json", "Application/CloudEvents+JSON; charset=utf-8",
    ])) {
        let decoded = decode(body.to_string().as_bytes(), Some(media), "{}");
        prop_assert!(is_an_answer(&decoded));
        if let Ok(event) = decoded {
            prop_assert_eq!(Some(event.id.as_str()), body["id"].as_str());
            prop_assert_eq!(Some("1.0"), body["specversion"].as_str());
        }
    }

    #[test]
    fn damaged_structured_events_too(damages in proptest::collection::vec(damage(), 1..4)) {
        let whole = json!({ "specversion": "1.0", "id": "e-1", "source": "/s", "type": "t", "time": "2026-01-05T10:00:00.123Z",
            "partitionkey": "k", "sequence": 7, "datacontenttype": "application/json", "data": { "a": [1, "ü", null] } });
        let body = damaged(whole.to_string().into_bytes(), &damages);
        let decoded = decode(&body, Some("application/cloudevents+json"), "{}");
        prop_assert!(is_an_answer(&decoded));
    }

    #[test]
    fn any_properties_make_an_event_or_are_parked(
        properties in proptest::collection::btree_map(
            prop_oneof![
                select(vec!["id", "source", "type", "specversion", "subject", "time", "datacontenttype", "dataschema", "x"])
                    .prop_flat_map(|name| select(vec!["cloudEvents:", "cloudEvents_", "ce-", ""])
                        .prop_map(move |prefix| format!("{prefix}{name}"))),
                any::<String>(),
            ],
            json(),
            0..12,
        ),
        content_type in proptest::option::of(prop_oneof![
            select(vec!["application/json", "avro/binary+", "avro/binary+x+y", "text/plain", "", ";;", "application/vnd.x+json"])
                .prop_map(str::to_owned),
            any::<String>(),
        ]),
        body in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let wire = serde_json::to_string(&properties).unwrap();
        let decoded = decode(&body, content_type.as_deref(), &wire);
        prop_assert!(is_an_answer(&decoded));
        if let Ok(event) = decoded {
            prop_assert!(!event.id.is_empty() && !event.source.is_empty() && !event.r#type.is_empty());
        }
    }

    #[test]
    fn a_structured_event_keeps_all_it_says(
        texts in ("[a-zA-Z0-9/._-]{1,20}", "[a-z0-9/._-]{1,20}", "[a-z.]{1,20}", "\\PC{1,20}"),
        extensions in proptest::collection::btree_map("x[a-z0-9]{0,10}", prop_oneof![
            any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), "\\PC{0,20}".prop_map(Value::from),
        ], 0..4),
        data in json(),
        seconds in 0..4_000_000_000_i64,
    ) {
        let (id, source, event_type, subject) = texts;
        let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let mut whole = json!({ "specversion": "1.0", "id": id, "source": source, "type": event_type, "subject": subject,
            "time": time.format(&Rfc3339).unwrap(), "datacontenttype": "application/json", "data": data });
        for (name, value) in &extensions {
            whole[name] = value.clone();
        }
        let event = decode(whole.to_string().as_bytes(), Some("application/cloudevents+json"), "{}").unwrap();
        prop_assert_eq!((&event.id, &event.r#type, event.subject.as_deref()), (&id, &event_type, Some(subject.as_str())));
        prop_assert_eq!(event.time, Some(time));
        for (name, value) in &extensions {
            let expected = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            prop_assert_eq!(&event.extensions[name], &expected);
        }
        prop_assert_eq!(event.data_as::<Value>().unwrap(), data);
    }
}

/// Schemas that would let a small body fill the memory or the stack are not used, so the body is parked.
#[test]
fn schemas_without_bounds_are_not_used() {
    let list = r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]}]}"#;
    let nothings = r#"{"type":"record","name":"Nothings","fields":[{"name":"all","type":{"type":"array","items":
        {"type":"array","items":"null"}}}]}"#;
    let codec = RUNTIME.block_on(serving([(RECURSIVE, list.to_owned()), (NOTHINGS, nothings.to_owned())]));
    let properties = json!({ "cloudEvents:id": "e", "cloudEvents:source": "/s", "cloudEvents:type": "t", "cloudEvents:specversion": "1.0" });
    for (schema, body) in [(RECURSIVE, vec![2; 1 << 20]), (NOTHINGS, [0xfe, 0xff, 0x7f, 0].repeat(1 << 18))] {
        let incoming = Incoming {
            body: &body,
            content_type: Some(&format!("avro/binary+{schema}")),
            properties: properties.as_object().unwrap().clone().into_iter().collect(),
        };
        assert!(matches!(RUNTIME.block_on(codec.decode(incoming)), Err(DecodeError::Park(_))), "{schema}");
    }
}
