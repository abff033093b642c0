//! One line of a sales file as what it says, or the reason for which it is bad.

use serde::{Deserialize, Serialize};
use time::{Date, Month, Time, UtcOffset};

use super::{
    header::{Layout, unquoted},
    number::{Decimal, NumberError},
    text::id,
};

/// Characters that an invoice number, a stock code, a customer id or a country may have.
const LONGEST_NAME: usize = 64;

/// Characters that are kept of a description.
const LONGEST_DESCRIPTION: usize = 200;

/// What a good line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Physical line of the file, from 1.
    pub line: u64,
    /// Number of the invoice.
    pub invoice: String,
    /// What was sold, or what was charged for.
    pub stock_code: String,
    /// What that is called; may be empty.
    pub description: String,
    /// Pieces. In a refund they are below zero.
    pub quantity: i64,
    /// Local time of the shop: `2010-12-01T08:26:00`.
    pub at: String,
    /// Price of a piece, exactly as given, with a point.
    pub unit_price: String,
    /// What the line adds to the totals, in minor units of the file's currency. In a refund it is below zero.
    pub amount: i64,
    /// Whose invoice it is, where that is known.
    pub customer: Option<String>,
    /// Where to.
    pub country: String,
}

/// What an invoice is, by the first letter of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvoiceKind {
    /// Something was sold.
    Sale,
    /// `C…`: something came back, or was taken off.
    Refund,
    /// `A…`: bookkeeping, such as bad debt.
    Adjustment,
}

/// What a stock code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A product.
    Product,
    /// Carriage, a fee, a discount: money without a product.
    Charge,
}

/// Stock codes that are no product, compared without case: carriage (POST, DOT, C2), entries by hand (M), discounts (D), samples (S), bad debt
/// (B), commissions and fees, and what auditors add.
pub const CHARGES: [&str; 12] =
    ["POST", "DOT", "C2", "M", "D", "S", "B", "AMAZONFEE", "BANK CHARGES", "CRUK", "ADJUST", "ADJUST2"];

impl InvoiceKind {
    /// The kind of an invoice.
    pub fn of(invoice: &str) -> Self {
        match invoice.bytes().next() {
            Some(b'C' | b'c') => Self::Refund,
            Some(b'A' | b'a') => Self::Adjustment,
            _ => Self::Sale,
        }
    }
}

impl ItemKind {
    /// What a stock code stands for: anything that is not known to be a charge is a product.
    pub fn of(stock_code: &str) -> Self {
        let is_charge = CHARGES.iter().any(|charge| charge.eq_ignore_ascii_case(stock_code));
        if is_charge { Self::Charge } else { Self::Product }
    }
}

impl Row {
    /// The day of the line, `2010-12-01`: the one that is written, without any zone.
    pub fn day(&self) -> &str {
        self.at.get(..10).unwrap_or(&self.at)
    }
}

/// Reads one line; `places` are the decimal places of the file's currency. Beside the row stands whether its amount was rounded.
pub(super) fn row(line: u64, fields: &[String], layout: &Layout, places: u32) -> Result<(Row, bool), String> {
    let [invoice, stock_code, description, quantity, date, price, customer, country] =
        layout.places.map(|place| fields.get(place).map_or("", |field| field.trim()));
    // A description may have quotes of its own.
    let [invoice, stock_code, quantity, date, price, customer, country] =
        [invoice, stock_code, quantity, date, price, customer, country].map(|field| unquoted(field).trim());
    let invoice = name("InvoiceNo", id(invoice))?;
    let stock_code = name("StockCode", id(stock_code))?;
    let number = |column: &str, error: NumberError| format!("{column}: {error}");
    let decimals = layout.decimals();
    let pieces =
        Decimal::parse(quantity, decimals).and_then(Decimal::pieces).map_err(|error| number("Quantity", error))?;
    let at = local_time(date).ok_or_else(|| {
        format!(
            "InvoiceDate: {} is no date and time such as 2010-12-01 08:26:00",
            if date.is_empty() { "nothing" } else { "this" }
        )
    })?;
    let price = Decimal::parse(price, decimals).map_err(|error| number("UnitPrice", error))?;
    let customer = if customer.is_empty() { None } else { Some(name("CustomerID", id(customer))?) };
    let country = name("Country", country)?;
    let (amount, is_rounded) =
        price.times(pieces, places).map_err(|_| "the amount of the line is too large".to_owned())?;
    // Whatever signs a file gives to a refund, it takes away.
    let (pieces, amount) = match InvoiceKind::of(&invoice) {
        InvoiceKind::Refund => (-pieces.abs(), -amount.abs()),
        InvoiceKind::Sale | InvoiceKind::Adjustment => (pieces, amount),
    };
    let description = description.chars().take(LONGEST_DESCRIPTION).collect();
    let unit_price = price.text(places);
    Ok((
        Row { line, invoice, stock_code, description, quantity: pieces, at, unit_price, amount, customer, country },
        is_rounded,
    ))
}

