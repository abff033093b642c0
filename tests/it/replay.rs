//! A real shop's log through the whole pipeline: in order, then rebuilt from what was captured; and out of order, with handlers killed and
//! checkpoints lost on the way. Counts and lists are those of the file.
//!
//! `CONTOSO_REPLAY_CLICKS=99180` replays all of it, which takes minutes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, Instant},
};

use contoso_cli::{
    clickstream::{self, Row},
    endpoints,
};
use tempfile::NamedTempFile;
use time::Date;

use crate::support::{Inside, LogCounts, contoso, data::real, machine, within};

const LOG: &str = "eshop-clickstream-2008/e-shop-clothing-2008-04-01_2008-06-14.csv.gz";
const CAPTURE_WINDOW: Duration = Duration::from_secs(300);
/// How long a group may take for its next batch, some hundred windows of which each is found written already, and capture for its files.
const STANDSTILL: Duration = Duration::from_secs(180);

impl Inside {
    /// Waits until a group has handled so many clicks, however long that takes, as long as it gets on.
    async fn clicks_handled(&self, group: &str, clicks: i64) {
        let mut before = -1;
        while before < clicks {
            before = within(STANDSTILL, &format!("progress of {group} after {before} of {clicks}"), || async {
                let handled = self.handled("clicks", group);
                if handled > before { Ok(handled) } else { Err(handled.to_string()) }
            })
            .await;
        }
    }

    /// Sums until no window changed since it was summed, however long that takes: a run that finds changes notes how far it got.
    pub(crate) async fn windows_are_summed(&self) {
        let host = self.stack.host().expect("a host");
        let mut before = None;
        loop {
            assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "the rollup succeeds");
            let progress = self.item("analytics", "minutes", "-", "progress").await.expect("progress");
            let continuation = progress["continuation"].as_str().map(ToOwned::to_owned);
            if continuation == before {
                return;
            }
            before = continuation;
        }
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

async fn run(arguments: &[&str], log: Option<&Path>, endpoints: &Path) -> Output {
    let mut command = contoso();
    command.args(arguments).args(log).arg("--endpoints").arg(endpoints);
    let output = tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

/// A stack and the log that goes through it.
struct Replayed {
    shop: Inside,
    endpoints: NamedTempFile,
    log: PathBuf,
    counts: LogCounts,
    clicks: i64,
    started: Instant,
}

impl Replayed {
    /// A stack for the first `clicks` of the log, or for as many as the environment says.
    async fn start(clicks: usize) -> Self {
        let log = real(LOG);
        let clicks = machine::setting("CONTOSO_REPLAY_CLICKS").unwrap_or(clicks);
        let rows = clickstream::open(&log).expect("a log").take(clicks);
        let rows: Vec<Row> = rows.map(|row| row.expect("a click")).collect();
        let shop = Inside::start().await;
        let endpoints = NamedTempFile::new().expect("a temporary file");
        let line = endpoints::ready_line(shop.stack.endpoints()).expect("JSON");
        std::fs::write(endpoints.path(), line).expect("written");
        let (counts, clicks) = (LogCounts::of(&rows), i64::try_from(rows.len()).expect("a count"));
        Self { shop, endpoints, log, counts, clicks, started: Instant::now() }
    }

    /// Sends the log; returns how many days later it now is.
    async fn replay(&self, options: &[&str]) -> time::Duration {
        let limit = self.clicks.to_string();
        let arguments = [&["replay", "clicks", "--limit", &limit], options].concat();
        let replayed = run(&arguments, Some(&self.log), self.endpoints.path()).await;
        let summary = String::from_utf8_lossy(&replayed.stdout).into_owned();
        self.note(summary.trim());
        let sessions = self.counts.lists.len();
        assert!(summary.starts_with(&format!("{} clicks of {sessions} sessions", self.clicks)), "{summary}");
        // "the log's days … are now <first> to <last>"
        let first = summary.split(" are now ").nth(1).and_then(|days| days.get(..10)).expect("the first day");
        let first = Date::parse(first, &time::macros::format_description!("[year]-[month]-[day]")).expect("a day");
        first - *self.counts.views.keys().next().expect("a day")
    }

    async fn all_handled(&self) {
        self.shop.clicks_handled("recently-viewed", self.clicks).await;
        self.shop.clicks_handled("trends", self.clicks).await;
        self.note("handled");
    }

    /// Everything that was counted is as the file has it.
    async fn is_counted(&self, shift: time::Duration) {
        let Self { shop, counts, .. } = self;
        shop.lists_are(&counts.lists).await;
        self.note("every list is the file's");
        shop.windows_are_summed().await;
        self.note("summed");
        for (day, expected) in &counts.views {
            assert_eq!(shop.views_of(*day + shift).await, *expected, "{day}");
        }
        let windows = shop.windows_by_day().await.into_iter().map(|(day, tally)| (day - shift, tally)).collect();
        let (compared, error) = counts.visitors_are(&windows);
        let days = counts.views.len();
        self.note(&format!(
            "views of {days} days equal, {compared} counts of visitors within bounds, {error:.4} off at most"
        ));
    }

    /// Says how far the run is, for whoever replays all of the log.
    fn note(&self, what: &str) {
        println!("{:6.1} s: {what}", self.started.elapsed().as_secs_f64());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn a_real_log_counts_exactly_out_of_order_through_kills_and_rewinds() {
    let run = Replayed::start(4_000).await;
    let shop = &run.shop;
    let disturbing = async {
        // After so many eighths of the clicks; the second time one of them, when they come again.
        for (eighths, is_kill) in [(1, true), (2, false), (1, true), (4, false), (6, true)] {
            shop.clicks_handled("recently-viewed", run.clicks * eighths / 8).await;
            if is_kill {
                shop.kill_handler().await;
            } else {
                shop.stack.stop_app().await;
                shop.rewind().await;
                shop.run_app().await;
            }
            run.note(if is_kill { "the handler was killed" } else { "every checkpoint was lost" });
        }
    };
    // Longer than a day: clicks arrive among those of the next one.
    let (shift, ()) = tokio::join!(run.replay(&["--shuffle", "30h"]), disturbing);
    run.all_handled().await;
    run.is_counted(shift).await;
    run.shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn a_real_log_counts_exactly_and_is_rebuilt_from_what_was_captured() {
    let replayed = Replayed::start(8_000).await;
    let shift = replayed.replay(&[]).await;
    replayed.all_handled().await;
    replayed.is_counted(shift).await;

    let Replayed { shop, endpoints, counts, clicks, .. } = replayed;
    shop.step(CAPTURE_WINDOW * 2);
    within(STANDSTILL, "every click captured", || async {
        let captured = shop.captured("clicks");
        if captured == clicks { Ok(()) } else { Err(format!("{captured} of {clicks}")) }
    })
    .await;
    let rebuilt = run(&["rebuild", "RecentlyViewed", "--clear"], None, endpoints.path()).await;
    let summary = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(summary.starts_with(&format!("{clicks} events of ")), "{summary}");
    shop.lists_are(&counts.lists).await;
    shop.stop().await;
}
