//! Reading: a file's lines, slice by slice. Good ones are written down in buckets by invoice, bad ones parked one by one.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ledger::BadPart,
    lines::lines,
    work::{MOST_BAD, RENEWED, Stop, Work, Worked},
};
use crate::{
    domain::sales::{
        bad_lines,
        reader::{BadLine, Line},
        rejection::{MOST_PACKED, ReadError, Rejection},
        report::{self, State},
        spill::Run,
    },
    outcome::Cause,
};

/// Good lines of a slice.
const SLICE: usize = 50_000;

/// Bad lines of a slice (bytes).
const BAD_SLICE: usize = 4 << 20;

/// How long what was read before may take to be passed over, beyond the time of a run.
const PASSED_OVER: Duration = Duration::from_secs(60);

impl Work<'_> {
    /// Reads the file to its end, slice by slice.
    pub(super) async fn read(&mut self) -> Result<(), Stop> {
        if self.ledger.report.bytes > MOST_PACKED {
            return Err(Stop::Rejected(Rejection::TooLarge));
        }
        if self.ledger.cursor.is_none() {
            let report = &mut self.ledger.report;
            report.tally = report::Tally::default();
            (report.confirmed, report.refunded, report.withdrawn) = (0, 0, 0);
            report.withdrawn_invoices.clear();
            self.ledger.bad.clear();
        }
        let report = &self.ledger.report;
        let stream = self.files.stream(&report.file, &report.etag).await;
        let stream = stream.map_err(|error| Cause::from_error("read the sales file", error))?;
        // Written again: the next version has an event of its own, and its mark.
        let Some(stream) = stream else { return self.leave(Worked::Unfinished).await };
        let mut chunks = lines(stream, report.currency.clone(), self.ledger.cursor.clone());
        let mut bad = Vec::new();
        let mut bad_bytes = 0;
        // Behind the last line of this run.
        let mut read_to = None;
        loop {
            let mut is_last = false;
            match tokio::time::timeout(RENEWED, chunks.recv()).await {
                Ok(Some(Ok(chunk))) => {
                    is_last = chunk.is_last;
                    bad_bytes += self.gather(chunk.lines, &mut bad);
                    self.ledger.report.notes = report::notes(&chunk.cursor.notes, &chunk.cursor.layout);
                    #[expect(clippy::cast_precision_loss, reason = "a share of bytes, to be shown")]
                    let progress = chunk.bytes as f64 / self.ledger.report.bytes.max(1) as f64;
                    self.ledger.report.progress = (!is_last).then(|| (progress.min(1.0) * 1000.0).round() / 1000.0);
                    read_to = Some(chunk.cursor);
                }
                Ok(Some(Err(ReadError::Rejected(rejection)))) => return Err(Stop::Rejected(rejection)),
                Ok(Some(Err(error @ ReadError::Source(_)))) => {
                    return Err(Stop::Failed(Cause::from_error("read the sales file", error)));
                }
                Ok(None) => return Err(Stop::Failed(Cause::new("the reader of a sales file ended before the file"))),
                // It is renewed below, whatever was read.
                Err(_) => {}
            }
            let Some(cursor) = &read_to else {
                // What was read before takes a while to be passed over; ended before that, the next run would be no further.
                if Instant::now() >= self.until + PASSED_OVER {
                    return Err(Stop::Failed(Cause::new("the bytes of a sales file did not come in time")));
                }
                self.keep().await?;
                continue;
            };
            let is_over = self.is_over();
            let is_full = self.rows.len() >= SLICE || bad_bytes >= BAD_SLICE || self.renewed.elapsed() >= RENEWED;
            if is_full || is_over || is_last {
                let line = cursor.line;
                self.park(&format!("bad-{line}"), std::mem::take(&mut bad)).await?;
                bad_bytes = 0;
                if is_last && self.ledger.cursor.is_none() && self.ledger.runs.is_empty() {
                    self.is_small = true;
                    return Ok(());
                }
                self.spill(line).await?;
                self.ledger.cursor = Some(cursor.clone());
                if is_last {
                    self.ledger.cursor = None;
                    self.ledger.report.state = State::Sending;
                }
                self.keep().await?;
                self.show().await?;
                if is_last {
                    return Ok(());
                }
                if is_over {
                    return self.leave(Worked::Unfinished).await;
                }
            }
        }
    }

    /// Counts lines and puts them with those of their slice. Returns the bytes of the bad ones.
    fn gather(&mut self, lines: Vec<Line>, bad: &mut Vec<BadLine>) -> usize {
        let mut bytes = 0;
        for line in lines {
            match line {
                Line::Good(row) => {
                    self.ledger.report.tally.add(&row);
                    self.rows.push(row);
                }
                Line::Bad(line) => {
                    self.ledger.report.tally.bad_lines += 1;
                    bytes += line.original.len() + line.reason.len();
                    bad.push(line);
                }
            }
        }
        bytes
    }

    /// Writes good lines down.
    async fn spill(&mut self, line: u64) -> Result<(), Cause> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let (run, bytes) = Run::write(self.ledger.work(&format!("lines-{line}")), &rows);
        self.files.write_work(&run.name, bytes.into()).await?;
        self.ledger.runs.push(run);
        Ok(())
    }

    /// Writes bad lines down, up to a bound; the report counts all of them.
    pub(super) async fn park(&mut self, what: &str, bad: Vec<BadLine>) -> Result<(), Cause> {
        let kept: u64 = self.ledger.bad.iter().map(|part| part.bytes).sum();
        if bad.is_empty() || kept >= MOST_BAD {
            return Ok(());
        }
        let csv: String = bad.iter().map(bad_lines::csv_line).collect();
        let part = BadPart { name: self.ledger.work(what), bytes: csv.len() as u64 };
        self.files.write_work(&part.name, csv.into()).await?;
        self.ledger.bad.retain(|other| other.name != part.name);
        self.ledger.bad.push(part);
        Ok(())
    }
}
