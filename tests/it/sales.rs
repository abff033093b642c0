//! Sales files from storage to daily totals: told once, replaced, withdrawn, killed in the middle.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use bytes::Bytes;
use contoso_local::blobs::PutOptions;
use serde_json::{Value, json};

use crate::support::{Inside, data::real, within};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// A run of the debug app on a busy machine, without a step forward.
const PATIENCE: Duration = Duration::from_secs(150);

fn line(invoice: &str, day: u8, quantity: i64) -> String {
    format!("{invoice},71053,WHITE METAL LANTERN,{quantity},2010-12-{day:02} 08:26:00,1.00,17850.0,United Kingdom\n")
}

impl Inside {
    /// Puts a sales file there; returns its ETag.
    fn drops(&self, name: &str, body: impl Into<Bytes>) {
        self.stack.blobs().put("sales-files", name, body.into(), PutOptions::default()).expect("written");
    }

    /// The report of the version of a file that is there now, once it is in a state.
    async fn file_reported(&self, name: &str, state: &str) -> Value {
        let etag = self.stack.blobs().properties("sales-files", name).expect("blobs").expect("the file").etag;
        let path = format!("reports/{name}.json");
        within(PATIENCE, &format!("{name} {state}"), || async {
            let Ok(Some(blob)) = self.stack.blobs().get("sales-reports", &path) else {
                return Err("no report".to_owned());
            };
            let report: Value = serde_json::from_slice(&blob.body).expect("JSON");
            let is_it =
                report["etag"].as_str().is_some_and(|told| told == etag.trim_matches('"')) && report["state"] == state;
            if is_it { Ok(report) } else { Err(report.to_string()) }
        })
        .await
    }

    /// Waits until these files are done, in whatever order: patience begins anew with each that is.
    async fn files_are_done(&self, names: &[String]) {
        let is_done = |name: &&String| {
            let blob = self.stack.blobs().get("sales-reports", &format!("reports/{name}.json"));
            let report = blob.ok().flatten().map(|blob| serde_json::from_slice::<Value>(&blob.body).expect("JSON"));
            report.is_some_and(|report| report["state"] == "done")
        };
        let mut left: Vec<&String> = names.iter().collect();
        while !left.is_empty() {
            left = within(PATIENCE, "one more file done", || async {
                let still: Vec<&String> = left.iter().copied().filter(|name| !is_done(name)).collect();
                if still.len() < left.len() { Ok(still) } else { Err(format!("{still:?}")) }
            })
            .await;
        }
    }

    /// Waits until every event of sales is handled.
    async fn sales_come_to_rest(&self) {
        loop {
            let before = self.handled("sales", "totals");
            let is_over = within(PATIENCE, "one more event of sales in the totals", || async {
                let state = (self.handled("sales", "totals"), self.events_of("sales"));
                let is_over = state.0 == state.1;
                if is_over || state.0 > before { Ok(is_over) } else { Err(format!("{state:?}")) }
            })
            .await;
            if is_over {
                return;
            }
        }
    }

    /// Waits until no file has a mark: one that was asked for twice keeps it until the timer has looked once more.
    async fn nothing_waits(&self) {
        within(PATIENCE, "no mark", || async {
            let marks = self.blobs("sales-reports", "waiting/");
            if marks.is_empty() { Ok(()) } else { Err(format!("{marks:?}")) }
        })
        .await;
    }

    /// The totals of a day, as they are stored.
    async fn day(&self, day: u8) -> Option<Value> {
        self.document("sales", &format!("2010-12-{day:02}"), "totals").await
    }

