//! Events and Avro data that other projects publish for conformance: CloudEvents' own cases and Apache Avro's.

use std::path::{Path, PathBuf};

use apache_avro::Reader;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;

const SCHEMA: &str = "33333333333333333333333333333333";
const STRUCTURED: Option<&str> = Some("application/cloudevents+json; charset=utf-8");

fn data(name: &str) -> PathBuf {
    Path::new(env!("REAL_DATA")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn json_of(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

/// What an attribute reads as here: its text. JSON null is absence.
fn said(event: &Value, name: &str) -> Option<String> {
    match &event[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Decodes a structured event and compares every attribute and the data.
fn agrees(source: &Value) {
    let event =
        decode(source.to_string().as_bytes(), STRUCTURED, "{}").unwrap_or_else(|error| panic!("{source}: {error}"));
    let attributes = [
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
    ];
    assert_eq!(Some(&event.id), said(source, "id").as_ref(), "{source}");
    assert_eq!(Some(&event.source), said(source, "source").as_ref(), "{source}");
    assert_eq!(Some(&event.r#type), said(source, "type").as_ref(), "{source}");
    assert_eq!(event.subject, said(source, "subject"), "{source}");
    assert_eq!(event.dataschema, said(source, "dataschema"), "{source}");
    let time = said(source, "time").map(|time| OffsetDateTime::parse(&time, &Rfc3339).unwrap());
    assert_eq!(event.time, time, "{source}");
    let extensions = source.as_object().unwrap().keys().filter(|name| !attributes.contains(&name.as_str()));
    let extensions: BTreeMap<_, _> = extensions.map(|name| (name.clone(), said(source, name).unwrap())).collect();
    assert_eq!(event.extensions, extensions, "{source}");
    assert_eq!(event.data_as::<Value>().unwrap(), source["data"], "{source}");
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn the_conformance_cases_of_cloudevents_are_read_as_meant() {
    let mut cases = 0;
    for case in json_of("cloudevents/conformance/format-json/valid-events.json")["tests"].as_array().unwrap() {
        agrees(&case["event"]);
        cases += 1;
    }
    for case in json_of("cloudevents/conformance/format-json/valid-batches.json")["tests"].as_array().unwrap() {
        case["batch"].as_array().unwrap().iter().for_each(agrees);
        // AMQP has no batch mode: a batch in one message is no event.
        assert!(matches!(decode(case["batch"].to_string().as_bytes(), STRUCTURED, "{}"), Err(DecodeError::Park(_))));
        cases += 1;
    }
    assert!(cases >= 14, "{cases} cases");
    for (example, is_event) in [
        // It holds an ellipsis where base64 would be.
        ("json-format-00", false),
        ("json-format-02", true),
        ("json-format-04", true),
        ("json-format-06", false),
        ("spec-00", true),
    ] {
        let example = json_of(&format!("cloudevents/spec/examples/{example}.json"));
        if is_event {
            agrees(&example);
        } else {
            assert!(matches!(decode(example.to_string().as_bytes(), STRUCTURED, "{}"), Err(DecodeError::Park(_))));
        }
    }
}

/// The minimum events in binary mode: JSON is read, other media types are parked by name, and so is version 0.3.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn the_minimum_events_in_binary_mode_are_read_or_refused_by_name() {
    let mut read = 0;
    for (file, version) in [("v1.0/v1_minimum", "1.0"), ("v0.3/v03_minimum", "0.3")] {
        for document in text(&format!("cloudevents/conformance/yaml/{file}.yaml")).split("---\n") {
            let attribute = |name: &str| {
                let line = document.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}: ")));
                line.map(str::to_owned)
            };
            let Some(id) = attribute("id") else { continue };
            let body = document.split_once("Data: |\n").map(|(_, body)| body.trim().to_owned()).unwrap();
            let media = attribute("datacontenttype").unwrap_or_default();
            assert_eq!(attribute("specversion").as_deref(), Some(version));
            for prefix in ["cloudEvents:", "cloudEvents_"] {
                let properties: serde_json::Map<_, _> = ["specversion", "type", "id", "source"]
                    .iter()
                    .map(|name| (format!("{prefix}{name}"), json!(attribute(name).unwrap())))
                    .collect();
                let decoded = decode(body.as_bytes(), Some(&media), &Value::Object(properties).to_string());
                if version == "1.0" && media.starts_with("application/json") {
                    let event = decoded.unwrap();
                    assert_eq!(event.id, id);
                    assert_eq!(event.data_as::<Value>().unwrap(), serde_json::from_str::<Value>(&body).unwrap());
                    read += 1;
                } else {
                    let refusal = decoded.unwrap_err();
                    let named = if version == "1.0" { media.split(';').next().unwrap() } else { "0.3" };
                    assert!(
                        matches!(&refusal, DecodeError::Park(_)) && refusal.to_string().contains(named),
                        "{refusal}"
                    );
                }
            }
        }
    }
    assert_eq!(read, 6, "three JSON events under two prefixes");
}

/// Bodies of every record in the container files, read through the codec with the file's schema from the registry.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn the_records_of_apache_avro_pass_through_the_codec() {
    let weather: Vec<Value> =
        text("avro-interop/apache-avro/weather.json").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut sorted = weather.clone();
    sorted.sort_by_key(|record| record["time"].as_i64());
    let files =
        ["weather", "weather-sorted", "weather-deflate", "syncInMeta", "schemas/simple/data", "schemas/withUnion/data"];
    let mut records = 0;
    for file in files {
        let bytes = std::fs::read(data(&format!("avro-interop/apache-avro/{file}.avro"))).unwrap();
        let reader = Reader::new(bytes.as_slice()).unwrap();
        let schema = reader.writer_schema().clone();
        let codec = RUNTIME.block_on(serving([(SCHEMA, serde_json::to_string(&schema).unwrap())]));
        for (index, value) in reader.enumerate() {
            let value = value.unwrap();
            let body = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value.clone()).unwrap();
            let event = RUNTIME.block_on(codec.decode(binary(&body))).unwrap();
            let EventData::Avro(read, name) = &event.data else { panic!("{file}: {:?}", event.data) };
            assert_eq!((read, name), (&value, &schema.name().unwrap().to_string()), "{file}");
            if file.starts_with("weather") {
                // One file has the same records in another order, that of their times.
                let expected = if file == "weather-sorted" { &sorted[index] } else { &weather[index] };
                assert_eq!(&event.data_as::<Value>().unwrap(), expected, "{file}");
            }
            records += 1;
        }
    }
    assert!(records > 17, "{records} records");
}

/// Single-object encoding is not what the registry's encoders write; its body behind the header is.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn a_single_object_is_read_behind_its_header() {
    let schema = text("avro-interop/apache-avro/messageV1/test_schema.avsc");
    let message = std::fs::read(data("avro-interop/apache-avro/messageV1/test_message.bin")).unwrap();
    let (header, body) = message.split_at(10);
    let fingerprint = Schema::parse_str(&schema).unwrap().fingerprint::<apache_avro::rabin::Rabin>();
    assert_eq!(header, [&[0xc3, 0x01], fingerprint.bytes.as_slice()].concat());
    let codec = RUNTIME.block_on(serving([(SCHEMA, schema)]));
    let event = RUNTIME.block_on(codec.decode(binary(body))).unwrap();
    assert_eq!(
        event.data_as::<Value>().unwrap(),
        json!({ "id": 42, "name": "Bill", "tags": ["dog_lover", "cat_hater"] })
    );
    assert!(matches!(RUNTIME.block_on(codec.decode(binary(&message))), Err(DecodeError::Park(_))));
}

fn binary(body: &[u8]) -> Incoming<'_> {
    let attributes = [("id", "e"), ("source", "/s"), ("type", "com.example.unknown.v1"), ("specversion", "1.0")];
    let attributes = attributes.iter().map(|(name, value)| (format!("cloudEvents:{name}"), json!(value)));
    // The id of the schema at the end of `dataschema`, as where the content type was lost.
    let schema =
        ("cloudEvents:dataschema".to_owned(), json!(format!("https://registry/$schemaGroups/$schemas/{SCHEMA}")));
    Incoming { body, content_type: None, properties: attributes.chain([schema]).collect() }
}

/// Data of a structured event that is bytes is base64.
#[test]
fn bytes_in_a_structured_event_are_read_by_their_content_type() {
    let event = |media: &str, bytes: &[u8]| {
        json!({ "specversion": "1.0", "id": "e", "source": "/s", "type": "t", "datacontenttype": media,
            "data_base64": BASE64_STANDARD.encode(bytes) })
    };
    let read = decode(event("application/json", b"{\"a\":1}").to_string().as_bytes(), STRUCTURED, "{}").unwrap();
    assert_eq!(read.data_as::<Value>().unwrap(), json!({ "a": 1 }));
    let refused = decode(event("image/png", b"\x89PNG").to_string().as_bytes(), STRUCTURED, "{}");
    assert!(matches!(refused, Err(DecodeError::Park(cause)) if cause.to_string().contains("image/png")));
}
