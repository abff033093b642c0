//! Reports on captured files: how many records of which type, from where to where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{CapturedEvent, file::CaptureFile};

/// What is in a captured file. Made from the file alone, so that the same file always has the same report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The file.
    pub file: ReportedFile,
    /// The hub.
    pub hub: String,
    /// The partition id.
    pub partition: String,
    /// Records in the file.
    pub records: u64,
    /// Events by type.
    pub events: BTreeMap<String, u64>,
    /// Records that are no events of ours and are in the dead letters.
    pub parked: u64,
    /// The record with the lowest sequence number; absent if there is none.
    pub first: Option<FilePosition>,
    /// The record with the highest sequence number.
    pub last: Option<FilePosition>,
}

// Events may be of a type of any name.
impl contoso_json::Parts<'_> for Report {}

/// Which file, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedFile {
    /// The container.
    pub container: String,
    /// The name there.
    pub path: String,
    /// The version.
    pub etag: String,
    /// Bytes.
    pub length: u64,
}

/// A position in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Sequence number.
    pub sequence: i64,
    /// When the hub stored it.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<OffsetDateTime>,
}

impl ReportedFile {
    /// This version of the file.
    pub fn new(file: &CaptureFile, etag: &str, length: u64) -> Self {
        // Listings put it in quotes, events do not.
        let etag = etag.trim_matches('"').to_owned();
        Self { container: file.container.clone(), path: file.path.clone(), etag, length }
    }
}

impl Report {
    /// The report of a file of which nothing was read yet.
    pub fn new(file: &CaptureFile, etag: &str, length: u64) -> Self {
        Self {
            file: ReportedFile::new(file, etag, length),
            hub: file.hub.clone(),
            partition: file.partition.clone(),
            records: 0,
            events: BTreeMap::new(),
            parked: 0,
            first: None,
            last: None,
        }
    }

    /// Counts a record that is an event of type `event_type`, or none of ours (`None`).
    pub fn count(&mut self, record: &CapturedEvent, event_type: Option<&str>) {
        self.records += 1;
        match event_type {
            Some(event_type) => *self.events.entry(event_type.to_owned()).or_default() += 1,
            None => self.parked += 1,
        }
        let position = FilePosition { sequence: record.sequence, enqueued: record.enqueued };
        if self.first.is_none_or(|first| position.sequence < first.sequence) {
            self.first = Some(position);
        }
        if self.last.is_none_or(|last| position.sequence > last.sequence) {
            self.last = Some(position);
        }
    }
}
