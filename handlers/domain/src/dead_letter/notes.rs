//! What is noted beside a letter, as metadata of its blob: a listing gives it for thousands at once.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::preview::beginning;

/// Bytes that are noted of a cause, and of each other text. All metadata of a blob has 8 KiB at most, and is read for every letter
/// of a list.
const CAUSE: usize = 240;
const OTHER: usize = 120;

/// Prefixes of properties that are attributes of CloudEvents.
const PREFIXES: [&str; 2] = ["cloudEvents:", "cloudEvents_"];

/// Which event a record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventName {
    /// Its CloudEvents id.
    pub id: String,
    /// Its type.
    pub r#type: String,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// When the letter was written.
    pub parked_at: OffsetDateTime,
    /// What it says of its record.
    pub said: Said,
}

impl Notes {
    /// As metadata: names are identifiers, and values ASCII, whatever a text holds.
    pub fn to_metadata(&self) -> HashMap<String, String> {
        // A letter with notes is of one record.
        let Said { cause, label, event, record, records: _ } = &self.said;
        let mut metadata = HashMap::new();
        let mut note = |name: &str, value: String| drop(metadata.insert(name.to_owned(), value));
        note("parkedat", self.parked_at.format(&Rfc3339).unwrap_or_default());
        note("cause", packed(cause, CAUSE));
        note("label", packed(label, OTHER));
        if let Some(EventName { id, r#type }) = event {
            note("eventid", packed(id, OTHER));
            note("eventtype", packed(r#type, OTHER));
        }
        if let Some(record) = record {
            note("record", packed(record, OTHER));
        }
        metadata
    }

    /// The notes of a letter; `None` if it has none, as those that were written before there were any.
    pub fn from_metadata(metadata: &HashMap<String, String>) -> Option<Self> {
        let text = |name: &str| {
            let value = metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
            String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
        };
        let parked_at = OffsetDateTime::parse(metadata.get("parkedat")?, &Rfc3339).ok()?;
        let event = text("eventid").zip(text("eventtype")).map(|(id, r#type)| EventName { id, r#type });
        let said = Said { cause: text("cause")?, label: text("label")?, event, record: text("record"), records: 1 };
        Some(Self { parked_at, said })
    }
}

fn packed(text: &str, most: usize) -> String {
    URL_SAFE_NO_PAD.encode(beginning(text, most))
}

/// Which event a record is, if its properties say so, or else its body, as a CloudEvent in structured JSON or an event of Event Grid.
pub fn event_of(properties: Option<&str>, body: &[u8]) -> Option<EventName> {
    /// Larger bodies are not read for it.
    const LARGEST: usize = 64 << 10;
    let of_properties = properties.and_then(|text| {
        let properties = contoso_json::plain(text.as_bytes()).ok()?;
        let attribute = |name: &str| {
            let text = |prefix| properties.get(format!("{prefix}{name}")).and_then(Value::as_str);
            PREFIXES.into_iter().find_map(text).map(str::to_owned)
        };
        attribute("id").zip(attribute("type"))
    });
    let of_body = || {
        let is_object = body.len() <= LARGEST && body.trim_ascii_start().starts_with(b"{");
        let event = is_object.then(|| contoso_json::plain(body).ok())??;
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        text("id").zip(text("type").or_else(|| text("eventType")))
    };
    of_properties.or_else(of_body).map(|(id, r#type)| EventName { id, r#type })
}

/// What a letter says of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Why it was parked or given up; the beginning of it.
    pub cause: String,
    /// The same without ids and values: what letters of one kind share.
    pub label: String,
    /// Which event it is, if it says so.
    pub event: Option<EventName>,
    /// The same for every letter that one record became.
    pub record: Option<String>,
    /// How many records it is of.
    pub records: usize,
}

impl Said {
    /// What a letter without notes says, once it was read.
    pub fn read(cause: &str, event: Option<EventName>, records: usize) -> Self {
        let [cause, label] = [CAUSE, OTHER].map(|most| beginning(cause, most).to_owned());
        Self { cause, label, event, record: None, records }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a stranger's event is called, and whatever an error says of it.
        #[test]
        fn notes_come_back_and_are_header_values(
            texts in prop::array::uniform4(".{0,300}"),
            has_event: bool,
            at in 0_i64..4_000_000_000,
        ) {
            let [cause, label, id, r#type] = texts;
            let said = Said { cause, label, event: has_event.then_some(EventName { id, r#type }), record: None, records: 1 };
            let notes = Notes { parked_at: OffsetDateTime::from_unix_timestamp(at).unwrap(), said };
            let metadata = notes.to_metadata();
            prop_assert!(metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() < 2_048);
            for (name, value) in &metadata {
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()));
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            let back = Notes::from_metadata(&metadata).unwrap();
            prop_assert_eq!(back.parked_at, notes.parked_at);
            prop_assert!(notes.said.cause.starts_with(&back.said.cause));
            prop_assert!(notes.said.cause.len() <= CAUSE || back.said.cause.len() > CAUSE - 4);
            prop_assert_eq!(back.said.event.is_some(), has_event);
        }
    }

    #[test]
    fn an_event_is_known_by_its_properties_or_its_body() {
        let name = |id: &str, kind: &str| Some(EventName { id: id.to_owned(), r#type: kind.to_owned() });
        assert_eq!(event_of(Some(r#"{"cloudEvents_id":"1","cloudEvents:type":"t"}"#), b"\x00"), name("1", "t"));
        assert_eq!(event_of(None, br#"{"id":"2","eventType":"t"}"#), name("2", "t"));
        assert_eq!(event_of(Some("{}"), br#" {"id":"2","type":"t"}"#), name("2", "t"));
        assert_eq!(event_of(Some("null"), b"not an event"), None);
    }
}
