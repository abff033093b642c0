//! Clicks on the hub, and what the minutes say: exactly what the log says, whatever happens in between.

use std::collections::{BTreeMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use contoso_local::event_hubs::Outgoing;
use serde_json::{Value, json};

use crate::support::{Inside, eventually, seed};

/// A click as a producer sends it, and what the test knows of it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    product: String,
    category: Option<String>,
    visitor: String,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

impl Sent {
    /// As a message of the hub.
    fn message(&self) -> Bytes {
        let data =
            json!({"productId": self.product, "category": self.category, "visitorId": self.visitor, "sessionId": null});
        let attribute = |name: &str, value: &str| (format!("cloudEvents:{name}"), value.to_owned());
        Outgoing {
            body: data.to_string().into_bytes(),
            properties: vec![
                attribute("specversion", "1.0"),
                attribute("id", &self.id),
                attribute("source", "/tests/trends"),
                attribute("type", "com.contoso.click.recorded.v1"),
                attribute("subject", &self.visitor),
                attribute("partitionkey", &self.visitor),
                attribute("time", &time_of(self.at)),
            ],
            content_type: Some("application/json".to_owned()),
            partition_key: Some(self.visitor.clone()),
        }
        .encode()
    }

    fn minute(&self) -> u64 {
        self.at / 60
    }
}

/// RFC 3339.
fn time_of(seconds: u64) -> String {
    let (days, second) = (i64::try_from(seconds / 86_400).expect("a day"), seconds % 86_400);
    format!("{}T{:02}:{:02}:{:02}Z", day_of(days), second / 3_600, second / 60 % 60, second % 60)
}

/// The civil date of a day since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn day_of(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Counts as the log has them.
#[derive(Default)]
pub(crate) struct Minute {
    pub(crate) views: u64,
    pub(crate) products: BTreeMap<String, (u64, HashSet<String>)>,
    categories: BTreeMap<String, u64>,
    visitors: HashSet<String>,
}

pub(crate) fn counted(clicks: &[Sent]) -> BTreeMap<u64, Minute> {
    let mut minutes: BTreeMap<u64, Minute> = BTreeMap::new();
    let mut seen = HashSet::new();
    for click in clicks.iter().filter(|click| seen.insert(click.id.clone())) {
        let minute = minutes.entry(click.minute()).or_default();
        minute.views += 1;
        minute.visitors.insert(click.visitor.clone());
        let product = minute.products.entry(click.product.clone()).or_default();
        product.0 += 1;
        product.1.insert(click.visitor.clone());
        if let Some(category) = &click.category {
            *minute.categories.entry(category.clone()).or_default() += 1;
        }
    }
    minutes
}

/// What an item of `analytics/minutes` says wrong.
fn difference(expected: &Minute, item: &Value) -> Option<String> {
    let near = |counted: usize, told: &Value| {
        let (counted, told) = (counted as f64, told.as_f64().unwrap_or(-1.0));
        (told - counted).abs() <= (counted * 0.05).max(1.0)
    };
    if item["views"] != expected.views {
        return Some(format!("{} views, not {}", item["views"], expected.views));
    }
    if !near(expected.visitors.len(), &item["visitors"]) {
        return Some(format!("{} visitors, not {}", item["visitors"], expected.visitors.len()));
    }
    let listed = item["products"].as_object().map_or(0, serde_json::Map::len);
    if listed != expected.products.len() {
        return Some(format!("{listed} products, not {}", expected.products.len()));
    }
    let product = expected.products.iter().find(|(id, (views, visitors))| {
        let told = &item["products"][id.as_str()];
        told["views"] != *views || !near(visitors.len(), &told["visitors"])
    });
    let category =
        expected.categories.iter().find(|(name, views)| item["categories"][name.as_str()]["views"] != **views);
    match (product, category) {
        (None, None) => None,
        (product, category) => Some(format!("{product:?} {category:?}")),
    }
}

impl Inside {
    /// Sends clicks, each to the partition of its visitor, in publications of a hundred.
    pub(crate) fn send(&self, clicks: &[Sent]) {
        let hub = self.stack.event_hubs().hub("clicks").expect("the hub");
        let mut by_partition: BTreeMap<usize, Vec<Bytes>> = BTreeMap::new();
        for click in clicks {
            let chosen = hub.choose(Some(&click.visitor));
            let index =
                hub.partitions().iter().position(|partition| std::ptr::eq(partition, chosen)).expect("one of it");
            by_partition.entry(index).or_default().push(click.message());
        }
        for (index, messages) in by_partition {
            for messages in messages.chunks(100) {
                hub.partitions()[index].append(messages).expect("the hub takes them");
            }
        }
    }

    /// Waits until so many clicks are counted.
    pub(crate) async fn counts(&self, clicks: usize, patience: usize) {
        let clicks = i64::try_from(clicks).expect("a count");
        let mut before = -1;
        for _ in 0..patience {
            let counted = eventually("progress of the count", || async {
                match self.handled("clicks", "trends") {
                    counted if counted == clicks || counted > before => Ok(counted),
                    counted => Err(format!("{counted} of {clicks}")),
                }
            })
            .await;
            if counted == clicks {
                return;
            }
            before = counted;
        }
        panic!("{before} of {clicks}");
    }

    /// Waits until every minute says what the log says, and returns the items.
    pub(crate) async fn minutes_say(&self, expected: &BTreeMap<u64, Minute>) -> Vec<Value> {
        let host = self.stack.host().expect("a host");
        let mut items = Vec::new();
        for (minute, expected) in expected {
            let text = time_of(minute * 60);
            let (day, id) = (&text[..10], format!("{}Z", &text[..16]));
            let item = eventually(&format!("minute {id}"), || async {
                let item = self.item("analytics", "minutes", day, &id).await;
                match item.as_ref().map(|item| difference(expected, item)) {
                    Some(None) => Ok(item.expect("an item")),
                    state => {
                        assert!(
                            host.fire_timer("TrendRollup").await.expect("a timer"),
                            "the rollup succeeds: {state:?}"
                        );
                        Err(format!("{state:?}"))
                    }
                }
            })
            .await;
            items.push(item);
        }
        items
    }
}

/// Some thousand clicks of the last minutes, some of them sent again by their producer.
pub(crate) fn some_clicks(random: &mut seed::Random, count: usize) -> Vec<Sent> {
    let now = now();
    let mut clicks: Vec<Sent> = Vec::new();
    for number in 0..count {
        if number > 0 && random.below(20) == 0 {
            clicks.push(clicks[random.below(number)].clone());
            continue;
        }
        let product = random.below(40).min(random.below(40));
        clicks.push(Sent {
            id: number.to_string(),
            product: format!("p-{product}"),
            category: (product > 2).then(|| format!("Category {}", product % 5)),
            visitor: format!("visitor-{}", random.below(500)),
            at: now - random.below(240) as u64,
        });
    }
    clicks
}

/// Batches of any size, a handler killed in the middle, every checkpoint lost twice: each click counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_click_counts_once() {
    let mut random = seed::random("CONTOSO_TRENDS_SEED");
    let shop = Inside::start().await;
    let clicks = some_clicks(&mut random, 6_000);
    for part in clicks.chunks(1_500) {
        shop.send(part);
        eventually("the first of them counted", || async {
            if shop.handled("clicks", "trends") > 0 { Ok(()) } else { Err("none".to_owned()) }
        })
        .await;
        shop.kill_handler().await;
    }
    shop.counts(clicks.len(), 200).await;
    let expected = counted(&clicks);
    let first = shop.minutes_say(&expected).await;
    let repeats: u64 = first.iter().map(|item| item["repeats"].as_u64().expect("a count")).sum();
    let distinct: HashSet<_> = clicks.iter().map(|click| &click.id).collect();
    assert_eq!(repeats, (clicks.len() - distinct.len()) as u64, "each of a producer's repeats is known");

    for _ in 0..2 {
        shop.stack.stop_app().await;
        shop.rewind().await;
        shop.run_app().await;
        shop.counts(clicks.len(), 200).await;
    }
    let host = shop.stack.host().expect("a host");
    assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "the rollup succeeds");
    drop(host);
    assert_eq!(shop.minutes_say(&expected).await, first, "not one item was written again");

    let all = shop.document("trending", "all", "all").await.expect("a list");
    let top = all["top"].as_array().expect("products");
    assert_eq!(top.len(), 20, "{all}");
    let mut views: BTreeMap<&str, u64> = BTreeMap::new();
    for minute in expected.values() {
        minute.products.iter().for_each(|(id, (count, _))| *views.entry(id).or_default() += count);
    }
    for product in top {
        assert_eq!(product["views"], views[product["productId"].as_str().expect("an id")], "{product}");
    }
    let category = shop.document("trending", "category|Category 3", "category|Category%203").await.expect("a list");
    assert!(category["top"].as_array().is_some_and(|top| top.iter().all(|p| p["category"] == "Category 3")));
    shop.stop().await;
}
