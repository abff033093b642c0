//! A sales file that is made, with what it must come to.

use std::{collections::BTreeMap, fmt::Write as _};

/// Lines of an invoice.
const LINES: u64 = 20;
/// Of so many invoices one is a refund.
const REFUNDS: u64 = 50;
/// Products that are sold.
const PRODUCTS: u64 = 4_000;
const COUNTRIES: [&str; 5] = ["United Kingdom", "Germany", "France", "EIRE", "Spain"];

/// The file.
pub(super) struct Made {
    pub(super) csv: String,
    pub(super) invoices: u64,
    /// Pieces and minor units of each day.
    pub(super) days: BTreeMap<String, (i64, i64)>,
}

impl Made {
    /// A file of so many lines over so many days (1 to 28), in order of time, as shops write them.
    pub(super) fn new(rows: u64, days: u64) -> Self {
        let mut made = Self {
            csv: "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned(),
            invoices: rows.div_ceil(LINES),
            days: BTreeMap::new(),
        };
        for row in 0..rows {
            let invoice = row / LINES;
            let day = format!("2011-03-{:02}", 1 + invoice * days / made.invoices);
            let is_refund = invoice % REFUNDS == REFUNDS - 1;
            // Odd numbers that share no divisor with what they are taken by visit all of them.
            let product = 10_000 + row * 1_237 % PRODUCTS;
            let quantity = (1 + row % 12).cast_signed();
            let price = (25 + row * 37 % 1_000).cast_signed();
            let quantity = if is_refund { -quantity } else { quantity };
            let sum = made.days.entry(day.clone()).or_default();
            sum.0 += quantity;
            sum.1 += quantity * price;
            let (kind, number) = (if is_refund { "C" } else { "" }, 500_000 + invoice);
            let (hour, minute) = (8 + invoice % 10, invoice % 60);
            let customer = 12_000 + invoice % 6_000;
            let country = COUNTRIES[usize::try_from(invoice % 17).unwrap_or_default() % COUNTRIES.len()];
            // Writing to a text cannot fail.
            _ = writeln!(
                made.csv,
                "{kind}{number},{product},WHITE METAL LANTERN No {product},{quantity},{day} {hour:02}:{minute:02}:00,\
                 {}.{:02},{customer}.0,{country}",
                price / 100,
                price % 100
            );
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_days_come_to_what_its_lines_say() {
        let made = Made::new(2_001, 3);
        assert_eq!((made.invoices, made.days.len(), made.csv.lines().count()), (101, 3, 2_002));
        let mut days: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for line in made.csv.lines().skip(1) {
            let fields: Vec<_> = line.split(',').collect();
            let quantity: i64 = fields[3].parse().expect("a number");
            let price: i64 = fields[5].replace('.', "").parse().expect("a price");
            assert_eq!(fields[0].starts_with('C'), quantity < 0, "{line}");
            let sum = days.entry(fields[4][..10].to_owned()).or_default();
            sum.0 += quantity;
            sum.1 += quantity * price;
        }
        assert_eq!(days, made.days);
    }
}
