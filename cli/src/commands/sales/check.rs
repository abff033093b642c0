//! `contoso sales check`: a dry run: what would become of a sales file, by the code that the app reads it with.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use contoso_handlers::domain::{
    money::Money,
    sales::{
        bad_lines,
        reader::{BadLine, FileReader, Line},
        rejection::{MOST_PACKED, ReadError, Rejection},
        report::{self, Tally},
        row::InvoiceKind,
        size::{self, Size},
        totals::Sum,
    },
};
use serde_json::{Value, json};

use crate::{commands::Exit, output::counted};

/// Bad lines that are shown of a file unless all are asked for.
const SHOWN: usize = 20;

const EXIT_CODES: &str = "\
Exit codes: 0 every file would be taken, every line of it; 1 a file would be rejected, or a line parked, or a file cannot be read.";

/// See what would become of sales files, without sending them
///
/// Reads each file as the app would, and sends nothing: no stack is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
pub(super) struct Args {
    /// CSV files, packed by gzip or not
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The currency (ISO 4217) of the files
    #[arg(long, value_name = "CODE", default_value = "GBP", value_parser = currency)]
    currency: String,
    /// Write the bad lines of all files here, as CSV
    #[arg(long, value_name = "CSV")]
    bad_lines: Option<PathBuf>,
    /// Print one JSON object a file, with all its bad lines
    #[arg(long)]
    json: bool,
}

fn currency(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    Money::from_minor_units(0, &code).map(|_| code).map_err(|error| error.to_string())
}

/// What was found in a file.
#[derive(Default)]
struct Found {
    tally: Tally,
    /// How large each invoice is.
    invoices: HashMap<String, Size>,
    bad: Vec<BadLine>,
    notes: Vec<String>,
    rejection: Option<Rejection>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut bad_file = match &args.bad_lines {
        Some(path) => {
            let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            file.write_all(bad_lines::HEADER.as_bytes())?;
            Some(file)
        }
        None => None,
    };
    let mut is_fine = true;
    for path in &args.files {
        let began = Instant::now();
        if let Err(error) = super::name(path) {
            is_fine = false;
            crate::output::say(&format!("{error:#}"));
            continue;
        }
        let found = match read(path, &args.currency) {
            Ok(found) => found,
            Err(error) => {
                is_fine = false;
                crate::output::say(&format!("{error:#}"));
                continue;
            }
        };
        is_fine &= found.rejection.is_none() && found.bad.is_empty();
        if let Some(file) = &mut bad_file {
            found.bad.iter().try_for_each(|bad| file.write_all(bad_lines::csv_line(bad).as_bytes()))?;
        }
        let mut out = io::stdout().lock();
        if args.json {
            writeln!(out, "{}", as_json(path, &args.currency, &found))?;
        } else {
            let seconds = began.elapsed().as_secs_f64();
            out.write_all(as_text(path, &args.currency, &found, seconds).as_bytes())?;
        }
    }
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

fn read(path: &Path, currency: &str) -> anyhow::Result<Found> {
    let unreadable = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let mut found = Found::default();
    let is_too_large = file.metadata().with_context(unreadable)?.len() > MOST_PACKED;
    let ended = if is_too_large { Err(Rejection::TooLarge.into()) } else { lines(file, currency, &mut found) };
    let ended = ended.and_then(|()| {
        if !found.invoices.values().any(|size| size.is_too_large()) {
            return Ok(());
        }
        // Which lines are theirs was not kept: that no invoice is so large is the rule.
        park_too_large(File::open(path).map_err(ReadError::Source)?, currency, &mut found)
    });
    match ended {
        Ok(()) => Ok(found),
        // Nothing of it would count.
        Err(ReadError::Rejected(rejection)) => Ok(Found { rejection: Some(rejection), ..Found::default() }),
        Err(error) => Err(error).with_context(unreadable),
    }
}

fn lines(file: File, currency: &str, found: &mut Found) -> Result<(), ReadError> {
    let mut reader = FileReader::open(file, currency)?;
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Good(row) => {
                found.tally.add(&row);
                match found.invoices.get_mut(&row.invoice) {
                    Some(size) => size.add(&row),
                    None => {
                        let mut size = Size::default();
                        size.add(&row);
                        found.invoices.insert(row.invoice, size);
                    }
                }
            }
            Line::Bad(bad) => {
                found.tally.bad_lines += 1;
                found.bad.push(bad);
            }
        }
    }
    found.notes = report::notes(reader.notes(), reader.layout());
    Ok(())
}

/// Parks the lines of invoices that no event holds, as the app does.
fn park_too_large(file: File, currency: &str, found: &mut Found) -> Result<(), ReadError> {
    let mut reader = FileReader::open(file, currency)?;
    let mut refused = Tally::default();
    while let Some(line) = reader.next_line()? {
        if let Line::Good(row) = line
            && found.invoices.get(&row.invoice).is_some_and(|size| size.is_too_large())
        {
            refused.add(&row);
            found.bad.push(size::parked(row));
        }
    }
    found.tally.park(&refused);
    found.invoices.retain(|_, size| !size.is_too_large());
    found.bad.sort_by_key(|bad| bad.line);
    Ok(())
}

impl Found {
    fn refunds(&self) -> usize {
        self.invoices.keys().filter(|invoice| InvoiceKind::of(invoice) == InvoiceKind::Refund).count()
    }
}

