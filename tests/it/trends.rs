//! Clicks on the hub, and what the minutes say: exactly what the log says, whatever happens in between.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::support::{
    Inside,
    clicks::{Sent, time_of},
    eventually, machine, seed,
};

fn now() -> u64 {
    u64::try_from(machine::now().unix_timestamp()).expect("after 1970")
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
    for number in 0..40 {
        let category = format!("Category {}", number % 5);
        let price = json!({"amount": "1.00", "currency": "USD"});
        shop.put(&format!("p-{number}"), &json!({"name": "Rope", "category": category, "price": price})).await;
    }
    // What the site does not have yet is not listed, and not asked for again for minutes.
    shop.comes_to_rest(40).await;
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
