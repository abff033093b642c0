//! What became of the records of an invocation.

use std::collections::BTreeMap;

use opentelemetry::trace::Link;

/// What became of the records.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) done: usize,
    pub(super) skipped: usize,
    pub(super) parked: usize,
    pub(super) retried: usize,
    /// Why the first parked record was parked.
    pub(super) parked_cause: Option<String>,
    /// Why the first record at Retry is there.
    pub(super) retry_cause: Option<String>,
    /// How many ended otherwise than Done, by outcome and by label of the cause.
    pub(super) ends: BTreeMap<(&'static str, &'static str), u64>,
    /// Records tried again at once.
    pub(super) tried_again: u64,
    /// The spans of records.
    pub(super) links: Vec<Link>,
}

impl Report {
    /// Why the invocation failed, if it did.
    pub(super) fn failure(&self) -> Option<&'static str> {
        self.ends.keys().find(|(outcome, _)| *outcome == "retried").map(|(_, cause)| *cause)
    }
}
