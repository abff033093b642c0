//! What hub `sales` hears: `schemas/sales/*.avsc` as types.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::row::{InvoiceKind, ItemKind, Row};
use crate::money::Money;

/// Type of the event that a file was read.
pub const FILE_RECEIVED: &str = "com.contoso.sales.file-received.v1";
/// Type of the event that a file was rejected as a whole.
pub const FILE_REJECTED: &str = "com.contoso.sales.file-rejected.v1";
/// Type of the event that an invoice stands in a file.
pub const CONFIRMED: &str = "com.contoso.sales.confirmed.v1";
/// The same of a refund.
pub const REFUNDED: &str = "com.contoso.sales.refunded.v1";
/// Type of the event that an invoice is gone from a file.
pub const WITHDRAWN: &str = "com.contoso.sales.withdrawn.v1";
/// Their `source`.
pub const SOURCE: &str = "/contoso/sales";

/// Lines of one invoice: their event has room for no more.
pub const MOST_LINES: usize = 5_000;

/// Which version of which file says something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileVersion {
    /// The file's name in its container.
    pub name: String,
    /// Counts the versions of the file that were read, in their order; grows, not by one.
    pub revision: i64,
    /// When the version was written, by blob storage.
    #[serde(with = "instant")]
    pub modified: OffsetDateTime,
}

/// Data of [`CONFIRMED`] and [`REFUNDED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// Its number.
    pub invoice: String,
    /// `sale`, `adjustment` or `refund`.
    pub kind: String,
    /// Which version of which file says so.
    pub file: FileVersion,
    /// ISO 4217.
    pub currency: String,
    /// Of all lines, in minor units.
    pub amount: i64,
    /// Whose it is: the first customer that a line names.
    pub customer_id: Option<String>,
    /// In the order of the file.
    pub lines: Vec<SalesLine>,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SalesLine {
    /// Physical line of the file.
    pub line: i64,
    /// What was sold or charged for.
    pub stock_code: String,
    /// `product` or `charge`.
    pub item: String,
    /// What that is called.
    pub description: Option<String>,
    /// Pieces.
    pub quantity: i64,
    /// Of a piece, as written.
    pub unit_price: String,
    /// What it adds, in minor units.
    pub amount: i64,
    /// Local time of the shop.
    pub at: String,
    /// Where to.
    pub country: String,
}

/// Data of [`WITHDRAWN`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvoiceWithdrawn {
    /// Its number.
    pub invoice: String,
    /// Which version of which file no longer has it.
    pub file: FileVersion,
}

/// Data of [`FILE_RECEIVED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReceived {
    /// Which version of which file.
    pub file: FileVersion,
    /// Of that version, in blob storage.
    pub etag: String,
    /// ISO 4217.
    pub currency: String,
    /// Good lines.
    pub rows: i64,
    /// Parked ones.
    pub bad_lines: i64,
    /// Invoices that are no refunds.
    pub confirmed: i64,
    /// Refunds.
    pub refunded: i64,
    /// Invoices that an earlier version had.
    pub withdrawn: i64,
    /// Of all good lines, in minor units.
    pub amount: i64,
}

/// Data of [`FILE_REJECTED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRejected {
    /// Which version of which file.
    pub file: FileVersion,
    /// Of that version, in blob storage.
    pub etag: String,
    /// A word for programs.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
}

/// What a reader of hub `sales` got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SalesEvent {
    /// An invoice or a refund.
    Invoice(Invoice),
    /// An invoice is gone.
    Withdrawn(InvoiceWithdrawn),
    /// A file was read.
    Received(FileReceived),
    /// A file was rejected.
    Rejected(FileRejected),
}

/// Why an event of sales cannot be, although each of its fields is well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct SalesError {
    field: &'static str,
    reason: &'static str,
}

impl Invoice {
    /// The invoice of these lines, which have one number and are not none.
    pub fn of(rows: &[Row], version: &FileVersion, currency: &str) -> Option<Self> {
        let first = rows.first()?;
        let kind = InvoiceKind::of(&first.invoice);
        Some(Self {
            invoice: first.invoice.clone(),
            kind: kind.word().to_owned(),
            file: version.clone(),
            currency: currency.to_owned(),
            amount: rows.iter().map(|row| row.amount).sum(),
            customer_id: rows.iter().find_map(|row| row.customer.clone()),
            lines: rows.iter().map(SalesLine::from).collect(),
        })
    }

    /// The type of its event.
    pub fn event_type(&self) -> &'static str {
        if self.kind == InvoiceKind::Refund.word() { REFUNDED } else { CONFIRMED }
    }

    /// The invoice, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(self) -> Result<Self, SalesError> {
        let wrong = |field, reason| Err(SalesError { field, reason });
        if !is_name(&self.invoice) {
            return wrong("invoice", "must have 1 to 64 characters");
        }
        if InvoiceKind::of(&self.invoice).word() != self.kind {
            return wrong("kind", "is not what the invoice's number says");
        }
        self.file.check()?;
        if Money::from_minor_units(0, &self.currency).is_err() {
            return wrong("currency", "must be an ISO 4217 code");
        }
        if self.lines.is_empty() || self.lines.len() > MOST_LINES {
            return wrong("lines", "must be 1 to 5,000");
        }
        let mut amount = 0_i64;
        for line in &self.lines {
            line.check()?;
            if self.kind == InvoiceKind::Refund.word() && line.amount > 0 {
                return wrong("amount", "of a refund must not be above zero");
            }
            amount = amount.checked_add(line.amount).ok_or(SalesError { field: "amount", reason: "is too large" })?;
        }
        if amount != self.amount {
            return wrong("amount", "must be the sum of its lines");
        }
        Ok(self)
    }
}

