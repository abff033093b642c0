//! Notification of a captured file, for whoever raises `Microsoft.EventHub.CaptureFileCreated` from it.
//!
//! A file is told of after it is visible and before its window counts as captured: after a crash in between, the window
//! is found open with its file there, and the file is told of again.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::event_hubs::event::StoredEvent;

/// A file of captured events was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFile {
    /// Its hub.
    pub hub: String,
    /// Its partition.
    pub partition: String,
    /// Its address in blob storage.
    pub url: String,
    /// Its length in bytes.
    pub length: u64,
    /// Number of events in it.
    pub events: u64,
    /// Its first and last event, unless it has none.
    pub edges: Option<(Edge, Edge)>,
}

/// The first or last event of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Its sequence number.
    pub sequence: i64,
    /// When it was enqueued, in milliseconds since the Unix epoch.
    pub enqueued_millis: i64,
}

impl Edge {
    /// When it was enqueued.
    #[must_use]
    pub fn time(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.enqueued_millis) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Takes the news of a file. It must keep it before it answers `Ok`; it may get the same news again.
pub type Observer = Arc<dyn Fn(&CapturedFile) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// What is in a file, counted while it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contents {
    pub(super) events: u64,
    pub(super) edges: Option<(Edge, Edge)>,
}

impl Contents {
    pub(super) fn add(&mut self, event: &StoredEvent) {
        let edge = Edge { sequence: event.sequence, enqueued_millis: event.enqueued_millis };
        self.events += 1;
        self.edges = Some((self.edges.map_or(edge, |(first, _)| first), edge));
    }
}
