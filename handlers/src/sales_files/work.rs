//! Work on one file: claims it, reads, tells, and lets it go.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::Semaphore, time::Instant};
use uuid::Uuid;

use super::ledger::{CurrencyOf, Ledger};
use crate::{
    app::App,
    azure::blobs::BlobEntry,
    domain::sales::{
        bad_lines,
        rejection::Rejection,
        report::{self, RejectionTold, State},
        row::Row,
    },
    outcome::Cause,
    stores::sales::files::{SalesFiles, Waiting},
};

/// Files worked on at a time in this process: each has a slice in memory.
const AT_ONCE: usize = 4;

/// Bad lines that are kept of a file (bytes).
pub(super) const MOST_BAD: u64 = 32 << 20;

/// How long a worker works before it stores how far it is, and so renews its claim.
pub(super) const RENEWED: Duration = Duration::from_secs(10);

static WORKING: Semaphore = Semaphore::const_new(AT_ONCE);

/// How work on a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// All of it is told, or it is rejected.
    Done,
    /// It was so before.
    Already,
    /// Time was over: it goes on later.
    Unfinished,
    /// Somebody else is at work on it.
    Claimed,
    /// Somebody else is at work on an earlier version.
    OlderClaimed,
    /// There is no such file.
    Gone,
}

/// A file in this worker's hands.
pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) files: &'a SalesFiles,
    /// What it was asked by.
    waiting: &'a Waiting,
    pub(super) ledger: Ledger,
    /// As it was stored last.
    stored: Ledger,
    /// Good lines that are in memory only.
    pub(super) rows: Vec<Row>,
    /// Whether these are all lines of the file. Its ledger then says that it is being read until all is told: who comes next reads it again.
    pub(super) is_small: bool,
    worker: String,
    etag: Option<String>,
    pub(super) until: Instant,
    /// When the claim was renewed last.
    pub(super) renewed: Instant,
    began: Instant,
    before: f64,
}

/// Why work stops before its end.
pub(super) enum Stop {
    /// Time is over, or the file is no longer this worker's.
    Leave(Worked),
    /// The file is bad.
    Rejected(Rejection),
    /// Something around it does not work.
    Failed(Cause),
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Failed(cause)
    }
}

/// Works on a file until it is done or time is over; what is left then has a mark.
///
/// The mark is known before the file is looked at, and goes only as it was then: a newer version, whose delivery may have found no place
/// here or somebody at work, has marked the file again.
pub(crate) async fn work_on(app: &App, waiting: &Waiting, until: Instant) -> Result<Worked, Cause> {
    let files = &app.stores().sales_files;
    let name = waiting.file.as_str();
    let Ok(Ok(_place)) = tokio::time::timeout_at(until, WORKING.acquire()).await else { return Ok(Worked::Unfinished) };
    let Some(entry) = files.find(name).await? else {
        files.no_longer_waits(waiting).await?;
        return Ok(Worked::Gone);
    };
    let kept = files.ledger::<Ledger>(name).await?;
    let (ledger, etag) = kept.map(|kept| (kept.value, kept.etag)).unzip();
    let is_same = ledger.as_ref().is_some_and(|ledger| ledger.report.etag == entry.etag.trim_matches('"'));
    let (modified, currency) = (entry.last_modified.unwrap_or_else(|| app.now()), currency(app, &entry));
    let ledger = match ledger {
        Some(ledger) if ledger.is_claimed(app.now()) => {
            return Ok(if is_same { Worked::Claimed } else { Worked::OlderClaimed });
        }
        Some(ledger) if is_same && ledger.is_ended() => {
            clear(files, &ledger, waiting).await?;
            return Ok(Worked::Already);
        }
        Some(ledger) if is_same => ledger,
        Some(mut earlier) => {
            // What an earlier version left, so that the ledger does not grow with each.
            for name in std::mem::take(&mut earlier.rubbish) {
                files.forget(&name).await?;
            }
            Ledger::begin(&entry, modified, currency, Some(earlier))
        }
        None => Ledger::begin(&entry, modified, currency, None),
    };
    let mut work = Work {
        app,
        files,
        waiting,
        before: ledger.report.seconds,
        stored: ledger.clone(),
        ledger,
        rows: Vec::new(),
        is_small: false,
        worker: Uuid::new_v4().to_string(),
        etag,
        until,
        renewed: Instant::now(),
        began: Instant::now(),
    };
    match work.run().await {
        Ok(()) => Ok(Worked::Done),
        Err(Stop::Leave(worked)) => Ok(worked),
        Err(Stop::Rejected(rejection)) => work.reject(&rejection).await.map(|()| Worked::Done),
        Err(Stop::Failed(cause)) => {
            // What was not stored is done again.
            work.ledger = Ledger { worker: None, ..work.stored.clone() };
            // Nobody has to wait for the claim's end; if this fails too, that ends it.
            if let Err(Stop::Failed(cause)) = work.store().await {
                tracing::warn!(cause = cause.chain(), "a sales file was not let go");
            }
            Err(cause)
        }
    }
}

