//! Avro libraries that know nothing of us, fastavro and avsc: what they write is read here, and what the app writes they read.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contoso_cli::{contracts::sources::Sources, project::Project};
use contoso_handlers::{
    azure::credentials::Credentials,
    events::{Codec, Content, Incoming},
    settings::SchemaRegistrySettings,
};
use serde_json::{Value, json};

use crate::support::{javascript, python};

/// What both libraries make of each item, which must be the same.
pub(super) fn understood(items: &[Value]) -> Vec<Value> {
    let input = Value::from(items).to_string();
    let mut command = python::contracts("python");
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/generic.py"));
    let read = |said: String| serde_json::from_str::<Vec<Value>>(&said).expect("a list");
    let (fastavro, avsc) =
        (read(python::fed(&mut command, &input)), read(javascript::contracts("generic.mjs", &[], &input)));
    for (one, other) in fastavro.iter().zip(&avsc) {
        assert_eq!(one["bytes"], other["bytes"]);
        same(&one["data"], &other["data"]);
    }
    fastavro
}

/// JavaScript has one kind of number.
fn same(one: &Value, other: &Value) {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => assert_eq!(one.as_f64(), other.as_f64()),
        (Value::Array(ones), Value::Array(others)) => {
            assert_eq!(ones.len(), others.len());
            ones.iter().zip(others).for_each(|(one, other)| same(one, other));
        }
        (Value::Object(ones), Value::Object(others)) => {
            assert!(ones.keys().eq(others.keys()), "{ones:?} {others:?}");
            ones.iter().for_each(|(name, one)| same(one, &others[name]));
        }
        _ => assert_eq!(one, other),
    }
}

/// Every valid example of every event, written by either, is an event here that keeps the rules of its type.
#[tokio::test]
async fn what_other_libraries_write_is_read_here() {
    let project = Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the checkout");
    let sources = Sources::read(&project).expect("the sources");
    let examples: Vec<_> =
        sources.events.iter().flat_map(|source| source.valid.iter().map(move |example| (source, example))).collect();
    let items: Vec<_> = examples
        .iter()
        .map(|(source, example)| json!({ "schema": source.text, "data": source.schema.with_defaults(&example.data) }))
        .collect();
    // Without the id of a schema a body is read by the one that is known here, and no registry is asked.
    let settings = SchemaRegistrySettings {
        endpoint: "http://127.0.0.1:9".parse().expect("an address"),
        group: "contoso".to_owned(),
    };
    let codec = Codec::new(&settings, &Credentials::managed_identity(None));
    for ((source, example), made) in examples.iter().zip(understood(&items)) {
        let event_type = source.contract.event_type;
        let body = BASE64_STANDARD.decode(made["bytes"].as_str().expect("text")).expect("base64");
        let properties = [("specversion", "1.0"), ("id", "1"), ("source", "/generic"), ("type", event_type)];
        let properties =
            properties.map(|(name, value)| (format!("cloudEvents:{name}"), json!(value))).into_iter().collect();
        let event = codec.decode(Incoming { body: &body, content_type: None, properties }).await.expect(event_type);
        let content = event.content().unwrap_or_else(|error| panic!("{event_type} {}: {error}", example.name));
        assert_ne!(content, Content::Other, "{event_type}");
    }
}