fn as_json(path: &Path, currency: &str, found: &Found) -> Value {
    let mut told = serde_json::to_value(&found.tally).unwrap_or_default();
    if let Some(members) = told.as_object_mut() {
        let refunds = found.refunds();
        let rejection = found.rejection.as_ref();
        let rejection =
            rejection.map(|rejection| json!({ "reason": rejection.code(), "detail": rejection.to_string() }));
        members.insert("file".to_owned(), json!(path.display().to_string()));
        members.insert("currency".to_owned(), json!(currency));
        members.insert("confirmed".to_owned(), json!(found.invoices.len() - refunds));
        members.insert("refunded".to_owned(), json!(refunds));
        members.insert("rejection".to_owned(), json!(rejection));
        members.insert("bad".to_owned(), json!(found.bad));
        members.insert("notes".to_owned(), json!(found.notes));
        members.insert("rules".to_owned(), json!(report::rules()));
    }
    told
}

fn as_text(path: &Path, currency: &str, found: &Found, seconds: f64) -> String {
    let name = path.display();
    if let Some(rejection) = &found.rejection {
        return format!("{name}: would be rejected: {rejection}\n");
    }
    let Tally { rows, bad_lines, sums, charges, first_day, last_day, .. } = &found.tally;
    let refunds = found.refunds();
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let days = match (first_day, last_day) {
        (Some(first), Some(last)) if first == last => format!(" of {first}"),
        (Some(first), Some(last)) => format!(" of {first} to {last}"),
        _ => String::new(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate, to be shown")]
    let rate = (*rows + *bad_lines) as f64 / seconds.max(0.001);
    let mut text = format!(
        "{name}: {}{days} would be taken, {} parked ({rate:.0} lines/s)\n  {}, {}\n",
        counted(count(*rows), "line"),
        bad_lines,
        counted(found.invoices.len() - refunds, "invoice"),
        counted(refunds, "refund"),
    );
    let amount = |sum: Sum| decimal(sum.amount, currency);
    let kinds = [
        ("sales", sums.sales),
        ("refunds", sums.refunds),
        ("charges", sums.charges),
        ("adjustments", sums.adjustments),
        ("net", sums.net),
    ];
    for (kind, sum) in kinds {
        text.push_str(&format!("  {kind:<12} {:>16} {currency} {:>10} pieces\n", amount(sum), sum.quantity));
    }
    if !charges.is_empty() {
        let codes = charges.iter().map(|(code, sum)| format!("{code} {}", amount(*sum)));
        text.push_str(&format!("  no products: {}\n", codes.collect::<Vec<_>>().join(", ")));
    }
    for note in &found.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    for bad in found.bad.iter().take(SHOWN) {
        let original: String = bad.original.chars().take(160).map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.push_str(&format!("  line {}: {}\n      {original}\n", bad.line, bad.reason));
    }
    if found.bad.len() > SHOWN {
        text.push_str(&format!("  and {} more; --bad-lines FILE writes all of them\n", found.bad.len() - SHOWN));
    }
    text
}

/// Minor units as a decimal, also below zero.
fn decimal(minor_units: i64, currency: &str) -> String {
    let amount = i64::try_from(minor_units.unsigned_abs()).unwrap_or(i64::MAX);
    let amount = Money::from_minor_units(amount, currency).map_or_else(|_| amount.to_string(), Money::amount);
    if minor_units < 0 { format!("-{amount}") } else { amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn checked(text: &str) -> Found {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.csv");
        std::fs::write(&file, text).expect("written");
        read(&file, "GBP").expect("readable")
    }

    #[test]
    fn a_file_is_told_in_full_before_it_is_sent() {
        let found = checked(&format!(
            "{HEADER}1,85123A,x,6,2010-12-01 08:26:00,2.55,17850.0,UK\nC2,D,Discount,-1,2010-12-02,27.5,,UK\n1,x,y,z,2010-12-01,1.00,,UK\n"
        ));
        let text = as_text(Path::new("a.csv"), "GBP", &found, 1.0);
        for told in [
            "2 lines of 2010-12-01 to 2010-12-02",
            "1 parked",
            "1 invoice, 1 refund",
            "15.30 GBP",
            "-27.50 GBP",
            "no products: D -27.50",
            "line 4: Quantity",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        let json = as_json(Path::new("a.csv"), "GBP", &found);
        assert_eq!(
            (&json["rows"], &json["badLines"], &json["sums"]["net"]["amount"]),
            (&json!(2), &json!(1), &json!(-1220)),
            "{json}"
        );
        assert_eq!((&json["bad"][0]["line"], &json["rejection"]), (&json!(4), &Value::Null));
    }

    #[test]
    fn an_invoice_that_no_event_holds_is_parked_as_the_app_parks_it() {
        let line = |invoice: u32, description: &str| format!("{invoice},x,{description},1,2010-12-01,1.00,,UK\n");
        let many = line(1, "").repeat(5_001);
        let wide = line(2, &"w".repeat(200)).repeat(3_600);
        let found = checked(&format!("{HEADER}{}{many}{wide}z\n{}", line(3, ""), line(4, "").repeat(5_000)));
        let json = as_json(Path::new("a.csv"), "GBP", &found);
        assert_eq!((&json["rows"], &json["badLines"], &json["confirmed"]), (&json!(5_001), &json!(8_602), &json!(2)));
        assert_eq!(json["sums"]["net"], json!({ "amount": 500_100, "quantity": 5_001 }));
        assert!(found.bad.is_sorted_by_key(|bad| bad.line) && found.bad[0].reason.contains("several invoices"));
    }

    #[test]
    fn a_file_that_would_be_rejected_says_why() {
        let found = checked(&HEADER.replace("Country", "InvoiceNo"));
        assert!(as_text(Path::new("a.csv"), "GBP", &found, 1.0).contains("duplicate column InvoiceNo"));
        assert_eq!(as_json(Path::new("a.csv"), "GBP", &found)["rejection"]["reason"], json!("duplicate-column"));
    }
}
