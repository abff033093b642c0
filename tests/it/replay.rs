//! A real shop's log through the whole pipeline, handlers killed on the way; then a projection rebuilt from what was captured.
//!
//! `CONTOSO_REPLAY_CLICKS=99180` replays all of it, which takes minutes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use contoso_cli::clickstream::{self, Row};
use contoso_cli::endpoints;
use serde_json::{Value, json};
use time::Date;

use crate::support::data::real;
use crate::support::{Inside, contoso, eventually};

const LOG: &str = "eshop-clickstream-2008/e-shop-clothing-2008-04-01_2008-06-14.csv.gz";
/// What a list of recently viewed products holds at most.
const LONGEST: usize = 20;
const CAPTURE_WINDOW: Duration = Duration::from_secs(300);

/// Views of one day: by product, and by category.
type Day = (BTreeMap<String, u64>, BTreeMap<String, u64>);

impl Inside {
    /// Waits until a group has handled so many clicks, however long that takes, as long as it gets on.
    async fn clicks_handled(&self, group: &str, clicks: i64) {
        let mut before = -1;
        while before < clicks {
            before = eventually(&format!("progress of {group} after {before} of {clicks}"), || async {
                let handled = self.handled("clicks", group);
                if handled > before { Ok(handled) } else { Err(handled.to_string()) }
            })
            .await;
        }
    }

    /// The items of a day's minutes.
    async fn minutes_of(&self, day: Date) -> Vec<Value> {
        let mut headers = HeaderMap::new();
        let mut set =
            |name: &'static str, value: &str| headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        set("x-ms-documentdb-partitionkey", &json!([day.to_string()]).to_string());
        set("x-ms-documentdb-isquery", "true");
        set("content-type", "application/query+json");
        set("x-ms-max-item-count", "1000");
        let body = Bytes::from(json!({ "query": "SELECT * FROM c" }).to_string());
        let mut items = Vec::new();
        loop {
            let path = "/dbs/analytics/colls/minutes/docs";
            let answer = self.stack.cosmos().execute(Method::POST, path, headers.clone(), body.clone()).await;
            let answer = answer.expect("Cosmos answers");
            assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
            let page: Value = serde_json::from_slice(answer.body()).expect("JSON");
            items.extend(page["Documents"].as_array().expect("documents").iter().cloned());
            match answer.headers().get("x-ms-continuation") {
                Some(next) => headers.insert("x-ms-continuation", next.clone()),
                None => return items,
            };
        }
    }

    async fn views_of(&self, day: Date) -> Day {
        let mut sums = Day::default();
        for minute in self.minutes_of(day).await {
            let add = |sums: &mut BTreeMap<String, u64>, part: &str| {
                for (name, counts) in minute[part].as_object().expect("counts") {
                    *sums.entry(name.clone()).or_default() += counts["views"].as_u64().expect("views");
                }
            };
            add(&mut sums.0, "products");
            add(&mut sums.1, "categories");
        }
        sums
    }

    /// Events of a hub in captured files, as their reports say.
    pub(crate) fn captured(&self, hub: &str) -> i64 {
        let reports = self.blobs("reports", &format!("{hub}/"));
        reports.iter().map(|name| self.json_blob("reports", name).0["records"].as_i64().expect("a count")).sum()
    }

    /// Every visitor's list is what the log says.
    async fn lists_are(&self, expected: &BTreeMap<u32, Vec<String>>) {
        for (session, products) in expected {
            let visitor = format!("session-{session:06}");
            let list = self.document("visitors", &visitor, &visitor).await.unwrap_or_default();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let found: Vec<&str> = items.iter().filter_map(|item| item["productId"].as_str()).collect();
            assert_eq!(&found, products, "{visitor}");
        }
    }
}

/// The newest products of each session, each once, and the views of each day of the log.
fn direct(rows: &[Row]) -> (BTreeMap<u32, Vec<String>>, BTreeMap<Date, Day>) {
    let mut latest: BTreeMap<u32, HashMap<&str, u32>> = BTreeMap::new();
    let mut days = BTreeMap::<Date, Day>::new();
    for row in rows {
        latest.entry(row.session).or_default().insert(row.product.as_str(), row.order);
        let day = days.entry(row.date).or_default();
        *day.0.entry(row.product.to_string()).or_default() += 1;
        *day.1.entry(row.category.to_string()).or_default() += 1;
    }
    let lists = latest.into_iter().map(|(session, products)| {
        let mut products: Vec<_> = products.into_iter().collect();
        products.sort_by_key(|(_, order)| std::cmp::Reverse(*order));
        (session, products.into_iter().take(LONGEST).map(|(product, _)| product.to_owned()).collect())
    });
    (lists.collect(), days)
}

async fn run(arguments: &[&str], log: Option<&Path>, endpoints: &Path) -> Output {
    let mut command = contoso();
    command.args(arguments).args(log).arg("--endpoints").arg(endpoints);
    let output = tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn a_real_log_counts_exactly_and_is_rebuilt_from_what_was_captured() {
    let log = real(LOG);
    let clicks: usize = std::env::var("CONTOSO_REPLAY_CLICKS").map_or(8_000, |text| text.parse().expect("a number"));
    let rows: Vec<Row> =
        clickstream::open(&log).expect("a log").take(clicks).map(|row| row.expect("a click")).collect();
    let (lists, days) = direct(&rows);
    let clicks = i64::try_from(rows.len()).expect("a count");

    let shop = Inside::start().await;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), endpoints::ready_line(shop.stack.endpoints()).expect("JSON")).expect("written");
    let limit = clicks.to_string();
    let arguments = ["replay", "clicks", "--limit", &limit];
    let replaying = run(&arguments, Some(&log), file.path());
    let killing = async {
        for handled in [clicks / 8, clicks / 2] {
            eventually(&format!("{handled} clicks handled"), || async {
                let state = shop.handled("clicks", "recently-viewed");
                if state >= handled { Ok(()) } else { Err(state.to_string()) }
            })
            .await;
            shop.kill_handler().await;
        }
    };
    let (replayed, ()) = tokio::join!(replaying, killing);
    let summary = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(summary.starts_with(&format!("{clicks} clicks of {} sessions", lists.len())), "{summary}");
    shop.clicks_handled("recently-viewed", clicks).await;
    shop.clicks_handled("trends", clicks).await;
    shop.lists_are(&lists).await;

    // "the log's days … are now <first> to <last>"
    let first = summary.split(" are now ").nth(1).and_then(|days| days.get(..10)).expect("the first day");
    let first = Date::parse(first, &time::macros::format_description!("[year]-[month]-[day]")).expect("a day");
    let shift = first - *days.keys().next().expect("a day");
    for (day, expected) in &days {
        eventually(&format!("the counts of {day}"), || async {
            let host = shop.stack.host().expect("a host");
            assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "the rollup succeeds");
            let found = shop.views_of(*day + shift).await;
            if found == *expected { Ok(()) } else { Err(format!("{found:?}\n instead of\n{expected:?}")) }
        })
        .await;
    }

    shop.step(CAPTURE_WINDOW * 2);
    eventually("every click captured", || async {
        let captured = shop.captured("clicks");
        if captured == clicks { Ok(()) } else { Err(format!("{captured} of {clicks}")) }
    })
    .await;
    let rebuilt = run(&["rebuild", "RecentlyViewed", "--clear"], None, file.path()).await;
    let summary = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(summary.starts_with(&format!("{clicks} events of ")), "{summary}");
    shop.lists_are(&lists).await;
    shop.stop().await;
}
