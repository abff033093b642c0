//! Telling: the invoices of a file, bucket by bucket, to hub `sales`.
//!
//! Before the invoices of some buckets are sent, their numbers are written down. So the next version of the file knows each that was told,
//! also of a version that nobody told to its end, and withdraws those that it does not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde::Serialize;
use uuid::Uuid;

use super::{
    ledger::Part,
    work::{Stop, Work, Worked},
};
use crate::{
    domain::sales::{
        events::{self, FileReceived, FileRejected, Invoice, InvoiceWithdrawn, SOURCE},
        reader::BadLine,
        report::{MOST_WITHDRAWN, RejectionTold, Tally},
        row::Row,
        size::{self, MOST_TEXT, Size},
        spill::{self, BUCKETS, Run, bucket, next_buckets},
    },
    events::{Contract, HubMessage, Outgoing, contracts, hubs},
    outcome::Cause,
};

/// Events sent at a time.
const AT_ONCE: usize = 500;

/// Lines of an invoice that are kept for it.
#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
    size: Size,
    is_too_long: bool,
}

/// Lines of some buckets, as far as they are read.
#[derive(Default)]
struct Gathering {
    invoices: BTreeMap<String, Gathered>,
    /// Lines of invoices that fit no event, before they are parked.
    too_long: Vec<Row>,
    /// What those come to.
    refused: Tally,
}

