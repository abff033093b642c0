//! Daily totals per product and country, which any order, repetition and replacement of events leaves right.
//!
//! Of each invoice a document has what every file says of it, a version of the file at a time ([`InvoiceDocument`]). Of these one counts:
//! that of the file which was written last, and of two written at once that of the later name. What counts is entered for each day that
//! it touches ([`DayShard`]), replaced whole, and under the document's version, which only grows. The totals of a day ([`DayTotals`]) are
//! the sum of the entries, made anew from all of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use contoso_partitioner::partition;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    events::{FileVersion, Invoice, InvoiceWithdrawn},
    row::{InvoiceKind, ItemKind},
};

/// Documents that the entries of a day are spread over. Their number is a multiple of any number of partitions that hub `sales` is likely
/// to have, and the same hash chooses both: so an entry's document has one writer. With two megabytes a document they bound a day to some
/// two million shares of about 60 bytes.
const SHARDS: NonZeroU32 = NonZeroU32::new(64).unwrap();

/// What the rows of a day's totals may take (bytes of JSON): a document has two megabytes. What products with less money in them sum up
/// to is told together.
const MOST_BYTES: usize = 1_500_000;

/// So many rows always fit: of each its texts, names of members and the digits of eight numbers, every character of a text escaped.
const ALWAYS_FIT: usize = 1_000;

/// What one invoice adds to a day: country, product, currency, kind of item, kind of invoice, pieces, minor units.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share(String, String, String, ItemKind, InvoiceKind, i64, i64);

/// What a version of a file says of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    revision: i64,
    #[serde(with = "time::serde::rfc3339")]
    modified: OffsetDateTime,
    /// By day; `None` if the invoice is gone from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<BTreeMap<String, Vec<Share>>>,
}

/// What all files say of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceDocument {
    /// Made of the number, which may have characters that an id may not.
    pub id: String,
    invoice: String,
    /// Grows with each change of the document.
    version: u64,
    files: BTreeMap<String, Said>,
    /// Every day that some version counted for.
    days: BTreeSet<String>,
}

/// What a file says now of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    invoice: String,
    file: String,
    said: Said,
}

/// What is to be entered for an invoice on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayEntry {
    /// The day.
    pub day: String,
    invoice: String,
    entry: Entry,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    version: u64,
    shares: Vec<Share>,
}

/// Entries of a day, of the invoices that fall to one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayShard {
    /// See [`shard_id`].
    pub id: String,
    /// The day: the partition key.
    pub day: String,
    invoices: BTreeMap<String, Entry>,
}

/// What was sold, or came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Pieces.
    pub quantity: i64,
    /// Minor units.
    pub amount: i64,
}

/// The totals of a product in a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalRow {
    /// Where to.
    pub country: String,
    /// The stock code.
    pub product: String,
    /// A product, or a charge.
    pub item: ItemKind,
    /// ISO 4217.
    pub currency: String,
    /// Of invoices.
    pub sold: Sum,
    /// Of refunds: below zero.
    pub refunded: Sum,
    /// Of adjustments.
    pub adjusted: Sum,
    /// All three.
    pub net: Sum,
}

/// The totals of a day, all its documents together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotals {
    /// Always [`TOTALS`].
    pub id: String,
    /// The day: the partition key.
    pub day: String,
    /// Invoices that count, refunds and adjustments among them.
    pub invoices: u64,
    /// What products and charges come to, by currency.
    pub sums: BTreeMap<String, DaySums>,
    /// By product and country.
    pub rows: Vec<TotalRow>,
    /// Rows that are not told one by one.
    #[serde(rename = "otherRows")]
    pub other_rows: u64,
}

/// What a day comes to in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySums {
    /// Products on invoices.
    pub sales: Sum,
    /// Products on refunds: below zero.
    pub refunds: Sum,
    /// Carriage, fees and discounts, on invoices and refunds.
    pub charges: Sum,
    /// All that stands on adjustments.
    pub adjustments: Sum,
    /// All four.
    pub net: Sum,
}

