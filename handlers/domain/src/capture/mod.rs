//! Reads the files in which Event Hubs keeps what went through a hub (Event Hubs Capture), and counts what is in them.

mod cursor;
mod error;
mod file;
mod header;
mod report;

use std::{collections::BTreeMap, io::Read};

use apache_avro::{Reader, Schema, types::Value};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

pub use self::{
    cursor::{Cursor, CursorError, StoredEnd},
    error::CaptureError,
    file::{CaptureFile, Claim, Parking},
    report::{FilePosition, Report, ReportedFile},
};
use crate::bounds;

/// One captured event.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedEvent {
    /// Its sequence number in the partition.
    pub sequence: i64,
    /// Its offset.
    pub offset: String,
    /// When the hub stored it, in whole seconds as the service writes it; `None` if that text is not understood.
    pub enqueued: Option<OffsetDateTime>,
    /// Its content type, if capture kept it.
    pub content_type: Option<String>,
    /// Its application properties.
    pub properties: Vec<(String, serde_json::Value)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// The events of a captured file, one by one; of the file no more than a block is in memory.
///
/// # Errors
/// See [`CaptureError`]; after an error in the middle nothing more comes.
pub fn read<'r, R: Read + 'r>(
    file: R,
) -> Result<impl Iterator<Item = Result<CapturedEvent, CaptureError>> + 'r, CaptureError> {
    let reader = Reader::new(header::checked(file)?)?;
    bounds::check(reader.writer_schema()).map_err(|error| CaptureError::Schema(error.to_string()))?;
    let name = reader.writer_schema().name().map_or_else(|| "unnamed records".to_owned(), |name| name.to_string());
    let is_event_data = matches!(reader.writer_schema(), Schema::Record(_)) && name.ends_with("EventData");
    if !is_event_data {
        return Err(CaptureError::OtherRecords(name));
    }
    Ok(reader.map(|record| CapturedEvent::from_avro(record?)))
}

impl CapturedEvent {
    fn from_avro(record: Value) -> Result<Self, CaptureError> {
        let Value::Record(fields) = record else { return Err(CaptureError::Field("shape")) };
        let mut fields: BTreeMap<String, Value> =
            fields.into_iter().map(|(name, value)| (name, out_of_union(value))).collect();
        let mut take = |name: &'static str| fields.remove(name).ok_or(CaptureError::Field(name));
        let Value::Long(sequence) = take("SequenceNumber")? else { return Err(CaptureError::Field("SequenceNumber")) };
        let Value::String(offset) = take("Offset")? else { return Err(CaptureError::Field("Offset")) };
        let Value::String(enqueued) = take("EnqueuedTimeUtc")? else {
            return Err(CaptureError::Field("EnqueuedTimeUtc"));
        };
        let Value::Map(system) = take("SystemProperties")? else { return Err(CaptureError::Field("SystemProperties")) };
        let Value::Map(properties) = take("Properties")? else { return Err(CaptureError::Field("Properties")) };
        let body = match take("Body")? {
            Value::Bytes(bytes) => bytes,
            Value::Null => Vec::new(),
            _ => return Err(CaptureError::Field("Body")),
        };
        let content_type = system.get("content-type").cloned().map(out_of_union).and_then(|value| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        let mut properties: Vec<_> =
            properties.into_iter().map(|(name, value)| (name, json(out_of_union(value)))).collect();
        properties.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self { sequence, offset, enqueued: enqueued_time(&enqueued), content_type, properties, body })
    }
}

fn out_of_union(value: Value) -> Value {
    match value {
        Value::Union(_, value) => *value,
        value => value,
    }
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Long(number) => number.into(),
        Value::Int(number) => number.into(),
        Value::Double(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Boolean(flag) => flag.into(),
        Value::String(text) => text.into(),
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into(),
        _ => serde_json::Value::Null,
    }
}

/// `8/10/2017 6:43:38 PM`, always UTC.
const US_TIME: &[BorrowedFormatItem<'_>] = format_description!(
    "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period case:upper]"
);

fn enqueued_time(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, US_TIME)
        .map(PrimitiveDateTime::assume_utc)
        .or_else(|_| OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339))
        .ok()
}

#[cfg(test)]
mod tests {
    use apache_avro::{Writer, types::Record};
    use time::macros::datetime;

    use super::*;

