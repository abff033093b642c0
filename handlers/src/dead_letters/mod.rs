//! Dead letters: bad records, kept with their cause, their place and their original bytes.
//!
//! A dead letter's name is made of where the record was found and of the record itself, so that parking a record twice leaves one
//! letter, and another record leaves another: a place alone is taken again by the next when a hub or a container is made anew, when a
//! document changes, and in each captured file. What lists show of a letter is noted beside it, as metadata of its blob: `stored`
//! reads both.

pub(crate) mod several;
pub(crate) mod stored;

use std::{collections::HashMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    azure::blobs::{Blobs, Condition},
    domain::dead_letter::{Notes, Said, event_of},
    outcome::Cause,
};

/// The blob container of dead letters.
pub const CONTAINER: &str = "dead-letters";

/// The blob container of events that Event Grid gave up; Event Grid writes it.
pub const EVENT_GRID: &str = "event-grid-dead-letters";

/// Bytes of a text that become a part of a name.
const LONGEST: usize = 64;

/// One bad record, written down.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    name: String,
    content: Vec<u8>,
    notes: Notes,
}

/// What is known of a bad record.
pub(crate) struct BadRecord<'a> {
    pub(crate) function: &'static str,
    /// Hub, or kind of feed.
    pub(crate) origin: &'a str,
    /// Partition, or part of the feed.
    pub(crate) part: &'a str,
    /// What people know the record by among others of its part.
    pub(crate) id: Option<String>,
    /// Where exactly it was found: the same whenever it is delivered.
    pub(crate) position: Value,
    pub(crate) properties: Option<&'a RawValue>,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a [u8],
    pub(crate) cause: &'a Cause,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    function: &'a str,
    cause: &'a str,
    position: &'a Value,
    properties: Option<&'a RawValue>,
    content_type: Option<&'a str>,
    body_base64: String,
    parked_at: String,
}

impl DeadLetter {
    pub(crate) fn new(record: &BadRecord<'_>, now: OffsetDateTime) -> Self {
        let id = record.id.as_deref().map(segment).map(|id| format!("{id}-")).unwrap_or_default();
        let digest = digest(record);
        let said = Said {
            cause: record.cause.chain(),
            label: record.cause.label().to_owned(),
            event: event_of(record.properties.map(RawValue::get), record.body),
            record: Some(same_record(record)),
            records: 1,
        };
        let content = Content {
            function: record.function,
            cause: &said.cause,
            position: &record.position,
            properties: record.properties,
            content_type: record.content_type,
            body_base64: STANDARD.encode(record.body),
            parked_at: now.format(&Rfc3339).unwrap_or_default(),
        };
        Self {
            name: format!("{}/{}/{}/{id}{digest}.json", record.function, segment(record.origin), segment(record.part)),
            // Strings and parsed JSON always serialise.
            content: serde_json::to_vec(&content).unwrap_or_default(),
            notes: Notes { parked_at: now, said },
        }
    }

    /// Writes the letter, again if it is there.
    ///
    /// # Errors
    /// If blob storage fails; the record must come again then.
    pub(crate) async fn store(self, blobs: &Blobs) -> Result<(), Cause> {
        let notes: HashMap<String, String> = self.notes.to_metadata();
        let written = blobs.put(CONTAINER, &self.name, self.content, "application/json", notes, Condition::None).await;
        written.map(drop).map_err(|error| Cause::from_error("park a bad record", error))
    }

    #[cfg(test)]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Parks a record that a function found inside what it was given, such as one of a file.
///
/// # Errors
/// If the dead letter cannot be written; the record must come again then.
pub(crate) async fn park(blobs: &Blobs, record: &BadRecord<'_>, now: OffsetDateTime) -> Result<(), Cause> {
    DeadLetter::new(record, now).store(blobs).await
}

/// What no other record has: a digest of its place and its bytes.
fn digest(record: &BadRecord<'_>) -> String {
    let position = record.position.to_string();
    let properties = record.properties.map(RawValue::get).unwrap_or_default();
    let content_type = record.content_type.unwrap_or_default();
    hashed([position.as_bytes(), properties.as_bytes(), content_type.as_bytes(), record.body], 16)
}

/// What letters of one record share, whichever functions parked it: each reads it as a group of its own, some from captured files.
fn same_record(record: &BadRecord<'_>) -> String {
    let position = if record.id.is_some() { String::new() } else { record.position.to_string() };
    let id = record.id.as_deref().unwrap_or_default();
    hashed([record.origin.as_bytes(), record.part.as_bytes(), id.as_bytes(), position.as_bytes(), record.body], 8)
}

/// The first bytes of a digest of all parts, as hex.
fn hashed<const PARTS: usize>(parts: [&[u8]; PARTS], bytes: usize) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // Lengths keep the parts apart.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(bytes).fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// A part of a blob's name: anything that could be taken for a path is percent-encoded. Of what is long, the beginning: a name has at
/// most 1,024 characters.
fn segment(text: &str) -> String {
    text.bytes().take(LONGEST).fold(String::with_capacity(text.len()), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$') || (byte == b'.' && !name.is_empty()) {
            name.push(char::from(byte));
        } else {
            _ = write!(name, "%{byte:02X}");
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(id: Option<&str>, position: Value, body: &[u8]) -> String {
        let cause = Cause::new("bad");
        let record = BadRecord {
            function: "F",
            origin: "products",
            part: "0",
            id: id.map(str::to_owned),
            position,
            properties: None,
            content_type: None,
            body,
            cause: &cause,
        };
        DeadLetter::new(&record, crate::clock::now()).name
    }

    #[test]
    fn a_record_has_one_letter_and_another_record_another() {
        let hub = |enqueued: &str| json!({ "sequence": 7, "offset": "448", "enqueued": enqueued });
        let file = |name: &str| json!({ "file": name, "sequence": 7, "offset": "448" });
        let letters = [
            name(Some("7"), hub("2026-01-05T10:00:00Z"), b"a"),
            // The hub was made anew: a later record is at the same place.
            name(Some("7"), hub("2026-01-06T10:00:00Z"), b"a"),
            name(Some("7"), hub("2026-01-05T10:00:00Z"), b"b"),
            name(Some("7"), file("ns/products/0/2026/01/05/10/00/00.avro"), b"a"),
            name(Some("7"), file("ns/products/0/2026/01/06/10/00/00.avro"), b"a"),
            name(None, Value::Null, b"a"),
            name(None, Value::Null, b"b"),
        ];
        for (index, letter) in letters.iter().enumerate() {
            assert!(!letters[..index].contains(letter), "{letter}");
        }
        assert_eq!(name(Some("7"), hub("2026-01-05T10:00:00Z"), b"a"), letters[0], "a redelivery");
        assert!(letters[0].starts_with("F/products/0/7-"), "{}", letters[0]);
    }

    #[test]
    fn names_are_names_whatever_an_id_is() {
        let long = "\u{20ac}".repeat(1_000);
        for id in ["../x", "a/b?c", ".", "", &long] {
            let name = name(Some(id), Value::Null, b"a");
            assert!(name.len() < 1_024 && name.matches('/').count() == 3 && !name.contains("/."), "{name}");
        }
    }
}