impl SalesLine {
    fn check(&self) -> Result<(), SalesError> {
        let wrong = |field, reason| Err(SalesError { field, reason });
        if !is_name(&self.stock_code) {
            return wrong("stockCode", "must have 1 to 64 characters");
        }
        if !is_name(&self.country) {
            return wrong("country", "must have 1 to 64 characters");
        }
        if ![ItemKind::Product.word(), ItemKind::Charge.word()].contains(&self.item.as_str()) {
            return wrong("item", "must be product or charge");
        }
        if self.amount.unsigned_abs() > 1_000_000_000_000 || self.quantity.unsigned_abs() > 1_000_000_000 {
            return wrong("amount", "is too large");
        }
        let day = self.at.get(..10).filter(|_| self.at.is_ascii() && self.at.len() == 19);
        let is_day = day.is_some_and(|day| {
            day.bytes()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
        });
        if is_day { Ok(()) } else { wrong("at", "must be a local time such as 2010-12-01T08:26:00") }
    }

    /// The day that it counts for.
    pub fn day(&self) -> &str {
        self.at.get(..10).unwrap_or(&self.at)
    }
}

impl From<&Row> for SalesLine {
    fn from(row: &Row) -> Self {
        Self {
            line: i64::try_from(row.line).unwrap_or(i64::MAX),
            stock_code: row.stock_code.clone(),
            item: ItemKind::of(&row.stock_code).word().to_owned(),
            description: (!row.description.is_empty()).then(|| row.description.clone()),
            quantity: row.quantity,
            unit_price: row.unit_price.clone(),
            amount: row.amount,
            at: row.at.clone(),
            country: row.country.clone(),
        }
    }
}

impl FileVersion {
    fn check(&self) -> Result<(), SalesError> {
        let wrong = |field, reason| Err(SalesError { field, reason });
        if self.name.is_empty() || self.name.len() > 1_024 {
            return wrong("file.name", "must have 1 to 1,024 bytes");
        }
        if self.revision < 1 {
            return wrong("file.revision", "must be 1 or more");
        }
        Ok(())
    }
}

impl InvoiceWithdrawn {
    /// The withdrawal, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(self) -> Result<Self, SalesError> {
        if !is_name(&self.invoice) {
            return Err(SalesError { field: "invoice", reason: "must have 1 to 64 characters" });
        }
        self.file.check()?;
        Ok(self)
    }
}

impl FileReceived {
    /// The announcement, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(self) -> Result<Self, SalesError> {
        self.file.check()?;
        let counts = [
            ("rows", self.rows),
            ("badLines", self.bad_lines),
            ("confirmed", self.confirmed),
            ("refunded", self.refunded),
            ("withdrawn", self.withdrawn),
        ];
        match counts.into_iter().find(|(_, count)| *count < 0) {
            Some((field, _)) => Err(SalesError { field, reason: "must not be below zero" }),
            None => Ok(self),
        }
    }
}

impl FileRejected {
    /// The announcement, if it is one that could have been sent.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(self) -> Result<Self, SalesError> {
        self.file.check()?;
        if self.reason.is_empty() {
            return Err(SalesError { field: "reason", reason: "must not be empty" });
        }
        Ok(self)
    }
}

impl SalesEvent {
    /// Whether such an event has this type.
    pub fn is_of_type(&self, event_type: &str) -> bool {
        let own = match self {
            Self::Invoice(invoice) => invoice.event_type(),
            Self::Withdrawn(_) => WITHDRAWN,
            Self::Received(_) => FILE_RECEIVED,
            Self::Rejected(_) => FILE_REJECTED,
        };
        own == event_type
    }

    /// What it is about, its subject and partition key: an invoice, or a file.
    pub fn key(&self) -> &str {
        match self {
            Self::Invoice(invoice) => &invoice.invoice,
            Self::Withdrawn(withdrawn) => &withdrawn.invoice,
            Self::Received(received) => &received.file.name,
            Self::Rejected(rejected) => &rejected.file.name,
        }
    }
}

impl InvoiceKind {
    /// The kind as events say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Adjustment => "adjustment",
        }
    }
}

impl ItemKind {
    /// The kind as events say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Charge => "charge",
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A time: written as Avro's `timestamp-millis`, and read of it or of RFC 3339, which JSON has.
mod instant {
    use std::fmt;

    use serde::{Deserializer, Serializer, de::Error, de::Visitor};
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        serializer.serialize_i64(i64::try_from(millis).map_err(serde::ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        struct Instant;
        impl Visitor<'_> for Instant {
            type Value = OffsetDateTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in milliseconds or in RFC 3339")
            }

            fn visit_i64<E: Error>(self, millis: i64) -> Result<OffsetDateTime, E> {
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, millis: u64) -> Result<OffsetDateTime, E> {
                self.visit_i64(i64::try_from(millis).map_err(E::custom)?)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OffsetDateTime, E> {
                OffsetDateTime::parse(text, &Rfc3339).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Instant)
    }
}