/// What the partner says of the currency, or the setting, or what there is without one.
fn currency(app: &App, entry: &BlobEntry) -> CurrencyOf {
    let said =
        entry.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("currency")).map(|(_, code)| code.trim());
    match (said.filter(|code| !code.is_empty()), &app.settings().sales.currency) {
        (Some(code), _) => CurrencyOf { code: code.to_ascii_uppercase(), from: "metadata" },
        (None, Some(code)) => CurrencyOf { code: code.clone(), from: "setting" },
        (None, None) => CurrencyOf { code: "GBP".to_owned(), from: "default" },
    }
}

/// Removes what an ended file leaves, and its mark.
async fn clear(files: &SalesFiles, ledger: &Ledger, waiting: &Waiting) -> Result<(), Cause> {
    for name in &ledger.rubbish {
        files.forget(name).await?;
    }
    files.no_longer_waits(waiting).await
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        self.keep().await?;
        if self.ledger.report.state == State::Reading {
            self.read().await?;
        }
        self.tell().await?;
        self.finish().await?;
        Ok(())
    }

    /// Whether the time for this run is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Stores how far the work is, and renews the claim.
    pub(super) async fn keep(&mut self) -> Result<(), Stop> {
        self.ledger.claim(&self.worker, self.app.now());
        self.store().await?;
        self.renewed = Instant::now();
        Ok(())
    }

    /// Renews the claim where that is due, while the ledger says what is stored.
    pub(super) async fn renew(&mut self) -> Result<(), Stop> {
        if self.renewed.elapsed() < RENEWED { Ok(()) } else { self.keep().await }
    }

    async fn store(&mut self) -> Result<(), Stop> {
        self.ledger.report.seconds = self.before + (self.began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let file = &self.ledger.report.file;
        match self.files.keep_ledger(file, &self.ledger, self.etag.as_deref()).await? {
            Some(etag) => {
                self.etag = Some(etag);
                self.stored = self.ledger.clone();
                Ok(())
            }
            None => Err(Stop::Leave(Worked::Claimed)),
        }
    }

    /// Lets the file go before it is done.
    pub(super) async fn leave(&mut self, worked: Worked) -> Result<(), Stop> {
        self.ledger.worker = None;
        self.store().await?;
        // It had its turn; and whoever finished an earlier version meanwhile may have taken the mark away.
        self.files.wait(&self.ledger.report.file).await?;
        Err(Stop::Leave(worked))
    }

    /// Shows how far the work is.
    pub(super) async fn show(&self) -> Result<(), Cause> {
        let report = &self.ledger.report;
        tracing::info!(
            rows = report.tally.rows,
            bad_lines = report.tally.bad_lines,
            invoices = report.confirmed + report.refunded,
            seconds = report.seconds,
            "a sales file is being read"
        );
        self.files.write_report(&report.file, report).await
    }

    /// All is told.
    async fn finish(&mut self) -> Result<(), Stop> {
        let mut csv = Vec::new();
        for part in &self.ledger.bad {
            csv.extend_from_slice(&self.files.read_work(&part.name, None).await?);
        }
        let has_bad = !csv.is_empty();
        let csv = has_bad.then(|| Bytes::from([bad_lines::HEADER.as_bytes(), &csv].concat()));
        let kept: u64 = self.ledger.bad.iter().map(|part| part.bytes).sum();
        if kept >= MOST_BAD {
            self.ledger.report.notes.push("the file of bad lines ends after 32 MB; all of them are counted".to_owned());
        }
        self.files.write_bad_lines(&self.ledger.report.file, csv).await?;
        self.ledger.report.state = State::Done;
        self.ledger.report.progress = None;
        self.tell_received().await?;
        self.ledger.rubbish.extend(std::mem::take(&mut self.ledger.before).into_iter().map(|part| part.name));
        self.end().await
    }

    /// The file is bad: nothing of it counts, and what an earlier version said stays.
    async fn reject(&mut self, rejection: &Rejection) -> Result<(), Cause> {
        let told = RejectionTold { reason: rejection.code().to_owned(), detail: rejection.to_string() };
        self.tell_rejected(&told).await?;
        let report = &mut self.ledger.report;
        report.rejection = Some(told);
        report.state = State::Rejected;
        report.progress = None;
        report.tally = report::Tally::default();
        report.notes.clear();
        self.files.write_bad_lines(&self.ledger.report.file, None).await?;
        match self.end().await {
            Ok(()) | Err(Stop::Leave(_) | Stop::Rejected(_)) => Ok(()),
            Err(Stop::Failed(cause)) => Err(cause),
        }
    }

    async fn end(&mut self) -> Result<(), Stop> {
        self.ledger.rubbish.extend(std::mem::take(&mut self.ledger.runs).into_iter().map(|run| run.name));
        self.ledger.rubbish.extend(std::mem::take(&mut self.ledger.bad).into_iter().map(|part| part.name));
        self.ledger.cursor = None;
        self.ledger.worker = None;
        self.files.write_report(&self.ledger.report.file, &self.ledger.report).await?;
        self.store().await?;
        clear(self.files, &self.ledger, self.waiting).await?;
        Ok(())
    }
}
