//! Events through the codec and back, with a schema registry on loopback.

mod fuzz;
mod interop;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use apache_avro::{Schema, types::Value as AvroValue, writer::datum::GenericDatumWriter};
use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::Duration,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::runtime::Runtime;

use super::{contracts::PRODUCT_DISCONTINUED, *};
use crate::{azure::credentials::Credentials, clock, settings::Settings};

/// The schema of [`PRODUCT_DISCONTINUED`] before it had a reason.
const OLDER: &str = "0123456789abcdef0123456789abcdef";
const CURRENT: &str = "fedcba9876543210fedcba9876543210";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
static CODEC: LazyLock<Codec> = LazyLock::new(|| RUNTIME.block_on(registry()));

fn older() -> String {
    let mut schema: Value = serde_json::from_str(PRODUCT_DISCONTINUED.schema).unwrap();
    schema["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "reason");
    schema.to_string()
}

async fn registry() -> Codec {
    serving([(OLDER, older()), (CURRENT, PRODUCT_DISCONTINUED.schema.to_owned())]).await
}

/// A codec that asks a registry of these schemas, by id.
async fn serving<const N: usize>(schemas: [(&'static str, String); N]) -> Codec {
    let schemas = HashMap::from(schemas);
    let by_id =
        move |Path(id): Path<String>| async move { schemas.get(id.as_str()).cloned().ok_or(StatusCode::NOT_FOUND) };
    let by_content = |Path(name): Path<String>, text: String| async move {
        let matches = name == format!("{}:get-id", PRODUCT_DISCONTINUED.name) && text == PRODUCT_DISCONTINUED.schema;
        if matches { Ok((StatusCode::NO_CONTENT, [("schema-id", CURRENT)])) } else { Err(StatusCode::NOT_FOUND) }
    };
    let routes = Router::new()
        .route("/$schemaGroups/$schemas/{id}", get(by_id))
        .route("/$schemaGroups/contoso/schemas/{name}", post(by_content));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    codec(&address)
}

fn codec(registry: &str) -> Codec {
    let lookup = |name: &str| match name {
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("1".to_owned()),
        "SchemaRegistry__group" | "EventHubs__fullyQualifiedNamespace" => Some("contoso".to_owned()),
        _ if ["Site__", "Sales__"].iter().any(|start| name.starts_with(start)) || name.ends_with("Hours") => None,
        _ => Some(registry.to_owned()),
    };
    let settings = Settings::read(lookup).unwrap();
    Codec::new(&settings.schema_registry, &Credentials::of(Arc::new(AnyToken)))
}

/// The registry of these tests asks for none.
#[derive(Debug)]
struct AnyToken;

#[async_trait::async_trait]
impl TokenCredential for AnyToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("any", clock::now() + Duration::hours(1)))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discontinued {
    product_id: String,
    revision: i64,
    version: i64,
    #[serde(default)]
    reason: Option<String>,
    last_state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    name: String,
    category: String,
    brand: Option<String>,
    description: Option<String>,
    price: Price,
    stock: Option<i64>,
    updated_at: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    minor_units: i64,
    currency: String,
}

prop_compose! {
    fn data()(
        texts in (any::<String>(), any::<String>(), any::<String>()),
        options in (any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>(), any::<Option<i64>>()),
        numbers in any::<(i64, i64, i64, i64)>(),
    ) -> Discontinued {
        Discontinued {
            product_id: texts.0,
            revision: numbers.0,
            version: numbers.1,
            reason: options.0,
            last_state: State {
                name: texts.1,
                category: texts.2,
                brand: options.1,
                description: options.2,
                price: Price { minor_units: numbers.2, currency: "EUR".to_owned() },
                stock: options.3,
                updated_at: numbers.3,
            },
        }
    }
}

fn outgoing(data: &Discontinued) -> Outgoing<'_, Discontinued> {
    Outgoing {
        id: "p-1-7".to_owned(),
        source: "/contoso/catalog",
        subject: Some("p-1".to_owned()),
        time: OffsetDateTime::from_unix_timestamp(1_767_607_200).ok(),
        extensions: BTreeMap::from([("partitionkey".to_owned(), "p-1".to_owned())]),
        trace: None,
        schema: &PRODUCT_DISCONTINUED,
        data,
    }
}

/// The properties as the host writes them into an invocation.
fn on_the_wire(properties: &[(String, String)]) -> String {
    Value::Object(properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect()).to_string()
}

fn decode(body: &[u8], content_type: Option<&str>, properties: &str) -> Result<Event, DecodeError> {
    let properties = serde_json::from_str(properties).unwrap();
    let codec = &*CODEC;
    RUNTIME.block_on(codec.decode(Incoming { body, content_type, properties }))
}

fn sample() -> Discontinued {
    let state = State {
        name: "Boots".to_owned(),
        category: "Shoes".to_owned(),
        brand: None,
        description: Some("warm".to_owned()),
        price: Price { minor_units: 1999, currency: "EUR".to_owned() },
        stock: Some(3),
        updated_at: 0,
    };
    Discontinued {
        product_id: "p-1".to_owned(),
        revision: 7,
        version: 9,
        reason: Some("sold out".to_owned()),
        last_state: state,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sent_is_what_is_received(
        data in data(),
        subject in any::<Option<String>>(),
        extension in any::<String>(),
        keeps_content_type: bool,
    ) {
        let codec = &*CODEC;
        let sent = Outgoing { subject: subject.clone(), extensions: BTreeMap::from([("sequence".to_owned(), extension.clone())]), ..outgoing(&data) };
        let message = RUNTIME.block_on(codec.encode(sent)).unwrap();
        let content_type = keeps_content_type.then_some(message.content_type.as_str());
        let event = decode(&message.body, content_type, &on_the_wire(&message.properties)).unwrap();
        prop_assert_eq!(event.data_as::<Discontinued>().unwrap(), data);
        prop_assert_eq!((event.id.as_str(), event.source.as_str()), ("p-1-7", "/contoso/catalog"));
        prop_assert_eq!(event.r#type.as_str(), PRODUCT_DISCONTINUED.event_type);
        prop_assert_eq!(&event.subject, &subject);
        prop_assert_eq!(&event.extensions["sequence"], &extension);
        prop_assert_eq!(event.time.map(OffsetDateTime::unix_timestamp), Some(1_767_607_200));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
        let decoded = decode(&body, Some(&message.content_type), &on_the_wire(&message.properties));
        prop_assert!(!matches!(decoded, Err(DecodeError::Retry(_))));
    }
}

#[test]
fn the_writers_schema_is_resolved_to_ours() {
    let writer = Schema::parse_str(&older()).unwrap();
    let mut fields = serde_json::to_value(sample()).unwrap();
    fields.as_object_mut().unwrap().remove("reason");
    let state = sample().last_state;
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Older {
        product_id: String,
        revision: i64,
        version: i64,
        last_state: State,
    }
    let older = Older { product_id: "p-1".to_owned(), revision: 7, version: 9, last_state: state };
    let body = GenericDatumWriter::builder(&writer).build().unwrap().write_ser_to_vec(&older).unwrap();
    let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
    let event = decode(&body, Some(&format!("avro/binary+{OLDER}")), &on_the_wire(&message.properties)).unwrap();
    assert_eq!(event.data_as::<Discontinued>().unwrap(), Discontinued { reason: None, ..sample() });
}

#[test]
fn what_can_never_be_read_is_parked() {
    let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
    let (properties, content_type) = (on_the_wire(&message.properties), message.content_type.as_str());
    let cut = &message.body[..message.body.len() - 1];
    let longer = [message.body.as_slice(), &[0]].concat();
    let other_type = properties.replace("discontinued", "changed");
    let older_version = properties.replace("1.0", "0.3");
    let unknown = format!("avro/binary+{}", "0".repeat(32));
    for (body, content_type, properties) in [
        (cut, content_type, properties.as_str()),
        (longer.as_slice(), content_type, &properties),
        (&message.body, unknown.as_str(), &properties),
        (&message.body, "application/octet-stream", &properties),
        (b"not json", "application/json", &properties),
        (b"{}", "application/cloudevents+json", "{}"),
        (&message.body, content_type, &other_type),
        (&message.body, content_type, &older_version),
        (&message.body, content_type, "{}"),
    ] {
        let decoded = decode(body, Some(content_type), properties);
        assert!(matches!(decoded, Err(DecodeError::Park(_))), "{content_type} {properties}: {decoded:?}");
    }
}

/// What capture leaves of an event whose producer sent no `dataschema`: neither that nor a content type.
#[test]
fn a_body_that_does_not_say_its_schema_is_read_by_ours() {
    let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
    let bare: Vec<_> = message.properties.iter().filter(|(name, _)| !name.ends_with("dataschema")).cloned().collect();
    let bare = on_the_wire(&bare);
    assert_eq!(decode(&message.body, None, &bare).unwrap().data_as::<Discontinued>().unwrap(), sample());
    for broken in [&message.body[..message.body.len() - 1], &[message.body.as_slice(), &[0]].concat(), b"", b"\xff\xff"]
    {
        let cause = decode(broken, None, &bare).unwrap_err().to_string();
        assert!(cause.contains(PRODUCT_DISCONTINUED.name) && !cause.contains("JSON"), "{cause}");
    }
    assert!(decode(b" {broken", None, &bare).unwrap_err().to_string().contains("JSON"));
}

/// The SDK of CloudEvents parses data in base64 by itself.
#[test]
fn a_structured_event_has_a_bottom_everywhere() {
    let name = "$serde_json::private::RawValue";
    let bomb = json!({ name: json!({ "a": 1 }).to_string() }).to_string();
    let event = |member: &str, value: Value| {
        let mut event = json!({ "specversion": "1.0", "id": "e-1", "source": "/s", "type": "t" });
        event[member] = value;
        decode(event.to_string().as_bytes(), Some("application/cloudevents+json"), "{}")
    };
    for (member, value) in [
        ("data", json!({ "deeper": { name: "[1]" } })),
        ("data_base64", json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bomb))),
        ("extension", json!({ name: "[1]" })),
    ] {
        assert!(matches!(event(member, value), Err(DecodeError::Park(_))), "{member}");
    }
    assert!(event("data_base64", json!("eyJhIjoxfQ==")).is_ok());
    assert!(matches!(
        decode(
            bomb.as_bytes(),
            Some("application/json"),
            r#"{"cloudEvents:id":"1","cloudEvents:source":"/s","cloudEvents:type":"t","cloudEvents:specversion":"1.0"}"#
        ),
        Err(DecodeError::Park(_))
    ));
}

#[test]
fn a_registry_out_of_reach_is_no_fault_of_the_event() {
    let message = RUNTIME.block_on(CODEC.encode(outgoing(&sample()))).unwrap();
    // Nothing listens on this port.
    let unreachable = codec("http://127.0.0.1:1");
    let incoming = Incoming {
        body: &message.body,
        content_type: Some(&message.content_type),
        properties: message.properties.iter().map(|(name, value)| (name.clone(), json!(value))).collect(),
    };
    assert!(matches!(RUNTIME.block_on(unreachable.decode(incoming)), Err(DecodeError::Retry(_))));
    assert!(RUNTIME.block_on(unreachable.encode(outgoing(&sample()))).unwrap_err().is_transient());
}

#[test]
fn other_producers_may_send_json() {
    let underscores = json!({ "cloudEvents_id": "e-1", "cloudEvents_source": "/s", "cloudEvents_type": "t",
        "cloudEvents_specversion": "1.0", "cloudEvents_sequence": 7, "theirs": true });
    let event = decode(br#"{"a":1}"#, Some("application/json; charset=utf-8"), &underscores.to_string()).unwrap();
    assert_eq!((event.extensions.len(), event.extensions["sequence"].as_str()), (1, "7"));
    assert_eq!(event.data_as::<Value>().unwrap(), json!({ "a": 1 }));
    let structured = json!({ "specversion": "1.0", "id": "e-1", "source": "/s", "type": "t", "time": "2026-01-05T10:00:00.123Z",
        "partitionkey": "k", "datacontenttype": "application/json", "data": { "a": 1 } });
    let event = decode(structured.to_string().as_bytes(), Some("application/cloudevents+json"), "{}").unwrap();
    assert_eq!((event.key(), event.time.map(|time| time.millisecond())), (Some("k"), Some(123)));
    assert_eq!(event.data_as::<Value>().unwrap(), json!({ "a": 1 }));
}

/// A JSON value as the Avro value that needs no schema; resolving gives it the schema's types.
pub(crate) fn avro(value: &Value) -> AvroValue {
    match value {
        Value::Null => AvroValue::Null,
        Value::Bool(flag) => AvroValue::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => AvroValue::Long(whole),
            (None, Some(broken)) => AvroValue::Double(broken),
            (None, None) => AvroValue::Null,
        },
        Value::String(text) => AvroValue::String(text.clone()),
        Value::Array(items) => AvroValue::Array(items.iter().map(avro).collect()),
        Value::Object(members) => {
            AvroValue::Map(members.iter().map(|(name, value)| (name.clone(), avro(value))).collect())
        }
    }
}