/// The id of a day's totals.
pub const TOTALS: &str = "totals";

/// The id of the document that has the entries of an invoice.
pub fn shard_id(invoice: &str) -> String {
    format!("shard-{:02}", partition(invoice, SHARDS))
}

/// The id of an invoice's document: its number, with every character percent-encoded that an id may not have.
pub fn invoice_id(invoice: &str) -> String {
    use std::fmt::Write as _;
    invoice.bytes().fold(String::with_capacity(invoice.len()), |mut id, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            id.push(char::from(byte));
        } else {
            _ = write!(id, "%{byte:02X}");
        }
        id
    })
}

impl Statement {
    /// What a version of a file says by having an invoice.
    pub fn of(invoice: &Invoice) -> Self {
        let mut sums: BTreeMap<(&str, &str, &str, ItemKind), (i64, i64)> = BTreeMap::new();
        for line in &invoice.lines {
            let item = ItemKind::of(&line.stock_code);
            let sum = sums.entry((line.day(), &line.country, &line.stock_code, item)).or_default();
            sum.0 = sum.0.saturating_add(line.quantity);
            sum.1 = sum.1.saturating_add(line.amount);
        }
        let kind = InvoiceKind::of(&invoice.invoice);
        let mut shares: BTreeMap<String, Vec<Share>> = BTreeMap::new();
        for ((day, country, product, item), (quantity, amount)) in sums {
            let (country, product) = (country.to_owned(), product.to_owned());
            let share = Share(country, product, invoice.currency.clone(), item, kind, quantity, amount);
            shares.entry(day.to_owned()).or_default().push(share);
        }
        Self::new(&invoice.invoice, &invoice.file, Some(shares))
    }

    /// What a version of a file says by no longer having an invoice.
    pub fn withdrawn(withdrawn: &InvoiceWithdrawn) -> Self {
        Self::new(&withdrawn.invoice, &withdrawn.file, None)
    }

    fn new(invoice: &str, version: &FileVersion, shares: Option<BTreeMap<String, Vec<Share>>>) -> Self {
        let said = Said { revision: version.revision, modified: version.modified, shares };
        Self { invoice: invoice.to_owned(), file: version.name.clone(), said }
    }

    /// Which invoice it is about.
    pub fn invoice(&self) -> &str {
        &self.invoice
    }
}

impl InvoiceDocument {
    /// Of an invoice of which nothing was said yet.
    pub fn new(invoice: &str) -> Self {
        Self {
            id: invoice_id(invoice),
            invoice: invoice.to_owned(),
            version: 0,
            files: BTreeMap::new(),
            days: BTreeSet::new(),
        }
    }

    /// Takes note of what a file says; `false` if that, or newer, is known.
    pub fn note(&mut self, statement: &Statement) -> bool {
        let Statement { file, said, .. } = statement;
        if self.files.get(file).is_some_and(|known| known.revision >= said.revision) {
            return false;
        }
        self.days.extend(said.shares.iter().flat_map(BTreeMap::keys).cloned());
        self.files.insert(file.clone(), said.clone());
        self.version += 1;
        true
    }

    /// What counts, for every day that ever did.
    pub fn entries(&self) -> impl Iterator<Item = DayEntry> + '_ {
        let counts = self
            .files
            .iter()
            .filter_map(|(file, said)| Some((said.modified, file, said.shares.as_ref()?)))
            .max_by_key(|(modified, file, _)| (*modified, *file));
        self.days.iter().map(move |day| DayEntry {
            day: day.clone(),
            invoice: self.invoice.clone(),
            entry: Entry {
                version: self.version,
                shares: counts.and_then(|(_, _, shares)| shares.get(day)).cloned().unwrap_or_default(),
            },
        })
    }
}

impl DayEntry {
    /// The id of the document that it goes to.
    pub fn shard(&self) -> String {
        shard_id(&self.invoice)
    }
}

impl DayShard {
    /// Without entries.
    pub fn new(day: &str, id: &str) -> Self {
        Self { id: id.to_owned(), day: day.to_owned(), invoices: BTreeMap::new() }
    }

