//! Totals whatever order events come in: what counts is a function of the files as they are at last.

use std::collections::BTreeMap;

use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use super::{
    super::{
        events::{FileVersion, InvoiceWithdrawn},
        row::{ItemKind, Row},
        spill::{BUCKETS, Run, bucket, next_buckets, read},
        totals::{DayTotals, Statement},
    },
    real_files::{Site, invoices},
};

fn row(invoice: &str, line: u64, day: u8, product: &str, quantity: i64) -> Row {
    Row {
        line,
        invoice: invoice.to_owned(),
        stock_code: product.to_owned(),
        description: String::new(),
        quantity,
        at: format!("2010-12-{day:02}T08:26:00"),
        unit_price: "1.00".to_owned(),
        amount: quantity * 100,
        customer: None,
        country: "United Kingdom".to_owned(),
    }
}

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(second)
}

/// A version of a file: its name, when it was written, and which invoices it has, on which day and of how many pieces.
type Version = (usize, i64, BTreeMap<u8, (u8, i64)>);

fn any_versions() -> impl Strategy<Value = Vec<Version>> {
    let invoices = prop::collection::btree_map(0..4_u8, (1..4_u8, 1..5_i64), 0..4);
    prop::collection::vec((0..3_usize, 0..3_i64, invoices), 1..7)
}

fn name(file: usize) -> String {
    format!("{file}.csv")
}

/// What is told of versions of files, in their order: of each file a later version is written no earlier.
fn told(versions: &[Version]) -> (Vec<Statement>, Vec<Version>) {
    let mut last: BTreeMap<usize, Version> = BTreeMap::new();
    let mut statements = Vec::new();
    for (revision, (file, second, invoices_of)) in (1..).zip(versions) {
        let before = last.get(file).cloned();
        let second = before.as_ref().map_or(*second, |(_, before, _)| *before.max(second));
        let version = FileVersion { name: name(*file), revision, modified: at(second) };
        let rows: Vec<Row> = invoices_of
            .iter()
            .map(|(invoice, (day, quantity))| row(&invoice.to_string(), 2, *day, "x", *quantity))
            .collect();
        statements.extend(invoices(&rows, &version).iter().map(Statement::of));
        let gone =
            before.iter().flat_map(|(_, _, before)| before.keys()).filter(|invoice| !invoices_of.contains_key(invoice));
        statements.extend(gone.map(|invoice| {
            Statement::withdrawn(&InvoiceWithdrawn { invoice: invoice.to_string(), file: version.clone() })
        }));
        last.insert(*file, (*file, second, invoices_of.clone()));
    }
    (statements, last.into_values().collect())
}

/// Pieces by day, computed from the files as they are at last.
fn expected(files: &[Version]) -> BTreeMap<String, i64> {
    let mut counts: BTreeMap<u8, (i64, String, u8, i64)> = BTreeMap::new();
    for (file, second, invoices) in files {
        for (invoice, (day, quantity)) in invoices {
            let candidate = (*second, name(*file), *day, *quantity);
            let best = counts.entry(*invoice).or_insert_with(|| candidate.clone());
            if (candidate.0, &candidate.1) > (best.0, &best.1) {
                *best = candidate;
            }
        }
    }
    let mut days = BTreeMap::new();
    for (_, _, day, quantity) in counts.into_values() {
        *days.entry(format!("2010-12-{day:02}")).or_insert(0) += quantity;
    }
    days
}