impl Work<'_> {
    /// Tells all that was read.
    pub(super) async fn tell(&mut self) -> Result<(), Stop> {
        if self.is_small {
            let mut gathering = Gathering::default();
            gathering.add(std::mem::take(&mut self.rows));
            self.refuse("too-long", &mut gathering).await?;
            return self.tell_buckets(0..BUCKETS, gathering).await;
        }
        while self.ledger.bucket < BUCKETS {
            let buckets = next_buckets(&self.ledger.runs, self.ledger.bucket);
            let mut gathering = Gathering::default();
            for run in 0..self.ledger.runs.len() {
                let Run { name, .. } = &self.ledger.runs[run];
                let bytes = self.files.read_work(name, Some(self.ledger.runs[run].range(&buckets))).await?;
                let rows = spill::read(&bytes)
                    .map_err(|error| Cause::from_error("read lines that were written down", error))?;
                gathering.add(rows);
                self.refuse(&format!("too-long-{}-{run}", buckets.start), &mut gathering).await?;
            }
            self.tell_buckets(buckets.clone(), gathering).await?;
            self.ledger.bucket = buckets.end;
            self.show().await?;
            if self.is_over() && self.ledger.bucket < BUCKETS {
                return self.leave(Worked::Unfinished).await;
            }
        }
        Ok(())
    }

    async fn tell_buckets(&mut self, buckets: Range<usize>, gathering: Gathering) -> Result<(), Stop> {
        let Gathering { invoices, refused, .. } = gathering;
        let invoices: BTreeMap<String, Vec<Row>> = invoices
            .into_iter()
            .filter(|(_, gathered)| !gathered.is_too_long)
            .map(|(invoice, gathered)| (invoice, gathered.rows))
            .collect();
        let part = Part { name: self.ledger.work(&format!("invoices-{}", buckets.start)), buckets: buckets.clone() };
        let list: String = invoices.keys().flat_map(|invoice| [invoice.as_str(), "\n"]).collect();
        let gone = self.gone(&buckets, &invoices).await?;
        self.files.write_work(&part.name, list.into()).await?;
        self.ledger.told.retain(|told| told.name != part.name);
        self.ledger.told.push(part);
        self.keep().await?;
        // Counted at the end, and stored with the next step: should this one be repeated, it counts once.
        let (mut confirmed, mut refunded) = (0, 0);
        let version = self.ledger.version();
        let currency = self.ledger.report.currency.clone();
        let mut messages = Vec::with_capacity(AT_ONCE);
        for rows in invoices.values() {
            let Some(invoice) = Invoice::of(rows, &version, &currency) else { continue };
            let contract = if invoice.event_type() == events::REFUNDED {
                refunded += 1;
                &contracts::SALES_REFUNDED
            } else {
                confirmed += 1;
                &contracts::SALES_CONFIRMED
            };
            messages.push(self.message(contract, &invoice.invoice, &invoice).await?);
            self.send_full(&mut messages).await?;
        }
        for invoice in &gone {
            let withdrawn = InvoiceWithdrawn { invoice: invoice.clone(), file: version.clone() };
            messages.push(self.message(&contracts::SALES_WITHDRAWN, invoice, &withdrawn).await?);
            self.send_full(&mut messages).await?;
        }
        self.send(messages).await?;
        let report = &mut self.ledger.report;
        report.confirmed += confirmed;
        report.refunded += refunded;
        report.withdrawn += gone.len() as u64;
        let room = MOST_WITHDRAWN.saturating_sub(report.withdrawn_invoices.len());
        report.withdrawn_invoices.extend(gone.into_iter().take(room));
        report.tally.park(&refused);
        Ok(())
    }

    /// Invoices of some buckets that earlier versions of the file told, and this one does not have.
    async fn gone(
        &self,
        buckets: &Range<usize>,
        invoices: &BTreeMap<String, Vec<Row>>,
    ) -> Result<BTreeSet<String>, Cause> {
        let mut gone = BTreeSet::new();
        let shares = |part: &&Part| part.buckets.start < buckets.end && buckets.start < part.buckets.end;
        for part in self.ledger.before.iter().filter(shares) {
            let bytes = self.files.read_work(&part.name, None).await?;
            let list = String::from_utf8_lossy(&bytes);
            let missing =
                list.lines().filter(|invoice| buckets.contains(&bucket(invoice)) && !invoices.contains_key(*invoice));
            gone.extend(missing.map(str::to_owned));
        }
        Ok(gone)
    }

    /// Parks the lines of invoices that fit no event. They are counted once their buckets are told.
    async fn refuse(&mut self, what: &str, gathering: &mut Gathering) -> Result<(), Cause> {
        let bad = std::mem::take(&mut gathering.too_long).into_iter().map(|row| {
            gathering.refused.add(&row);
            size::parked(row)
        });
        let bad: Vec<BadLine> = bad.collect();
        self.park(what, bad).await
    }

    /// Tells that the file was read.
    pub(super) async fn tell_received(&self) -> Result<(), Cause> {
        let report = &self.ledger.report;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let received = FileReceived {
            file: self.ledger.version(),
            etag: report.etag.clone(),
            currency: report.currency.clone(),
            rows: count(report.tally.rows),
            bad_lines: count(report.tally.bad_lines),
            confirmed: count(report.confirmed),
            refunded: count(report.refunded),
            withdrawn: count(report.withdrawn),
            amount: report.tally.sums.net.amount,
        };
        self.send(vec![self.message(&contracts::SALES_FILE_RECEIVED, &report.file, &received).await?]).await
    }

    /// Tells that it was rejected.
    pub(super) async fn tell_rejected(&self, told: &RejectionTold) -> Result<(), Cause> {
        let report = &self.ledger.report;
        let rejected = FileRejected {
            file: self.ledger.version(),
            etag: report.etag.clone(),
            reason: told.reason.clone(),
            detail: told.detail.clone(),
        };
        self.send(vec![self.message(&contracts::SALES_FILE_REJECTED, &report.file, &rejected).await?]).await
    }

    /// An event, whose id is made of the file's version and of what it is about: told again it is the same event.
    async fn message<T: Serialize>(
        &self,
        schema: &'static Contract,
        key: &str,
        data: &T,
    ) -> Result<(String, HubMessage), Cause> {
        let report = &self.ledger.report;
        let cause = format!("{}\n{}\n{}\n{key}", report.file, report.revision, schema.event_type);
        let outgoing = Outgoing {
            id: Uuid::new_v5(&Uuid::NAMESPACE_OID, cause.as_bytes()).to_string(),
            source: SOURCE,
            subject: Some(key.to_owned()),
            time: Some(report.last_modified),
            extensions: [("partitionkey".to_owned(), key.to_owned())].into(),
            trace: None,
            schema,
            data,
        };
        let message = self.app.events().encode(outgoing).await;
        message
            .map(|message| (key.to_owned(), message))
            .map_err(|error| Cause::from_error("encode an event of sales", error))
    }

    /// Sends events once there are enough of them.
    async fn send_full(&mut self, messages: &mut Vec<(String, HubMessage)>) -> Result<(), Stop> {
        let is_full = messages.len() >= AT_ONCE
            || messages.iter().map(|(_, message)| message.body.len()).sum::<usize>() > 4 * MOST_TEXT;
        if is_full {
            self.send(std::mem::take(messages)).await?;
            self.renew().await?;
        }
        Ok(())
    }

    async fn send(&self, messages: Vec<(String, HubMessage)>) -> Result<(), Cause> {
        let sent = self.app.hubs().send(hubs::SALES, messages).await;
        sent.map_err(|error| Cause::from_error("send events of sales", error))
    }
}

impl Gathering {
    /// Sorts lines by invoice. Those of an invoice that has too many are put aside.
    fn add(&mut self, rows: Vec<Row>) {
        for row in rows {
            let invoice = self.invoices.entry(row.invoice.clone()).or_default();
            invoice.size.add(&row);
            invoice.rows.push(row);
            if invoice.is_too_long || invoice.size.is_too_large() {
                invoice.is_too_long = true;
                self.too_long.append(&mut invoice.rows);
            }
        }
    }
}
