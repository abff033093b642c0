//! Bad records, kept with their cause, their place and their original bytes.
//!
//! A dead letter's name is made of where the record was found, so that parking a record twice leaves one letter.

use std::{collections::HashMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::batch::Parking;
use crate::{app::App, azure::blobs::Condition, outcome::Cause};

/// The blob container of dead letters.
const CONTAINER: &str = "dead-letters";

/// One bad record, written down.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    name: String,
    content: Vec<u8>,
}

/// What is known of a bad record.
pub(crate) struct BadRecord<'a> {
    pub(crate) function: &'static str,
    /// Hub, or kind of feed.
    pub(crate) origin: &'a str,
    /// Partition, or part of the feed.
    pub(crate) part: &'a str,
    /// What tells the record from others of its part; without it, the body does.
    pub(crate) id: Option<String>,
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
    cause: String,
    position: &'a Value,
    properties: Option<&'a RawValue>,
    content_type: Option<&'a str>,
    body_base64: String,
    parked_at: String,
}

impl DeadLetter {
    pub(super) fn new(record: &BadRecord<'_>, now: OffsetDateTime) -> Self {
        let id = match &record.id {
            Some(id) => segment(id),
            None => Sha256::digest(record.body).iter().take(16).fold(String::new(), |mut text, byte| {
                _ = write!(text, "{byte:02x}");
                text
            }),
        };
        let content = Content {
            function: record.function,
            cause: record.cause.chain(),
            position: &record.position,
            properties: record.properties,
            content_type: record.content_type,
            body_base64: STANDARD.encode(record.body),
            parked_at: now.format(&Rfc3339).unwrap_or_default(),
        };
        Self {
            name: format!("{}/{}/{}/{id}.json", record.function, segment(record.origin), segment(record.part)),
            // Strings and parsed JSON always serialise.
            content: serde_json::to_vec(&content).unwrap_or_default(),
        }
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Parks a record that a function found inside what it was given, such as one of a file.
///
/// # Errors
/// If the dead letter cannot be written; the record must come again then.
pub(crate) async fn park(app: &App, record: &BadRecord<'_>) -> Result<(), Cause> {
    app.park(DeadLetter::new(record, app.now())).await
}

impl Parking for App {
    async fn park(&self, letter: DeadLetter) -> Result<(), Cause> {
        let written = self
            .blobs()
            .put(CONTAINER, &letter.name, letter.content, "application/json", HashMap::new(), Condition::None)
            .await;
        written.map(drop).map_err(|error| Cause::from_error("park a bad record", error))
    }
}

/// A part of a blob's name: anything that could be taken for a path is percent-encoded.
fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$') || (byte == b'.' && !name.is_empty()) {
            name.push(char::from(byte));
        } else {
            _ = write!(name, "%{byte:02X}");
        }
        name
    })
}