    /// Pieces and minor units of a day.
    async fn net(&self, day: u8) -> (i64, i64) {
        let totals = self.day(day).await;
        let net = totals.as_ref().map_or(&Value::Null, |totals| &totals["sums"]["GBP"]["net"]);
        (net["quantity"].as_i64().unwrap_or_default(), net["amount"].as_i64().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_file_is_told_once_and_replaced_and_its_bad_lines_come_back() {
    let shop = Inside::start().await;
    let bad = "3,x,\"=1+1\",z,2010-12-01,1.00,,UK\n";
    shop.drops("a.csv", format!("{HEADER}{}{}{}{bad}", line("1", 1, 5), line("C2", 1, -2), line("1", 1, 1)));
    let report = shop.file_reported("a.csv", "done").await;
    let told = |member: &str| report[member].clone();
    assert_eq!(
        [told("rows"), told("badLines"), told("confirmed"), told("refunded")],
        [json!(3), json!(1), json!(1), json!(1)],
        "{report}"
    );
    shop.sales_come_to_rest().await;
    assert_eq!((shop.events_of("sales"), shop.net(1).await), (3, (4, 400)));
    let csv = shop.stack.blobs().get("sales-reports", "bad-lines/a.csv.csv").expect("blobs").expect("bad lines").body;
    let csv = String::from_utf8(csv.to_vec()).expect("text");
    assert_eq!(
        csv,
        "line,reason,original\r\n5,Quantity: is not a number,\"3,x,'\"\"=1+1\"\",z,2010-12-01,1.00,,UK\"\r\n"
    );

    // Everything delivered again changes nothing.
    let before = shop.day(1).await;
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.sales_come_to_rest().await;
    assert_eq!(shop.day(1).await, before, "the same ETag");

    // The same bytes once more, then others: an invoice moves to another day, another is gone.
    shop.drops("a.csv", format!("{HEADER}{}{}", line("1", 1, 5), line("C2", 1, -2)));
    shop.file_reported("a.csv", "done").await;
    shop.drops("a.csv", format!("{HEADER}{}", line("1", 2, 7)));
    let report = shop.file_reported("a.csv", "done").await;
    assert_eq!((&report["withdrawn"], &report["withdrawnInvoices"]), (&json!(1), &json!(["C2"])), "{report}");
    shop.sales_come_to_rest().await;
    assert_eq!((shop.net(1).await, shop.net(2).await), ((0, 0), (7, 700)));

    // A file that is bad as a whole changes nothing.
    shop.drops("a.csv", HEADER.replace("Country", "InvoiceNo"));
    let report = shop.file_reported("a.csv", "rejected").await;
    assert_eq!(report["rejection"]["reason"], "duplicate-column", "{report}");
    shop.sales_come_to_rest().await;
    assert_eq!(shop.net(2).await, (7, 700));

    // The operators' routes.
    let ask = async |path: &str| {
        let url = format!("{}/api/ops/sales/{path}", shop.stack.endpoints().functions);
        let answer = shop.http.get(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    let (status, day) = ask("days/2010-12-02").await;
    assert!(status == 200 && day.contains("\"71053\""), "{status} {day}");
    assert_eq!((ask("days/2010-12-09").await.0, ask("days/soon").await.0), (404, 400));
    assert!(ask("files").await.1.contains("\"a.csv\""));
    assert!(ask("report?file=a.csv").await.1.contains("duplicate-column"));
    assert_eq!(ask("bad-lines?file=a.csv").await.0, 404, "of the version that is there");
    shop.stop().await;
}

#[tokio::test]
async fn of_an_invoice_in_two_files_the_one_written_last_counts_and_what_it_hid_comes_back() {
    let shop = Inside::start().await;
    // Written in one second or in two, and delivered in any order: the later name, or the later file.
    for (number, (first, second)) in (1..).zip([("b.csv", "a.csv"), ("c.csv", "d.csv")]) {
        let invoice = format!("90{number}");
        shop.drops(first, format!("{HEADER}{}", line(&invoice, 5 + number, 1)));
        shop.drops(second, format!("{HEADER}{}", line(&invoice, 5 + number, 10)));
        shop.file_reported(first, "done").await;
        shop.file_reported(second, "done").await;
        shop.sales_come_to_rest().await;
        let modified = |name: &str| {
            shop.json_blob("sales-reports", &format!("reports/{name}.json")).0["lastModified"]
                .as_str()
                .expect("a time")
                .to_owned()
        };
        let second_wins = (modified(second), second) > (modified(first), first);
        let (wins, other) = if second_wins { (second, (10, 1)) } else { (first, (1, 10)) };
        assert_eq!(shop.net(5 + number).await.0, other.0, "{wins}");
        // The one that counts no longer has it: then the other's does.
        shop.drops(wins, HEADER);
        shop.file_reported(wins, "done").await;
        shop.sales_come_to_rest().await;
        assert_eq!(shop.net(5 + number).await.0, other.1, "without {wins}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_large_file_leaves_the_totals_right() {
    let shop = Inside::start().await;
    // An invoice whose lines are in the first and in the last slice, and as many others as make three.
    const OTHERS: u32 = 110_000;
    let mut file = format!("{HEADER}{}", line("536365", 1, 1));
    for number in 0..OTHERS {
        _ = writeln!(file, "{},x,,1,2010-12-{:02} 08:26:00,0.01,,UK", 600_000 + number / 20, 1 + number % 3);
    }
    file.push_str(&line("536365", 1, 1));
    shop.drops("large.csv", file);
    shop.blobs_appear("sales-reports", "work/large.csv/", 1).await;
    shop.kill_handler().await;
    let report = shop.file_reported("large.csv", "done").await;
    assert_eq!(
        (&report["rows"], &report["confirmed"], &report["badLines"]),
        (&json!(OTHERS + 2), &json!(OTHERS / 20 + 1), &json!(0)),
        "{report}"
    );
    shop.sales_come_to_rest().await;
    let mut days = BTreeMap::new();
    for day in 1..=3 {
        days.insert(day, shop.net(day).await);
    }
    let of = |day: u32| i64::from((0..OTHERS).filter(|number| 1 + number % 3 == day).count() as u32);
    assert_eq!(days, [(1, (of(1) + 2, of(1) + 200)), (2, (of(2), of(2))), (3, (of(3), of(3)))].into());
    shop.nothing_waits().await;
    assert!(
        shop.blobs("sales-reports", "work/large.csv/").iter().all(|name| name.contains("/invoices-")),
        "the rest is gone"
    );
    shop.stop().await;
}

/// The newer version's delivery found no place, and left its mark: whoever ends the earlier version must not take that away. The name is none
/// that is delivered, so nothing but marks leads to it.
#[tokio::test]
async fn a_version_that_was_marked_while_an_earlier_one_was_told_is_read_next() {
    let shop = Inside::start().await;
    let marked = || {
        let put = shop.stack.blobs().put("sales-reports", "waiting/late.dat", Bytes::new(), PutOptions::default());
        put.expect("marked");
    };
    let mut file = HEADER.to_owned();
    for number in 0..60_000 {
        _ = writeln!(file, "{},x,,1,2010-12-08 08:26:00,0.01,,UK", 600_000 + number / 5);
    }
    shop.drops("late.dat", file);
    marked();
    shop.file_reported("late.dat", "sending").await;
    shop.drops("late.dat", format!("{HEADER}{}", line("600000", 9, 3)));
    marked();
    let report = shop.file_reported("late.dat", "done").await;
    assert_eq!((&report["rows"], &report["withdrawn"]), (&json!(1), &json!(11_999)), "{report}");
    shop.sales_come_to_rest().await;
    assert_eq!((shop.net(8).await, shop.net(9).await), ((0, 0), (3, 300)));
    shop.nothing_waits().await;
    shop.stop().await;
}

/// Drops real files at once and looks at the totals of their days.
async fn real_files(names: &[String]) {
    let shop = Inside::start().await;
    for name in names {
        shop.drops(name, std::fs::read(real(&format!("online-retail-by-day/{name}"))).expect("the file"));
    }
    shop.files_are_done(names).await;
    let mut told = BTreeMap::new();
    for name in names {
        let report = shop.file_reported(name, "done").await;
        assert_eq!(report["badLines"], 0, "{report}");
        told.insert(name.trim_end_matches(".csv.gz").to_owned(), report["sums"]["net"].clone());
    }
    shop.sales_come_to_rest().await;
    for (day, net) in &told {
        let totals = shop.document("sales", day, "totals").await.unwrap_or_else(|| panic!("{day} has totals"));
        assert_eq!(&totals["sums"]["GBP"]["net"], net, "{day}");
    }
    // As plain sums say of the file.
    assert_eq!(told["2010-12-01"], json!({ "quantity": 26_814, "amount": 5_863_556 }));
    shop.stop().await;
}

#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn real_files_have_the_totals_of_their_lines() {
    real_files(&[1, 2, 3, 5].map(|day| format!("2010-12-{day:02}.csv.gz"))).await;
}

/// `cargo test --workspace --test it -- --ignored every_real_file`
#[tokio::test]
#[ignore = "takes minutes, and the real data set"]
async fn every_real_file_at_once_has_the_totals_of_its_lines() {
    let listed = std::fs::read_dir(real("online-retail-by-day")).expect("the files");
    let mut names: Vec<_> =
        listed.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".csv.gz"));
    assert_eq!(names.len(), 221);
    real_files(&names).await;
}