    const EVENT_DATA: &str = r#"{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
        {"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
        {"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
        {"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},
        {"name":"Body","type":["null","bytes"]}]}"#;

    fn file(events: i64) -> Vec<u8> {
        let schema = Schema::parse_str(EVENT_DATA).expect("a schema");
        let mut writer = Writer::new(&schema, Vec::new()).expect("a writer");
        for sequence in 0..events {
            let mut record = Record::new(writer.schema()).expect("a record");
            record.put("SequenceNumber", 40 + sequence);
            record.put("Offset", (sequence * 128).to_string());
            record.put("EnqueuedTimeUtc", format!("8/10/2017 6:43:{:02} PM", 10 + sequence));
            let text = |text: &str| Value::Union(2, Box::new(Value::String(text.to_owned())));
            record.put("SystemProperties", Value::Map([("content-type".to_owned(), text("application/json"))].into()));
            let properties = [("n".to_owned(), Value::Union(0, Box::new(Value::Long(7)))), ("s".to_owned(), text("x"))];
            record.put("Properties", Value::Map(properties.into()));
            record.put("Body", Value::Union(1, Box::new(Value::Bytes(b"{}".to_vec()))));
            writer.append_value(record).expect("fits");
        }
        writer.into_inner().expect("finished")
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<CapturedEvent>, CaptureError> {
        read(bytes)?.collect()
    }

    #[test]
    fn a_file_is_read_record_by_record_and_counted() {
        let events = read_all(&file(3)).expect("a capture file");
        assert_eq!(
            events[0],
            CapturedEvent {
                sequence: 40,
                offset: "0".to_owned(),
                enqueued: Some(datetime!(2017-08-10 18:43:10 UTC)),
                content_type: Some("application/json".to_owned()),
                properties: vec![("n".to_owned(), 7.into()), ("s".to_owned(), "x".into())],
                body: b"{}".to_vec(),
            }
        );
        let place = CaptureFile::from_subject(
            "/blobServices/default/containers/capture/blobs/ns/products/0/2026/03/04/10/15/02.avro",
        )
        .expect("a capture file");
        let mut report = Report::new(&place, "e", 1);
        for (event, event_type) in events.iter().rev().zip([Some("a"), None, Some("a")]) {
            report.count(event, event_type);
        }
        assert_eq!((report.records, report.parked, report.events.get("a")), (3, 1, Some(&2)));
        assert_eq!((report.first.expect("some").sequence, report.last.expect("some").sequence), (40, 42));
    }

    #[test]
    fn an_empty_window_is_a_file_without_records() {
        assert!(read_all(&file(0)).expect("a capture file").is_empty());
    }

    #[test]
    fn what_capture_did_not_write_is_refused() {
        assert!(matches!(read_all(b""), Err(CaptureError::Avro(_))));
        assert!(matches!(read_all(b"Avro 1.2 or so"), Err(CaptureError::Avro(_))));
        let whole = file(3);
        assert!(matches!(read_all(&whole[..whole.len() - 20]), Err(CaptureError::Avro(_))));
        let other = Schema::parse_str(r#"{"type":"record","name":"Weather","fields":[]}"#).expect("a schema");
        let other = Writer::new(&other, Vec::new()).and_then(Writer::into_inner).expect("finished");
        assert!(matches!(read_all(&other), Err(CaptureError::OtherRecords(name)) if name == "Weather"));
    }

    #[test]
    fn only_captured_files_are_ours() {
        let file = CaptureFile::from_subject(
            "blobServices/default/containers/capture/blobs/ns/products/3/2026/03/04/10/15/02.avro",
        )
        .expect("a capture file");
        assert_eq!((file.hub.as_str(), file.partition.as_str()), ("products", "3"));
        assert_eq!(file.report(), "products/3/2026/03/04/10/15/02.json");
        assert_eq!(file.day(), "products/3/2026/03/04");
        let personal = "/blobServices/default/containers/capture-personal/blobs/ns/products/3/2026/03/04/10/15/02.avro";
        let personal = CaptureFile::from_subject(personal).expect("a capture file");
        assert_eq!(personal.report(), "products/3/2026/03/04/10/15/02-personal.json");
        for subject in [
            "",
            "/blobServices/default/containers/capture/blobs/a.avro",
            "/blobServices/default/containers/capture/blobs/ns/products/3/2026/03/04/10/15/02.json",
            "/blobServices/default/containers/capture/blobs/ns/products/3/2026/3/04/10/15/02.avro",
            "/subscriptions/x",
        ] {
            assert_eq!(CaptureFile::from_subject(subject), None, "{subject}");
        }
    }

    /// Two files that the service wrote: 677 events with properties and plain bodies, and one with a JSON body.
    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn files_of_the_service_are_read() {
        let root = std::path::Path::new(env!("REAL_DATA"));
        let events = |name: &str| -> Vec<CapturedEvent> {
            let file = std::fs::read(root.join("eventhubs-capture").join(name)).unwrap();
            read(std::io::Cursor::new(file)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let many = events("EHC.avro");
        assert_eq!(many.len(), 677);
        assert_eq!((many[0].sequence, many[676].sequence), (4141, 4817));
        assert!(many.iter().all(|event| event.enqueued.is_some() && !event.body.is_empty()));
        assert!(
            many.iter().all(|event| event.properties.iter().any(|(name, value)| name == "RandomInt" && value.is_i64()))
        );
        let one = events("p9--2022-12-09--16-50-12.avro");
        assert_eq!(one.len(), 1);
        assert!(serde_json::from_slice::<serde_json::Value>(&one[0].body).is_ok());
    }

    /// Files of other programs, in every codec: each is refused, and its parked record says what it is.
    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn files_of_other_programs_are_refused_by_what_they_hold() {
        let root = std::path::Path::new(env!("REAL_DATA"));
        for (name, said) in [
            ("weather.avro", "the file holds test.Weather, not captured events"),
            ("weather-sorted.avro", "the file holds test.Weather, not captured events"),
            ("weather-deflate.avro", "the file holds test.Weather, not captured events"),
            ("weather-snappy.avro", "the file is no readable Avro file: Codec 'snappy' is not supported/enabled"),
            ("weather-zstd.avro", "the file is no readable Avro file: Codec 'zstandard' is not supported/enabled"),
            ("syncInMeta.avro", "the file holds"),
            ("schemas/simple/data.avro", "the file holds"),
            ("schemas/withUnion/data.avro", "the file holds"),
            ("test.avro12", "the file is no readable Avro file: wrong magic in header"),
        ] {
            let file = std::fs::read(root.join("avro-interop/apache-avro").join(name)).unwrap();
            let refusal = read_all(&file).expect_err(name);
            let source = std::error::Error::source(&refusal).map(|source| format!(": {source}")).unwrap_or_default();
            let refusal = format!("{refusal}{source}");
            assert!(refusal.starts_with(said), "{name}: {refusal}");
        }
    }

    /// A file without events whose header has this schema, whether it is one or not.
    fn with_schema(schema: &str) -> Vec<u8> {
        let text = |bytes: &[u8]| {
            let mut length = bytes.len() << 1;
            let mut out = Vec::new();
            while length >= 0x80 {
                out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
                length >>= 7;
            }
            out.push(u8::try_from(length).expect("seven bits"));
            [out.as_slice(), bytes].concat()
        };
        let metadata = [text(b"avro.codec"), text(b"null"), text(b"avro.schema"), text(schema.as_bytes())].concat();
        [b"Obj\x01\x04".as_slice(), &metadata, &[0], &[7; 16]].concat()
    }

    /// Whoever may write a file decides what is in its header, and the reader of Avro parses that by itself.
    #[test]
    fn a_schema_that_nobody_should_read_by_is_refused() {
        assert!(read_all(&with_schema(EVENT_DATA)).expect("a capture file").is_empty());
        let bottomless = EVENT_DATA.replacen('{', r#"{"x":{"$serde_json::private::RawValue":"[1]"},"#, 1);
        let itself = r#"{"type":"record","name":"EventData","fields":[{"name":"next","type":["null","EventData"]}]}"#;
        let long = EVENT_DATA.replacen('{', &format!(r#"{{"doc":"{}","#, "x".repeat(70_000)), 1);
        for schema in [&bottomless, itself, &long] {
            let refused = read_all(&with_schema(schema)).expect_err("refused");
            assert!(matches!(refused, CaptureError::Schema(_)), "{refused}");
        }
        let whole = with_schema(EVENT_DATA);
        for end in 0..whole.len() - 16 {
            assert!(matches!(read_all(&whole[..end]), Err(CaptureError::Avro(_))), "{end} bytes");
        }
        assert!(matches!(read_all(&vec![b'x'; 100_000]), Err(CaptureError::Avro(_))), "no Avro at all");
    }
}
