//! 221 days of a real shop, with their dirt: totals by day, product and country are what the csv crate and plain sums say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::PathBuf,
};

use flate2::read::GzDecoder;
use time::{Duration, OffsetDateTime};

use super::super::{
    events::{FileVersion, Invoice, InvoiceWithdrawn},
    reader::{FileReader, Line},
    row::Row,
    totals::{DayEntry, DayShard, DayTotals, InvoiceDocument, Statement, Sum},
};

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("REAL_DATA"), "/online-retail-by-day");
    let listed = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "gz"));
    files.sort();
    files
}

/// Pieces, and thousandths of a pound rounded line by line, by day, country and product.
type Direct = BTreeMap<(String, String, String), Sum>;

/// By the csv crate, and floating point rounded to thousandths, which these prices are.
fn direct(file: &PathBuf, sums: &mut Direct) -> usize {
    let file = File::open(file).expect("the file");
    let mut rows = csv::Reader::from_reader(GzDecoder::new(file));
    let mut count = 0;
    for row in rows.records() {
        let row = row.expect("a row");
        count += 1;
        let quantity: i64 = row[3].parse().expect("a quantity");
        #[expect(clippy::cast_possible_truncation, reason = "prices of this file are below a million")]
        let thousandths = (row[5].parse::<f64>().expect("a price") * 1000.0).round() as i64;
        let exact = quantity * thousandths;
        let amount = (exact.abs() + 5) / 10 * exact.signum();
        let sum = sums.entry((row[4][..10].to_owned(), row[7].to_owned(), row[1].to_owned())).or_default();
        sum.add(Sum { quantity, amount });
    }
    count
}

/// What `SalesTotals` stores, without a store.
#[derive(Default)]
pub(super) struct Site {
    invoices: BTreeMap<String, InvoiceDocument>,
    shards: BTreeMap<(String, String), DayShard>,
}

impl Site {
    pub(super) fn hear(&mut self, statement: &Statement) {
        let document = self
            .invoices
            .entry(statement.invoice().to_owned())
            .or_insert_with(|| InvoiceDocument::new(statement.invoice()));
        document.note(statement);
        let entries: Vec<DayEntry> = document.entries().collect();
        for entry in entries {
            let (day, shard) = (entry.day.clone(), entry.shard());
            self.shards
                .entry((day.clone(), shard.clone()))
                .or_insert_with(|| DayShard::new(&day, &shard))
                .enter(&entry);
        }
    }

    pub(super) fn totals(&self) -> BTreeMap<String, DayTotals> {
        let days: BTreeSet<&String> = self.shards.keys().map(|(day, _)| day).collect();
        let of = |day: &String| {
            let shards: Vec<DayShard> = self.shards.values().filter(|shard| shard.day == *day).cloned().collect();
            DayTotals::of(day, &shards)
        };
        days.into_iter().map(|day| (day.clone(), of(day))).collect()
    }
}

/// The invoices of a file.
pub(super) fn invoices(rows: &[Row], version: &FileVersion) -> Vec<Invoice> {
    let mut invoices: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for row in rows {
        invoices.entry(&row.invoice).or_default().push(row.clone());
    }
    let checked = |rows: Vec<Row>| Invoice::of(&rows, version, "GBP").expect("lines").checked().expect("could be sent");
    invoices.into_values().map(checked).collect()
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn totals_of_real_files_equal_a_direct_computation() {
    let files = files();
    assert_eq!(files.len(), 221);
    let (mut sums, mut site) = (Direct::new(), Site::default());
    let (mut counted, mut taken) = (0, 0);
    let begin = OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time");
    for (number, file) in (0..).zip(&files) {
        counted += direct(file, &mut sums);
        let mut reader = FileReader::open(File::open(file).expect("the file"), "GBP").expect("a header");
        let mut rows = Vec::new();
        while let Some(line) = reader.next_line().expect("read") {
            match line {
                Line::Good(row) => rows.push(row),
                Line::Bad(bad) => panic!("{}: {bad:?}", file.display()),
            }
        }
        taken += rows.len();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let version = FileVersion { name, revision: 1, modified: begin + Duration::minutes(number) };
        invoices(&rows, &version).iter().for_each(|invoice| site.hear(&Statement::of(invoice)));
    }
    assert_eq!((counted, taken), (324_486, 324_486));
    let totals = site.totals();
    assert_eq!(totals.len(), 221);
    let rows = totals.values().flat_map(|day| {
        day.rows.iter().map(|row| ((day.day.clone(), row.country.clone(), row.product.clone()), row.net))
    });
    let rows: Direct = rows.collect();
    assert_eq!(rows.len(), sums.len());
    for (key, sum) in &sums {
        assert_eq!(rows.get(key), Some(sum), "{key:?}");
    }
    let parts = totals.values().flat_map(|day| day.sums.values());
    let (mut net, mut all) = (Sum::default(), Sum::default());
    for sums in parts {
        net.add(sums.net);
        [sums.sales, sums.refunds, sums.charges, sums.adjustments].into_iter().for_each(|sum| all.add(sum));
    }
    assert_eq!(net, all, "every line counts in one part");
    // Everything is gone once the files say so.
    let gone = totals.values().map(|day| day.invoices).sum::<u64>();
    assert_eq!(gone, 16_647);
    let version = |name: &str| FileVersion { name: name.to_owned(), revision: 2, modified: begin };
    let names: Vec<String> =
        files.iter().map(|file| file.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    let numbers: Vec<String> = site.invoices.keys().cloned().collect();
    for number in numbers {
        for name in &names[..3] {
            site.hear(&Statement::withdrawn(&InvoiceWithdrawn { invoice: number.clone(), file: version(name) }));
        }
    }
    assert_eq!(site.totals().values().take(3).map(|day| day.invoices).sum::<u64>(), 0, "of three files");
}