fn name(column: &str, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("{column} is empty"));
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(format!("{column} is longer than {LONGEST_NAME} characters"));
    }
    if is_scientific(text) {
        return Err(format!("{column} is a number as spreadsheets shorten it, such as 1.2E+11: write all its digits"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{column} has a control character or a line break"));
    }
    Ok(text.to_owned())
}

/// Whether a text is what a spreadsheet makes of a long id, whose digits may be lost: `5.36365E+05`.
fn is_scientific(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else { return false };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    are_digits(whole) && are_digits(fraction) && exponent.strip_prefix(['+', '-']).is_some_and(are_digits)
}

/// The time in one form: `2010-12-01 08:26:00` (or with `T`, without seconds, with a fraction of them, with a zone, which is left out), or
/// `01.12.2010 08:26`. Orders of day and month that could be confused are refused.
fn local_time(text: &str) -> Option<String> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let (year, month, day) = match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => (year, month, day),
        _ => match date.split('.').collect::<Vec<_>>()[..] {
            [day, month, year] => (year, month, day),
            _ => return None,
        },
    };
    if year.len() != 4 {
        return None;
    }
    let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::from(number(year, 4)?), month, u8::try_from(number(day, 2)?).ok()?).ok()?;
    let (hour, minute, second) = if time.is_empty() { (0, 0, 0) } else { time_of_day(without_zone(time)?)?.as_hms() };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}"))
}

fn time_of_day(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let mut part = |least: &str| number(parts.next().unwrap_or(least), 2).and_then(|part| u8::try_from(part).ok());
    let time = Time::from_hms(part("")?, part("")?, part("0")?).ok()?;
    parts.next().is_none().then_some(time)
}

/// A time of day without its zone and without fractions of a second.
fn without_zone(time: &str) -> Option<&str> {
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    if !matches!(zone, "" | "Z" | "z") {
        let digits = zone[1..].replace(':', "");
        let (hours, minutes) = (digits.get(..2)?.parse().ok()?, digits.get(2..4).unwrap_or("0").parse().ok()?);
        if digits.len() > 4 || UtcOffset::from_hms(hours, minutes, 0).is_err() {
            return None;
        }
    }
    match time.trim_end().split_once(['.', ',']) {
        Some((time, fraction)) => {
            (!fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())).then_some(time)
        }
        None => Some(time.trim_end()),
    }
}

fn number(text: &str, most: usize) -> Option<u16> {
    let is_number = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form_and_confusable_ones_are_refused() {
        for (text, expected) in [
            ("2010-12-01 08:26:00", "2010-12-01T08:26:00"),
            ("2010-12-01T08:26", "2010-12-01T08:26:00"),
            ("2010-12-01 8:26", "2010-12-01T08:26:00"),
            ("2010-12-01T08:26:00.000Z", "2010-12-01T08:26:00"),
            ("2010-12-01 23:30:00+02:00", "2010-12-01T23:30:00"),
            ("2010-12-01", "2010-12-01T00:00:00"),
            ("01.12.2010 08:26", "2010-12-01T08:26:00"),
        ] {
            assert_eq!(local_time(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "12/1/2010 8:26",
            "01-12-2010 08:26",
            "2010-13-01 08:26:00",
            "2010-02-30 08:26:00",
            "2010-12-01 25:00:00",
            "2010-12-01 08",
            "2010-12-01 08:26:00:00",
            "2010-12-01 08:26 PM",
            "2010-12-01 08:26:00+99:00",
            "1291191960",
            "2010-12-01T08:26:00.x",
        ] {
            assert_eq!(local_time(text), None, "{text}");
        }
    }

    #[test]
    fn kinds_are_told_by_the_first_letter_and_by_a_list() {
        assert_eq!(InvoiceKind::of("536365"), InvoiceKind::Sale);
        assert_eq!(InvoiceKind::of("C536379"), InvoiceKind::Refund);
        assert_eq!(InvoiceKind::of("A563185"), InvoiceKind::Adjustment);
        for code in ["POST", "DOT", "M", "m", "D", "BANK CHARGES", "C2"] {
            assert_eq!(ItemKind::of(code), ItemKind::Charge, "{code}");
        }
        for code in ["85123A", "22139", "DCGS0003", "DCGSSGIRL", "PADS", "gift_0001_20"] {
            assert_eq!(ItemKind::of(code), ItemKind::Product, "{code}");
        }
    }
}
