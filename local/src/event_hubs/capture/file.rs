//! A captured file: an Avro object container as the service writes it, made block by block.
//!
//! Nothing in it depends on when or how often it is written: the sync marker comes from the file's name, and blocks end
//! where the events say. So a file written again is the same.

use uuid::Uuid;

use super::{
    avro::{put_bytes, put_length},
    record::{SCHEMA, put_record, us_time},
};
use crate::event_hubs::event::StoredEvent;

/// Bytes of records after which a block ends.
const BLOCK: usize = 256 << 10;

/// A file in the making. What is finished of it is to be taken now and then.
pub(super) struct CaptureFile {
    finished: Vec<u8>,
    block: Vec<u8>,
    records: usize,
    marker: [u8; 16],
    is_empty: bool,
    /// The last enqueued second as text; neighbours share it most often.
    second: (i64, String),
}

impl CaptureFile {
    /// Begins the file with this name.
    pub(super) fn new(name: &str) -> Self {
        let marker = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).into_bytes();
        let finished = header(marker);
        let second = (0, us_time(0));
        Self { finished, block: Vec::new(), records: 0, marker, is_empty: true, second }
    }

    /// Adds an event.
    pub(super) fn append(&mut self, event: &StoredEvent) {
        let second = event.enqueued_millis.div_euclid(1000);
        if second != self.second.0 {
            self.second = (second, us_time(second));
        }
        put_record(&mut self.block, event, &self.second.1);
        self.records += 1;
        self.is_empty = false;
        if self.block.len() >= BLOCK {
            self.end_block();
        }
    }

    /// What is finished since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.finished)
    }

    /// The rest of the file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // The service ends an empty file with a block of no records.
        if self.records > 0 || self.is_empty {
            self.end_block();
        }
        self.finished
    }

    fn end_block(&mut self) {
        put_length(&mut self.finished, self.records);
        put_bytes(&mut self.finished, &self.block);
        self.finished.extend_from_slice(&self.marker);
        self.block.clear();
        self.records = 0;
    }
}

