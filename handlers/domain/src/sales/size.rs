//! How large an invoice may be: all its lines are in one event.

use super::{events::MOST_LINES, reader::BadLine, row::Row};

/// Of the texts in an event (bytes): a hub takes a megabyte.
pub const MOST_TEXT: usize = 700 << 10;

/// What a line takes of an event beside its texts (bytes).
const LINE: usize = 40;

/// The lines of an invoice, as far as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    lines: usize,
    text: usize,
}

impl Size {
    /// Counts a line.
    pub fn add(&mut self, row: &Row) {
        self.lines += 1;
        self.text += LINE + row.description.len() + row.stock_code.len() + row.country.len() + row.unit_price.len();
    }

    /// Whether no event holds them: then all of them are parked.
    pub fn is_too_large(self) -> bool {
        self.lines > MOST_LINES || self.text > MOST_TEXT
    }
}

/// A good line of an invoice that is too large, parked.
pub fn parked(row: Row) -> BadLine {
    let Row { line, invoice, stock_code, description, quantity, at, unit_price, customer, country, .. } = row;
    let (quantity, customer) = (quantity.to_string(), customer.unwrap_or_default());
    let fields = [&invoice, &stock_code, &description, &quantity, &at, &unit_price, &customer, &country];
    let reason = "the invoice has more lines than an event holds (5,000, or 700 KB): send it as several invoices";
    BadLine { line, reason: reason.to_owned(), original: fields.map(String::as_str).join(",") }
}
