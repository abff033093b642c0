//! A captured file: an Avro object container as the service writes it.
//!
//! The header is written here rather than by the Avro library, which puts its metadata in an order that changes from
//! run to run; the blocks are the library's. The sync marker comes from the file's name, so that a file written again is
//! the same.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use apache_avro::{Schema, Writer};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::event_hubs::amqp::Value;
use crate::event_hubs::amqp::message::{OFFSET, SEQUENCE_NUMBER};
use crate::event_hubs::event::StoredEvent;

/// The service's schema, byte for byte.
const SCHEMA: &str = concat!(
    r#"{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":["#,
    r#"{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},"#,
    r#"{"name":"EnqueuedTimeUtc","type":"string"},"#,
    r#"{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},"#,
    r#"{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},"#,
    r#"{"name":"Body","type":["null","bytes"]}]}"#
);

/// Prefix of the message annotations.
const ANNOTATION: &str = "x-opt-";

/// A file in the making.
pub(super) struct CaptureFile {
    writer: Writer<'static, Vec<u8>>,
    marker: [u8; 16],
    is_empty: bool,
}

impl CaptureFile {
    /// Begins the file with this name.
    pub(super) fn new(name: &str) -> Result<Self, apache_avro::Error> {
        let marker = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).into_bytes();
        Ok(Self { writer: Writer::append_to(schema()?, header(marker), marker)?, marker, is_empty: true })
    }

    /// Adds an event.
    pub(super) fn append(&mut self, event: &StoredEvent) -> Result<(), apache_avro::Error> {
        self.is_empty = false;
        self.writer.append_ser(Record::new(event)).map(|_| ())
    }

    /// The whole file.
    pub(super) fn finish(self) -> Result<Vec<u8>, apache_avro::Error> {
        let mut bytes = self.writer.into_inner()?;
        if self.is_empty {
            // The service ends an empty file with a block of no records: count, size, marker.
            bytes.extend([0, 0]);
            bytes.extend(self.marker);
        }
        Ok(bytes)
    }
}

fn schema() -> Result<&'static Schema, apache_avro::Error> {
    static PARSED: OnceLock<Schema> = OnceLock::new();
    match PARSED.get() {
        Some(schema) => Ok(schema),
        None => Schema::parse_str(SCHEMA).map(|schema| PARSED.get_or_init(|| schema)),
    }
}

/// Magic, metadata, marker (Avro specification, "Object Container Files").
fn header(marker: [u8; 16]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    let entries = [("avro.codec", "null"), ("avro.schema", SCHEMA)];
    put_length(&mut out, entries.len());
    for text in entries.into_iter().flat_map(|(key, value)| [key, value]) {
        put_length(&mut out, text.len());
        out.extend(text.as_bytes());
    }
    put_length(&mut out, 0);
    out.extend(marker);
    out
}

/// A length as an Avro `long`: zig-zag, seven bits per byte.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let mut rest = length << 1;
    while rest > 0x7f {
        out.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or(0));
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    sequence_number: i64,
    offset: String,
    enqueued_time_utc: String,
    system_properties: BTreeMap<String, Member>,
    properties: BTreeMap<String, Member>,
    body: Option<Binary>,
}

impl Record {
    fn new(event: &StoredEvent) -> Self {
        // The service takes bodies it does not look into; one that cannot be decoded is kept as an event without any.
        let (data, body) = match event.decode() {
            Ok(mut data) => {
                let body = std::mem::take(&mut data.body);
                (data, Some(Binary(body.into())))
            }
            Err(_) => Default::default(),
        };
        let annotations = data.system_properties.into_iter().filter(|(name, value)| {
            let column = name == SEQUENCE_NUMBER || name == OFFSET;
            name.starts_with(ANNOTATION) && !column && *value != Value::Null
        });
        Self {
            sequence_number: event.sequence,
            offset: event.offset.to_string(),
            enqueued_time_utc: us_time(event.enqueued_millis),
            system_properties: annotations.map(|(name, value)| (name, Member::from(value))).collect(),
            properties: data.properties.into_iter().map(|(name, value)| (name, Member::from(value))).collect(),
            body,
        }
    }
}

/// The US form that the service writes, such as `12/9/2022 4:51:25 PM`.
fn us_time(millis: i64) -> String {
    let format = format_description!(
        "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period case:upper]"
    );
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_default()
}

