//! A message, as it is stored and as it is handed out.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::storage_account::{Code, Refusal, xml};

/// Most bytes of a message's text.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// How long a message lives unless it says otherwise.
pub(crate) const DEFAULT_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The end of a message that never expires, as the service writes it.
const NEVER: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);

/// What is stored of a message. Times are milliseconds since the Unix epoch on the stack's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Grows from message to message; of those that become visible together the older comes first.
    pub(super) sequence: u64,
    pub(super) text: String,
    pub(super) inserted: i64,
    /// `None` is never.
    pub(super) expires: Option<i64>,
    pub(super) visible: i64,
    pub(super) receipt: Receipt,
    pub(super) dequeued: u32,
}

/// Proves that the caller is the last one who was given the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt(Uuid);

impl Receipt {
    pub(super) fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// # Errors
    /// [`Code::InvalidQueryParameterValue`].
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let bytes = BASE64_STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| Uuid::from_slice(&bytes).ok())
            .map(Self)
            .ok_or_else(|| Refusal::new(Code::InvalidQueryParameterValue, "Parameter: popreceipt."))
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0.as_bytes()))
    }
}

/// A message as the service hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Given by the service.
    pub id: Uuid,
    /// As the client wrote it; many clients write Base64.
    pub text: String,
    /// When it was put.
    pub inserted: OffsetDateTime,
    /// When it ends; year 9999 where it never does.
    pub expires: OffsetDateTime,
    /// When it can be taken (again).
    pub next_visible: OffsetDateTime,
    /// For deleting and updating it.
    pub receipt: Receipt,
    /// How often it was taken.
    pub dequeue_count: u32,
}

impl Message {
    /// What XML cannot hold of the text was taken by earlier versions; it becomes U+FFFD, so that the message can be handed
    /// out, and handed on.
    pub(super) fn new(id: Uuid, record: Record) -> Self {
        Self {
            id,
            inserted: moment(record.inserted),
            expires: record.expires.map_or(NEVER, moment),
            next_visible: moment(record.visible),
            receipt: record.receipt,
            dequeue_count: record.dequeued,
            text: xml::replace(record.text),
        }
    }
}

/// The time of so many milliseconds since the Unix epoch.
pub(super) fn moment(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(NEVER)
}

#[cfg(test)]
impl Message {
    /// The message of a stored record.
    pub(crate) fn from_stored(id: Uuid, record: serde_json::Value) -> Self {
        Self::new(id, serde_json::from_value(record).expect("a record"))
    }
}
