//! The documents of `analytics/anomalies`: what the detector remembers, and the list that people read.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    detector::{Change, Detector},
    minute::Minute,
    record::{Anomaly, time_of},
};
use crate::trace_context::{self, TraceContext};

/// Id of the detector's own document.
pub const STATE: &str = "state";
/// Id of the list.
pub const CURRENT: &str = "current";
/// Cleared anomalies that the list keeps.
pub const RECENT: usize = 100;

/// All that outlives a run. One document, so that one write is all or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Always [`STATE`].
    id: String,
    /// As one text, so that Cosmos DB does not index thousands of numbers nobody asks for.
    #[serde(with = "as_text")]
    detector: Detector,
    /// Newest first.
    recent: VecDeque<Anomaly>,
    /// Raised, and perhaps not told yet.
    pub pending: Vec<Anomaly>,
    /// What those are told as caused by, each time they are.
    #[serde(default, deserialize_with = "trace_context::lenient", skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            id: STATE.to_owned(),
            detector: Detector::default(),
            recent: VecDeque::new(),
            pending: Vec::new(),
            trace: None,
        }
    }
}

impl Memory {
    /// The last minute taken in; `None` before the first.
    pub fn last(&self) -> Option<i64> {
        self.detector.last()
    }

    /// Takes in a minute, see [`Detector::step`].
    pub fn step(&mut self, minute: &Minute, is_past: bool) {
        let changes = self.detector.step(minute, is_past);
        self.keep(changes);
    }

    /// See [`Detector::go_back_to`].
    pub fn go_back_to(&mut self, minute: i64) {
        let changes = self.detector.go_back_to(minute);
        self.keep(changes);
    }

    fn keep(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Raised(anomaly) => self.pending.push(anomaly),
                Change::Cleared(anomaly) => self.recent.push_front(anomaly),
            }
        }
        self.recent.truncate(RECENT);
    }

    /// See [`Detector::resume_at`].
    pub fn resume_at(&mut self, minute: i64) {
        self.detector.resume_at(minute);
    }

    /// The list as of the last minute; `None` before the first.
    pub fn list(&self) -> Option<List> {
        Some(List {
            id: CURRENT.to_owned(),
            at: time_of(self.last()? + 1),
            open: self.detector.open().into_iter().cloned().collect(),
            recent: self.recent.clone(),
        })
    }
}

/// The list of anomalies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// Always [`CURRENT`].
    pub id: String,
    /// End of the last minute that was judged.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Those that last, in the order of their starts.
    pub open: Vec<Anomaly>,
    /// The last [`RECENT`] cleared ones, newest first.
    pub recent: VecDeque<Anomaly>,
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    use super::Detector;

    pub(super) fn serialize<S: Serializer>(detector: &Detector, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&serde_json::to_string(detector).map_err(ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Detector, D::Error> {
        contoso_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