/// What the union of property values can hold.
enum Member {
    Null,
    Long(i64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

impl From<Value> for Member {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Float(value) => Self::Double(value.into()),
            Value::Double(value) => Self::Double(value),
            Value::String(text) | Value::Symbol(text) => Self::String(text),
            Value::Binary(bytes) => Self::Bytes(bytes),
            Value::Described(_, value) => Self::from(*value),
            other => match (other.as_i64(), other.to_json()) {
                (Some(number), _) => Self::Long(number),
                (None, serde_json::Value::String(text)) => Self::String(text),
                (None, json) => Self::String(json.to_string()),
            },
        }
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Long(value) => serializer.serialize_i64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

struct Binary(Vec<u8>);

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use apache_avro::Reader;
    use apache_avro::types::Value as Avro;
    use bytes::Bytes;

    use super::*;
    use crate::event_hubs::amqp::message::{ENQUEUED_TIME, PARTITION_KEY, compose};
    use crate::event_hubs::amqp::section::Kind;

    fn event(properties: Vec<(Value, Value)>) -> StoredEvent {
        let annotations = vec![
            (Value::symbol(PARTITION_KEY), Value::string("pk")),
            (Value::symbol(SEQUENCE_NUMBER), Value::Long(7)),
            (Value::symbol(OFFSET), Value::string("448")),
            (Value::symbol(ENQUEUED_TIME), Value::Timestamp(1_670_604_685_193)),
        ];
        StoredEvent {
            sequence: 7,
            offset: 448,
            enqueued_millis: 1_670_604_685_193,
            message: compose([
                (Kind::MessageAnnotations, Value::Map(annotations)),
                (Kind::ApplicationProperties, Value::Map(properties)),
                (Kind::Data, Value::Binary(b"body".to_vec())),
            ]),
        }
    }

    fn written(events: &[StoredEvent]) -> Vec<u8> {
        let mut file = CaptureFile::new("a/b.avro").unwrap();
        for event in events {
            file.append(event).unwrap();
        }
        file.finish().unwrap()
    }

    #[test]
    fn an_empty_file_has_the_size_that_the_service_documents() {
        let bytes = written(&[]);
        assert_eq!(bytes.len(), 508);
        assert_eq!(Reader::new(&bytes[..]).unwrap().count(), 0);
    }

    #[test]
    fn records_read_back_and_a_second_writing_is_identical() {
        let entry = |name: &str, value| (Value::string(name), value);
        let events = vec![event(vec![
            entry("int", Value::Int(-3)),
            entry("float", Value::Float(1.5)),
            entry("bool", Value::Bool(true)),
            entry("bytes", Value::Binary(vec![1, 2])),
            entry("nothing", Value::Null),
        ])];
        let bytes = written(&events);
        assert_eq!(bytes, written(&events));
        let records: Vec<Avro> = Reader::new(&bytes[..]).unwrap().collect::<Result<_, _>>().unwrap();
        let [Avro::Record(fields)] = &records[..] else { panic!("one record, not {records:?}") };
        let field = |name: &str| &fields.iter().find(|(field, _)| field == name).unwrap().1;
        assert_eq!(field("EnqueuedTimeUtc"), &Avro::String("12/9/2022 4:51:25 PM".to_owned()));
        let Avro::Map(properties) = field("Properties") else { panic!("a map") };
        assert_eq!(properties["int"], Avro::Union(0, Box::new(Avro::Long(-3))));
        assert_eq!(properties["float"], Avro::Union(1, Box::new(Avro::Double(1.5))));
        assert_eq!(properties["bool"], Avro::Union(2, Box::new(Avro::String("true".to_owned()))));
        assert_eq!(properties["bytes"], Avro::Union(3, Box::new(Avro::Bytes(vec![1, 2]))));
        assert_eq!(properties["nothing"], Avro::Union(4, Box::new(Avro::Null)));
        let Avro::Map(system) = field("SystemProperties") else { panic!("a map") };
        let mut names: Vec<_> = system.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["x-opt-enqueued-time", "x-opt-partition-key"]);
        assert_eq!(field("Body"), &Avro::Union(1, Box::new(Avro::Bytes(b"body".to_vec()))));
    }

    /// Files that the service wrote: our schema text is theirs, and our times look like theirs.
    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn real_files_have_our_schema() {
        let root = std::env::var_os("CONTOSO_DATA")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), Into::into);
        let directory = root.join("eventhubs-capture");
        let files = ["EHC.avro", "p9--2022-12-09--16-50-12.avro"];
        let read = |name: &str| std::fs::read(directory.join(name)).ok().map(Bytes::from);
        let Some(files) = files.into_iter().map(read).collect::<Option<Vec<_>>>() else {
            let required = std::env::var("CONTOSO_REAL_DATA").is_ok_and(|value| value == "required");
            assert!(!required, "{} is missing", directory.display());
            eprintln!("skipped: {} is missing", directory.display());
            return;
        };
        let mut records = Vec::new();
        for file in &files {
            assert_eq!(file[..header([0; 16]).len() - 16], header([0; 16])[..header([0; 16]).len() - 16]);
            let reader = Reader::new(&file[..]).unwrap();
            records.extend(reader.collect::<Result<Vec<_>, _>>().unwrap());
        }
        assert_eq!(records.len(), 678);
        let Avro::Record(last) = &records[677] else { panic!("a record") };
        assert!(last.contains(&("EnqueuedTimeUtc".to_owned(), Avro::String(us_time(1_670_604_685_193)))));
    }
}
