//! Ledger: how far the work on a sales file is, who does it, and which invoices earlier versions of the file may have told.

use std::{collections::BTreeSet, ops::Range};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{
    azure::blobs::BlobEntry,
    domain::sales::{
        events::FileVersion,
        reader::Cursor,
        report::{self, Report, State, Tally},
        spill::Run,
    },
};

/// Three times as long as a worker lets pass before it renews it: who did not is dead, or too late.
const LEASE: Duration = Duration::seconds(30);

/// What is kept of a file between two steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ledger {
    /// Of the version that is worked on, or was last; its `state` says which.
    pub(super) report: Report,
    /// Where reading goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Cursor>,
    /// What was read and is not told yet.
    #[serde(default)]
    pub(super) runs: Vec<Run>,
    /// The first bucket that is not told.
    #[serde(default)]
    pub(super) bucket: usize,
    /// Bad lines, as they are written down.
    #[serde(default)]
    pub(super) bad: Vec<BadPart>,
    /// Invoices that this version tells, as far as it has come.
    #[serde(default)]
    pub(super) told: Vec<Part>,
    /// Invoices that earlier versions told.
    #[serde(default)]
    pub(super) before: Vec<Part>,
    /// What nobody needs any more.
    #[serde(default)]
    pub(super) rubbish: BTreeSet<String>,
    /// Who is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) worker: Option<Worker>,
}

/// Invoices of some buckets, a line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// What it is stored as.
    pub(super) name: String,
    pub(super) buckets: Range<usize>,
}

/// Some bad lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BadPart {
    /// What they are stored as.
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Worker {
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

/// The currency of a file, and where that is known from.
pub(super) struct CurrencyOf {
    pub(super) code: String,
    pub(super) from: &'static str,
}

impl Ledger {
    /// Of a version of which nothing was read yet, after what is known of the versions before.
    pub(super) fn begin(
        entry: &BlobEntry,
        modified: OffsetDateTime,
        currency: CurrencyOf,
        earlier: Option<Self>,
    ) -> Self {
        let last = earlier.as_ref().map_or(0, |earlier| earlier.report.revision);
        let (mut before, mut rubbish) = (Vec::new(), BTreeSet::new());
        if let Some(earlier) = earlier {
            rubbish = earlier.rubbish;
            // Of a version that was not told to its end, some invoices were.
            before = earlier.before;
            before.extend(earlier.told);
            rubbish.extend(earlier.runs.into_iter().map(|run| run.name));
            rubbish.extend(earlier.bad.into_iter().map(|part| part.name));
        }
        Self {
            report: Report {
                file: entry.name.clone(),
                etag: entry.etag.trim_matches('"').to_owned(),
                last_modified: modified,
                bytes: entry.length,
                // Grows also if this ledger was lost.
                revision: (last + 1).max(modified.unix_timestamp()),
                currency: currency.code,
                currency_from: currency.from.to_owned(),
                state: State::Reading,
                progress: None,
                rejection: None,
                tally: Tally::default(),
                confirmed: 0,
                refunded: 0,
                withdrawn: 0,
                withdrawn_invoices: Vec::new(),
                notes: Vec::new(),
                rules: report::rules(),
                seconds: 0.0,
            },
            cursor: None,
            runs: Vec::new(),
            bucket: 0,
            bad: Vec::new(),
            told: Vec::new(),
            before,
            rubbish,
            worker: None,
        }
    }

    /// Whether all that is to be done for its version is done.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.report.state, State::Done | State::Rejected)
    }

    /// Whether somebody else is at work.
    pub(super) fn is_claimed(&self, now: OffsetDateTime) -> bool {
        self.worker.as_ref().is_some_and(|worker| worker.until > now)
    }

    /// Takes the work, or keeps it.
    pub(super) fn claim(&mut self, worker: &str, now: OffsetDateTime) {
        self.worker = Some(Worker { id: worker.to_owned(), until: now + LEASE });
    }

    /// The version, as events name it.
    pub(super) fn version(&self) -> FileVersion {
        FileVersion {
            name: self.report.file.clone(),
            revision: self.report.revision,
            modified: self.report.last_modified,
        }
    }

    /// The name of something that belongs to this version.
    pub(super) fn work(&self, what: &str) -> String {
        format!("work/{}/{}/{what}", self.report.file, self.report.revision)
    }
}