fn pieces(totals: &BTreeMap<String, DayTotals>) -> BTreeMap<String, i64> {
    let of = |day: &DayTotals| day.sums.get("GBP").map_or(0, |sums| sums.net.quantity);
    totals.iter().map(|(day, totals)| (day.clone(), of(totals))).filter(|(_, pieces)| *pieces != 0).collect()
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_events_gives_the_totals_of_the_files_as_they_are(
        versions in any_versions(),
        order in prop::collection::vec(any::<u32>(), 40),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (statements, files) = told(&versions);
        let expected = expected(&files);
        let mut all: Vec<&Statement> = statements.iter().collect();
        if !statements.is_empty() {
            all.extend(repeats.iter().map(|index| index.get(&statements)));
        }
        let mut shuffled: Vec<(u32, &Statement)> = order.iter().copied().cycle().zip(all.iter().copied()).collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let mut site = Site::default();
        shuffled.iter().for_each(|(_, statement)| site.hear(statement));
        prop_assert_eq!(pieces(&site.totals()), expected);
        // Once more in another order changes nothing.
        let before = site.totals();
        shuffled.iter().rev().for_each(|(_, statement)| site.hear(statement));
        prop_assert_eq!(site.totals(), before);
    }

    #[test]
    fn lines_that_are_written_down_come_back_once_each_with_those_of_their_invoice(invoices in prop::collection::vec(0..2_000_u32, 0..200), slice in 1..40_usize) {
        let rows: Vec<Row> = (2..).zip(&invoices).map(|(line, invoice)| row(&invoice.to_string(), line, 1, "\"x\ny", 1)).collect();
        let runs: Vec<(Run, Vec<u8>)> = rows.chunks(slice).map(|rows| Run::write("run".to_owned(), rows)).collect();
        let headers: Vec<Run> = runs.iter().map(|(run, _)| run.clone()).collect();
        let (mut back, mut from) = (Vec::new(), 0);
        while from < BUCKETS {
            let buckets = next_buckets(&headers, from);
            for (run, bytes) in &runs {
                let range = run.range(&buckets);
                let range = usize::try_from(range.start).expect("small")..usize::try_from(range.end).expect("small");
                let rows = read(&bytes[range]).expect("its own lines");
                prop_assert!(rows.iter().all(|row| buckets.contains(&bucket(&row.invoice))));
                back.extend(rows);
            }
            from = buckets.end;
        }
        back.sort_by_key(|row| row.line);
        prop_assert_eq!(back, rows);
    }
}

#[test]
fn refunds_charges_and_adjustments_have_parts_of_their_own() {
    let version = FileVersion { name: "a.csv".to_owned(), revision: 1, modified: at(0) };
    let mut site = Site::default();
    let rows = [
        row("1", 2, 1, "85123A", 5),
        row("1", 3, 2, "POST", 1),
        row("C2", 4, 1, "85123A", -2),
        row("C2", 5, 1, "D", -1),
        row("A3", 6, 1, "B", -7),
    ];
    invoices(&rows, &version).iter().for_each(|invoice| site.hear(&Statement::of(invoice)));
    let totals = site.totals();
    let sums = totals["2010-12-01"].sums["GBP"];
    let amounts = [sums.sales, sums.refunds, sums.charges, sums.adjustments, sums.net].map(|sum| sum.amount);
    assert_eq!(amounts, [500, -200, -100, -700, -500]);
    assert_eq!(totals["2010-12-02"].sums["GBP"].charges.amount, 100, "a line counts for its own day");
    let product = totals["2010-12-01"].rows.iter().find(|row| row.item == ItemKind::Product).expect("a row");
    assert_eq!((product.sold.quantity, product.refunded.quantity, product.net.quantity), (5, -2, 3));
}

#[test]
fn a_day_of_more_products_than_a_document_holds_keeps_its_sums_and_the_rows_with_the_most_money() {
    let version = FileVersion { name: "a.csv".to_owned(), revision: 1, modified: at(0) };
    let mut site = Site::default();
    let rows: Vec<Row> =
        (0..12_000).map(|n| row(&format!("{}", 1 + n / 100), n, 1, &format!("P{n}"), 1 + n as i64)).collect();
    invoices(&rows, &version).iter().for_each(|invoice| site.hear(&Statement::of(invoice)));
    let day = &site.totals()["2010-12-01"];
    let bytes = serde_json::to_vec(day).expect("JSON").len();
    assert!((1_400_000..1_600_000).contains(&bytes), "{bytes}");
    assert_eq!((day.rows.len() as u64 + day.other_rows, day.sums["GBP"].net.quantity), (12_000, 12_000 * 12_001 / 2));
    assert!(day.rows.iter().all(|row| row.net.quantity as u64 > day.other_rows), "the smallest are left out");
}