    /// Enters what counts of an invoice; `false` if that, or newer, is there.
    pub fn enter(&mut self, DayEntry { invoice, entry, .. }: &DayEntry) -> bool {
        if self.invoices.get(invoice).is_some_and(|known| known.version >= entry.version) {
            return false;
        }
        self.invoices.insert(invoice.clone(), entry.clone());
        true
    }
}

impl DayTotals {
    /// The sum of a day's entries.
    pub fn of(day: &str, shards: &[DayShard]) -> Self {
        let mut totals = Self { id: TOTALS.to_owned(), day: day.to_owned(), ..Self::default() };
        let mut rows: BTreeMap<(&str, &str, &str), TotalRow> = BTreeMap::new();
        for entry in shards.iter().flat_map(|shard| shard.invoices.values()) {
            totals.invoices += u64::from(!entry.shares.is_empty());
            for Share(country, product, currency, item, kind, quantity, amount) in &entry.shares {
                let share = Sum { quantity: *quantity, amount: *amount };
                totals.sums.entry(currency.clone()).or_default().add(*item, *kind, share);
                let row = rows.entry((country, product, currency)).or_insert_with(|| TotalRow {
                    country: country.clone(),
                    product: product.clone(),
                    item: *item,
                    currency: currency.clone(),
                    sold: Sum::default(),
                    refunded: Sum::default(),
                    adjusted: Sum::default(),
                    net: Sum::default(),
                });
                let part = match kind {
                    InvoiceKind::Sale => &mut row.sold,
                    InvoiceKind::Refund => &mut row.refunded,
                    InvoiceKind::Adjustment => &mut row.adjusted,
                };
                part.add(share);
                row.net.add(share);
            }
        }
        totals.rows = rows.into_values().collect();
        totals.keep_most();
        totals
    }

    /// Leaves out the rows with the least money where not all of them fit into a document.
    fn keep_most(&mut self) {
        if self.rows.len() <= ALWAYS_FIT || self.rows.iter().map(TotalRow::bytes).sum::<usize>() <= MOST_BYTES {
            return;
        }
        self.rows.sort_by_key(|row| std::cmp::Reverse(row.net.amount.unsigned_abs()));
        let mut bytes = 0;
        let fits = |row: &TotalRow| {
            bytes += row.bytes();
            bytes <= MOST_BYTES
        };
        let most = self.rows.iter().map(fits).take_while(|fits| *fits).count();
        self.other_rows = (self.rows.len() - most) as u64;
        self.rows.truncate(most);
        self.rows.sort_by(|a, b| (&a.country, &a.product, &a.currency).cmp(&(&b.country, &b.product, &b.currency)));
    }
}

impl TotalRow {
    /// What it takes in a document, with the comma behind it.
    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |row| row.len() + 1)
    }
}

impl DaySums {
    /// Adds a line by its kinds.
    pub fn add(&mut self, item: ItemKind, kind: InvoiceKind, share: Sum) {
        let part = match (kind, item) {
            (InvoiceKind::Adjustment, _) => &mut self.adjustments,
            (_, ItemKind::Charge) => &mut self.charges,
            (InvoiceKind::Sale, ItemKind::Product) => &mut self.sales,
            (InvoiceKind::Refund, ItemKind::Product) => &mut self.refunds,
        };
        part.add(share);
        self.net.add(share);
    }
}

impl DaySums {
    /// Takes others away.
    pub fn take(&mut self, other: &Self) {
        self.sales.take(other.sales);
        self.refunds.take(other.refunds);
        self.charges.take(other.charges);
        self.adjustments.take(other.adjustments);
        self.net.take(other.net);
    }
}

impl Sum {
    /// Takes another away.
    pub fn take(&mut self, other: Self) {
        self.quantity = self.quantity.saturating_sub(other.quantity);
        self.amount = self.amount.saturating_sub(other.amount);
    }

    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.quantity = self.quantity.saturating_add(other.quantity);
        self.amount = self.amount.saturating_add(other.amount);
    }
}
