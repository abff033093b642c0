//! What is answered of a hub.

use serde::Serialize;
use time::OffsetDateTime;

use super::shown::ShownEvent;
use crate::{azure::hub_reader::PartitionInfo, domain::browsing::Span};

/// A page of a hub's events.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) hub: &'static str,
    pub(super) partitions: Vec<Partition>,
    /// Newest first.
    pub(super) events: Vec<ShownEvent>,
    /// Events that were looked at, those that do not fit included.
    pub(super) looked_at: u64,
    /// Where older ones are; null if there are none.
    pub(super) cursor: Option<String>,
}

/// What a partition holds. Numbers of 64 bits are texts, since browsers round them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Partition {
    id: String,
    /// Sequence number of the oldest event; null if there is none.
    first: Option<String>,
    /// Of the newest one.
    last: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_enqueued: Option<OffsetDateTime>,
}

/// What a partition holds; none if it is empty.
pub(super) fn span(info: &PartitionInfo) -> Option<Span> {
    let span = Span { partition: info.id.clone(), begin: info.begin_sequence, end: info.last_sequence + 1 };
    (info.last_sequence >= 0 && !span.is_empty()).then_some(span)
}

impl From<PartitionInfo> for Partition {
    fn from(info: PartitionInfo) -> Self {
        let held = span(&info);
        Self {
            first: held.as_ref().map(|span| span.begin.to_string()),
            last: held.as_ref().map(|span| (span.end - 1).to_string()),
            last_enqueued: info.last_enqueued.filter(|_| held.is_some()),
            id: info.id,
        }
    }
}
