//! What a log of clicks says, counted directly, and what the stack counted of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use contoso_cli::clickstream::Row;
use contoso_handlers::domain::trends::{
    tally::Tally,
    visitors::STANDARD_ERROR,
    window::{Page, PageDocument, PageId},
};
use serde_json::{Value, json};
use time::Date;

use super::Inside;

/// What a list of recently viewed products holds at most.
const LONGEST: usize = 20;
/// Up to so many visitors a sketch is exact but for rare collisions.
const FEW: usize = 300;

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    All,
    Category(String),
    Product(String),
}

/// Views of a day.
pub(crate) type Views = BTreeMap<Part, u64>;
/// The sessions, each a visitor, that viewed something.
type Sessions = BTreeMap<Part, BTreeSet<u32>>;

/// A log, counted directly.
#[derive(Default)]
pub(crate) struct LogCounts {
    /// The newest products of each session, each once.
    pub(crate) lists: BTreeMap<u32, Vec<String>>,
    pub(crate) views: BTreeMap<Date, Views>,
    sessions: BTreeMap<Date, Sessions>,
}

impl LogCounts {
    pub(crate) fn of(rows: &[Row]) -> Self {
        let mut counts = Self::default();
        let mut latest: BTreeMap<u32, HashMap<&str, u32>> = BTreeMap::new();
        for row in rows {
            latest.entry(row.session).or_default().insert(row.product.as_str(), row.order);
            for part in [Part::All, Part::Category(row.category.to_string()), Part::Product(row.product.to_string())] {
                *counts.views.entry(row.date).or_default().entry(part.clone()).or_default() += 1;
                counts.sessions.entry(row.date).or_default().entry(part).or_default().insert(row.session);
            }
        }
        let lists = latest.into_iter().map(|(session, products)| {
            let mut products: Vec<_> = products.into_iter().collect();
            products.sort_by_key(|(_, order)| std::cmp::Reverse(*order));
            (session, products.into_iter().take(LONGEST).map(|(product, _)| product.to_owned()).collect())
        });
        counts.lists = lists.collect();
        counts
    }

    /// The sketches of `windows`, by day of the log, tell who came within their bound, on each day and in all; returns the number of
    /// comparisons and the largest error as a share of the sessions, where those are more than [`FEW`].
    pub(crate) fn visitors_are(&self, windows: &BTreeMap<Date, Tally>) -> (usize, f64) {
        let mut compared = (0, 0.0_f64);
        let mut compare = |of: &str, sessions: &Sessions, tally: &Tally| {
            let told = visitors(tally);
            assert_eq!(told.len(), sessions.len(), "{of}");
            for (part, sessions) in sessions {
                let (told, exact) = (told[part] as f64, sessions.len() as f64);
                let bound = if sessions.len() <= FEW { 1.0 } else { 5.0 * STANDARD_ERROR * exact };
                assert!((told - exact).abs() <= bound, "{of}, {part:?}: {told} visitors, not {exact}");
                compared.0 += 1;
                if sessions.len() > FEW {
                    compared.1 = compared.1.max((told / exact - 1.0).abs());
                }
            }
        };
        assert!(self.sessions.keys().eq(windows.keys()), "{:?}", windows.keys());
        let (mut everybody, mut together) = (Sessions::new(), Tally::default());
        for (day, sessions) in &self.sessions {
            compare(&day.to_string(), sessions, &windows[day]);
            sessions.iter().for_each(|(part, of)| everybody.entry(part.clone()).or_default().extend(of));
            together.merge(&windows[day]);
        }
        compare("all days", &everybody, &together);
        compared
    }
}

fn visitors(tally: &Tally) -> Views {
    let categories = tally.categories.iter().map(|(name, count)| (Part::Category(name.to_string()), count));
    let products = tally.products.iter().map(|(id, product)| (Part::Product(id.to_string()), &product.count));
    let all = std::iter::once((Part::All, &tally.total));
    all.chain(categories).chain(products).map(|(part, count)| (part, count.visitors.count())).collect()
}

impl Inside {
    /// Views of a day, as its minutes have them.
    pub(crate) async fn views_of(&self, day: Date) -> Views {
        let mut views = Views::new();
        for minute in self.minutes_of(day).await {
            let mut add = |part: Part, item: &Value| {
                *views.entry(part).or_default() += item["views"].as_u64().expect("views");
            };
            add(Part::All, &minute);
            let counts = |part: &str| minute[part].as_object().expect("counts").clone();
            counts("categories").into_iter().for_each(|(name, item)| add(Part::Category(name), &item));
            counts("products").into_iter().for_each(|(id, item)| add(Part::Product(id), &item));
        }
        views
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

    /// What all windows count, by day.
    pub(crate) async fn windows_by_day(&self) -> BTreeMap<Date, Tally> {
        let cosmos = self.stack.cosmos();
        let mut days: BTreeMap<Date, Tally> = BTreeMap::new();
        for range in cosmos.feed_ranges("analytics", "windows").await.expect("ranges") {
            let mut continuation: Option<String> = None;
            loop {
                let from = continuation.as_deref();
                let page = cosmos.change_feed("analytics", "windows", &range.id, from, 1000).await.expect("windows");
                if page.items.is_empty() {
                    break;
                }
                for item in &page.items {
                    let document: PageDocument = serde_json::from_str(item).expect("a page");
                    let (id, page) = <(PageId, Page)>::try_from(&document).expect("counts");
                    days.entry(id.window.minute.start().date()).or_default().merge(page.tally());
                }
                continuation = Some(page.continuation);
            }
        }
        days
    }
}