/// Magic, metadata, marker (Avro specification, "Object Container Files").
fn header(marker: [u8; 16]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    let entries = [("avro.codec", "null"), ("avro.schema", SCHEMA)];
    put_length(&mut out, entries.len());
    for text in entries.into_iter().flat_map(|(key, value)| [key, value]) {
        put_bytes(&mut out, text.as_bytes());
    }
    put_length(&mut out, 0);
    out.extend(marker);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use apache_avro::Reader;
    use apache_avro::types::Value as Avro;
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::event_hubs::amqp::Value;
    use crate::event_hubs::amqp::message::{ENQUEUED_TIME, OFFSET, SEQUENCE_NUMBER, compose};
    use crate::event_hubs::amqp::section::Kind;

    type Entries = Vec<(Value, Value)>;

    fn event(sequence: i64, millis: i64, annotations: Entries, properties: Entries, body: Vec<u8>) -> StoredEvent {
        let message = compose([
            (Kind::MessageAnnotations, Value::Map(annotations)),
            (Kind::ApplicationProperties, Value::Map(properties)),
            (Kind::Data, Value::Binary(body)),
        ]);
        StoredEvent { sequence, offset: sequence * 64, enqueued_millis: millis, message }
    }

    fn written(events: &[StoredEvent]) -> Vec<u8> {
        let mut file = CaptureFile::new("a/b.avro");
        let mut bytes = Vec::new();
        for event in events {
            file.append(event);
            bytes.extend(file.take());
        }
        bytes.extend(file.finish());
        bytes
    }

    fn records(file: &[u8]) -> Vec<HashMap<String, Avro>> {
        let fields = |record| match record {
            Ok(Avro::Record(fields)) => fields.into_iter().collect(),
            other => panic!("{other:?}"),
        };
        Reader::new(file).unwrap().map(fields).collect()
    }

    fn union(member: u32, value: Avro) -> Avro {
        Avro::Union(member, Box::new(value))
    }

    #[test]
    fn an_empty_file_has_the_size_that_the_service_documents() {
        let bytes = written(&[]);
        assert_eq!(bytes.len(), 508);
        assert!(records(&bytes).is_empty());
    }

    #[test]
    fn what_is_no_message_is_kept_without_a_body() {
        let message = Bytes::from_static(&[0, 0x53, 0x72, 0xd1, 0, 0, 0, 5, 0, 0, 0, 1, 0xff, 0, 0x53, 0x75, 0xa0, 0]);
        let broken = StoredEvent { sequence: 1, offset: 64, enqueued_millis: 0, message };
        assert_eq!(records(&written(&[broken]))[0]["Body"], union(0, Avro::Null));
    }

    /// Those of the message are there, in the member of the union that is nearest to their type.
    #[test]
    fn system_properties_are_those_of_the_message_and_its_annotations() {
        let mut fields = vec![Value::Null; 13];
        fields[0] = Value::string("m-1");
        fields[5] = Value::Ulong(7);
        fields[6] = Value::symbol("application/json");
        let message = compose([
            (Kind::MessageAnnotations, Value::Map(vec![(Value::symbol(ENQUEUED_TIME), Value::Timestamp(5))])),
            (Kind::Properties, Value::List(fields)),
            (Kind::Data, Value::Binary(b"x".to_vec())),
        ]);
        let event = StoredEvent { sequence: 0, offset: 0, enqueued_millis: 5, message };
        let expected = [
            ("message-id", union(2, Avro::String("m-1".to_owned()))),
            ("correlation-id", union(0, Avro::Long(7))),
            ("content-type", union(2, Avro::String("application/json".to_owned()))),
            (ENQUEUED_TIME, union(0, Avro::Long(5))),
        ];
        let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(records(&written(&[event]))[0]["SystemProperties"], Avro::Map(expected));
    }

    /// The number of entries then takes more than one byte.
    #[test]
    fn a_map_of_many_entries_is_one_block() {
        for count in [63_usize, 64, 9000] {
            let entries = (0..count).map(|number| (Value::string(format!("p{number}")), Value::Int(7))).collect();
            let record = records(&written(&[event(0, 0, Vec::new(), entries, b"x".to_vec())])).remove(0);
            let expected = (0..count).map(|number| (format!("p{number}"), union(0, Avro::Long(7)))).collect();
            assert_eq!(record["Properties"], Avro::Map(expected));
            assert_eq!(record["Body"], union(1, Avro::Bytes(b"x".to_vec())));
        }
    }

    #[test]
    fn a_null_body_is_null_and_an_empty_one_is_empty() {
        for (section, expected) in [
            ((Kind::Data, Value::Null), union(0, Avro::Null)),
            ((Kind::Value, Value::Null), union(0, Avro::Null)),
            ((Kind::Data, Value::Binary(Vec::new())), union(1, Avro::Bytes(Vec::new()))),
        ] {
            let properties = Value::Map(vec![(Value::string("a"), Value::string("1"))]);
            let message = compose([(Kind::ApplicationProperties, properties), section]);
            let event = StoredEvent { sequence: 0, offset: 0, enqueued_millis: 0, message };
            let record = records(&written(&[event])).remove(0);
            assert_eq!(record["Body"], expected);
            let kept = [("a".to_owned(), union(2, Avro::String("1".to_owned())))];
            assert_eq!(record["Properties"], Avro::Map(kept.into_iter().collect()));
        }
    }

    /// A value, and what the union holds of it.
    fn member() -> impl Strategy<Value = (Value, Avro)> {
        let long = |number| union(0, Avro::Long(number));
        let text = |text: String| union(2, Avro::String(text));
        prop_oneof![
            Just((Value::Null, union(4, Avro::Null))),
            any::<bool>().prop_map(move |flag| (Value::Bool(flag), text(flag.to_string()))),
            any::<i32>().prop_map(move |number| (Value::Int(number), long(number.into()))),
            any::<i64>().prop_map(move |number| (Value::Long(number), long(number))),
            any::<i64>().prop_map(move |number| (Value::Timestamp(number), long(number))),
            (1_u64 << 63..).prop_map(move |number| (Value::Ulong(number), text(number.to_string()))),
            (-1e9_f32..1e9).prop_map(|number| (Value::Float(number), union(1, Avro::Double(number.into())))),
            (-1e300_f64..1e300).prop_map(|number| (Value::Double(number), union(1, Avro::Double(number)))),
            ".{0,20}".prop_map(move |string| (Value::String(string.clone()), text(string))),
            "[a-z]{0,20}".prop_map(move |string| (Value::Symbol(string.clone()), text(string))),
            proptest::collection::vec(any::<u8>(), 0..40)
                .prop_map(|bytes| (Value::Binary(bytes.clone()), union(3, Avro::Bytes(bytes)))),
            "[a-z]{0,20}".prop_map(move |string| {
                let described = Value::Described(Box::new(Value::Ulong(1)), Box::new(Value::string(string.clone())));
                (described, text(string))
            }),
            any::<u128>().prop_map(Uuid::from_u128).prop_map(move |id| (Value::Uuid(id), text(id.to_string()))),
        ]
    }

    fn map() -> impl Strategy<Value = HashMap<String, (Value, Avro)>> {
        proptest::collection::hash_map("[A-Za-z0-9:_-]{1,12}", member(), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever events come in, another implementation of Avro reads them back, and a second writing is the same.
        #[test]
        fn the_avro_library_reads_what_was_written(
            events in proptest::collection::vec(
                (map(), map(), proptest::collection::vec(any::<u8>(), 0..5000), 0_i64..4_102_444_800_000), 0..40),
            begin in 0_i64..1 << 50,
        ) {
            let mut expected = Vec::new();
            let mut stored = Vec::new();
            for ((annotations, properties, body, millis), sequence) in events.into_iter().zip(begin..) {
                let keep = |(name, (value, _)): &(&String, &(Value, Avro))| {
                    name.starts_with("x-opt-") && *value != Value::Null
                };
                let annotations: HashMap<_, _> =
                    annotations.into_iter().map(|(name, value)| (format!("x-opt-{name}"), value)).collect();
                let avro = |(name, (_, avro)): (&String, &(Value, Avro))| (name.clone(), avro.clone());
                expected.push((
                    sequence,
                    annotations.iter().filter(keep).map(avro).collect::<HashMap<_, _>>(),
                    properties.iter().map(avro).collect::<HashMap<_, _>>(),
                    union(1, Avro::Bytes(body.clone())),
                ));
                let mut stamped: Entries =
                    annotations.into_iter().map(|(name, (value, _))| (Value::symbol(name), value)).collect();
                stamped.push((Value::symbol(SEQUENCE_NUMBER), Value::Long(sequence)));
                stamped.push((Value::symbol(OFFSET), Value::string((sequence * 64).to_string())));
                let properties =
                    properties.into_iter().map(|(name, (value, _))| (Value::string(name), value)).collect();
                stored.push(event(sequence, millis, stamped, properties, body));
            }
            let bytes = written(&stored);
            prop_assert_eq!(&bytes, &written(&stored));
            let read = records(&bytes);
            prop_assert_eq!(read.len(), expected.len());
            for (mut record, (sequence, system, properties, body)) in read.into_iter().zip(expected) {
                prop_assert_eq!(record.remove("SequenceNumber"), Some(Avro::Long(sequence)));
                prop_assert_eq!(record.remove("Offset"), Some(Avro::String((sequence * 64).to_string())));
                prop_assert_eq!(record.remove("SystemProperties"), Some(Avro::Map(system)));
                prop_assert_eq!(record.remove("Properties"), Some(Avro::Map(properties)));
                prop_assert_eq!(record.remove("Body"), Some(body));
            }
        }
    }

    /// Files that the service wrote, taken apart and written again by us: the same bytes but for the marker.
    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn real_files_come_out_as_the_service_wrote_them() {
        let directory = Path::new(env!("REAL_DATA")).join("eventhubs-capture");
        for (name, count) in [("EHC.avro", 677), ("p9--2022-12-09--16-50-12.avro", 1)] {
            let file = std::fs::read(directory.join(name)).expect(name);
            let theirs = records(&file);
            assert_eq!(theirs.len(), count);
            let ours = written(&theirs.iter().map(from_record).collect::<Vec<_>>());
            assert_eq!(theirs, records(&ours), "{name}");
            let marker = ours.len() - 16..;
            let head = header([0; 16]).len() - 16;
            assert_eq!(ours.len(), file.len());
            assert_eq!(ours[..head], file[..head]);
            assert_eq!(ours[head + 16..marker.start], file[head + 16..marker.start], "{name}");
        }
    }

    /// The event that a record of the service tells of.
    fn from_record(record: &HashMap<String, Avro>) -> StoredEvent {
        let entries = |name: &str| -> Entries {
            let Avro::Map(entries) = &record[name] else { panic!("a map") };
            // The library does not keep the order of a map; the service wrote them in this one.
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(name, _)| (*name == ENQUEUED_TIME, name.as_str()));
            let value = |avro: &Avro| match avro {
                Avro::Union(_, value) => match &**value {
                    Avro::Long(number) => Value::Long(*number),
                    Avro::String(text) => Value::string(text),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            };
            entries.into_iter().map(|(name, avro)| (Value::string(name), value(avro))).collect()
        };
        let (Avro::Long(sequence), Avro::String(offset)) = (&record["SequenceNumber"], &record["Offset"]) else {
            panic!("{record:?}")
        };
        let (Avro::String(time), Avro::Union(1, body)) = (&record["EnqueuedTimeUtc"], &record["Body"]) else {
            panic!("{record:?}")
        };
        let Avro::Bytes(body) = &**body else { panic!("{body:?}") };
        let format = time::macros::format_description!(
            "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period case:upper]"
        );
        let enqueued = time::PrimitiveDateTime::parse(time, &format).unwrap().assume_utc().unix_timestamp();
        let mut event =
            event(*sequence, enqueued * 1000, entries("SystemProperties"), entries("Properties"), body.clone());
        event.offset = offset.parse().unwrap();
        event
    }
}
