//! The report of a sales file: what was taken, what was not, and by which rules it counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    header::{Layout, shown},
    reader::Notes,
    row::{InvoiceKind, ItemKind, Row},
    totals::{DaySums, Sum},
};

/// Charges that are told one by one.
const MOST_CHARGES: usize = 100;

/// Withdrawn invoices that are told by name.
pub const MOST_WITHDRAWN: usize = 1_000;

/// How far the work on a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its lines are being read.
    #[default]
    Reading,
    /// Its invoices are being sent.
    Sending,
    /// All of it is told.
    Done,
    /// It is rejected as a whole.
    Rejected,
}

/// What good lines come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Good lines.
    pub rows: u64,
    /// Parked lines.
    pub bad_lines: u64,
    /// By kind, in minor units of the file's currency.
    pub sums: DaySums,
    /// By stock code, of what is no product.
    pub charges: BTreeMap<String, Sum>,
    /// Of `C…` invoices.
    pub refund_lines: u64,
    /// Of `A…` invoices.
    pub adjustment_lines: u64,
    /// The first day that a line counts for.
    pub first_day: Option<String>,
    /// The last one.
    pub last_day: Option<String>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its name.
    pub file: String,
    /// Of the version that was read.
    pub etag: String,
    /// When that was written.
    #[serde(with = "time::serde::rfc3339")]
    pub last_modified: OffsetDateTime,
    /// Bytes, as they lie in storage.
    pub bytes: u64,
    /// Grows with each version of the file.
    pub revision: i64,
    /// ISO 4217, and where that is known from.
    pub currency: String,
    /// `metadata`, `setting` or `default`.
    pub currency_from: String,
    /// How far the work is.
    pub state: State,
    /// Of what share of the file lines were read (0 to 1), while they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<RejectionTold>,
    /// What its lines come to.
    #[serde(flatten)]
    pub tally: Tally,
    /// Invoices without refunds.
    pub confirmed: u64,
    /// Refunds.
    pub refunded: u64,
    /// Invoices that an earlier version had and this one has not: they left the totals.
    pub withdrawn: u64,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn_invoices: Vec<String>,
    /// What else is to be said, in sentences.
    pub notes: Vec<String>,
    /// The rules by which lines count.
    pub rules: Vec<String>,
    /// Time spent on it.
    pub seconds: f64,
}

/// Why a file was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionTold {
    /// A word for programs.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
}

impl Tally {
    /// Counts lines as parked that were counted as good.
    pub fn park(&mut self, lines: &Self) {
        self.rows = self.rows.saturating_sub(lines.rows);
        self.bad_lines += lines.rows;
        self.refund_lines = self.refund_lines.saturating_sub(lines.refund_lines);
        self.adjustment_lines = self.adjustment_lines.saturating_sub(lines.adjustment_lines);
        self.sums.take(&lines.sums);
        for (code, sum) in &lines.charges {
            if let Some(counted) = self.charges.get_mut(code) {
                counted.take(*sum);
            }
        }
    }

    /// Counts a good line.
    pub fn add(&mut self, row: &Row) {
        let (kind, item) = (InvoiceKind::of(&row.invoice), ItemKind::of(&row.stock_code));
        let share = Sum { quantity: row.quantity, amount: row.amount };
        self.rows += 1;
        self.sums.add(item, kind, share);
        match kind {
            InvoiceKind::Sale => {}
            InvoiceKind::Refund => self.refund_lines += 1,
            InvoiceKind::Adjustment => self.adjustment_lines += 1,
        }
        if item == ItemKind::Charge {
            let is_known = self.charges.contains_key(&row.stock_code);
            if is_known || self.charges.len() < MOST_CHARGES {
                self.charges.entry(row.stock_code.clone()).or_default().add(share);
            }
        }
        if self.first_day.as_deref().is_none_or(|first| row.day() < first) {
            self.first_day = Some(row.day().to_owned());
        }
        if self.last_day.as_deref().is_none_or(|last| row.day() > last) {
            self.last_day = Some(row.day().to_owned());
        }
    }
}

/// What is to be said about a file, in sentences.
pub fn notes(notes: &Notes, layout: &Layout) -> Vec<String> {
    let mut said = Vec::new();
    if !layout.ignored.is_empty() {
        said.push(format!("columns that are not read: {}", shown(&layout.ignored)));
    }
    let lines = |count: u64| if count == 1 { "1 line was".to_owned() } else { format!("{count} lines were") };
    if notes.windows_1252_lines > 0 {
        said.push(format!("{} no UTF-8 and read as Windows-1252", lines(notes.windows_1252_lines)));
    }
    if layout.delimiter == b';' {
        said.push("fields are parted by semicolons, so numbers are read with a decimal comma".to_owned());
    }
    if notes.repeated_headers > 0 {
        said.push(format!("{} a header once more, and passed over", lines(notes.repeated_headers)));
    }
    if notes.rounded_lines > 0 {
        said.push(format!(
            "{} finer than the currency: their amounts are rounded, half a unit away from zero",
            lines(notes.rounded_lines)
        ));
    }
    if notes.zero_prices > 0 {
        said.push(format!("{} at a price of nothing: their pieces count, and no money", lines(notes.zero_prices)));
    }
    if notes.negative_prices > 0 {
        said.push(format!("{} at a price below zero, which counts as it is written", lines(notes.negative_prices)));
    }
    said
}

/// The rules by which lines count.
pub fn rules() -> Vec<String> {
    let charges = super::row::CHARGES.join(", ");
    vec![
        "C… invoices are refunds: whatever signs they have, pieces and amounts count below zero".to_owned(),
        "A… invoices are adjustments: they count in `adjustments` and in `net`, and in neither sales nor refunds"
            .to_owned(),
        format!("stock codes {charges} are charges, no products: they count in `charges` and in `net`"),
        "any other stock code is a product: it counts in `sales` or `refunds`, and in `net`".to_owned(),
    ]
}
