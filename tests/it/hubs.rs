//! Operators browse a hub: its events decoded, by partition, key and time.

use std::{collections::BTreeSet, time::Instant};

use bytes::Bytes;
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339};

use crate::support::{Inside, clicks::Sent, machine};

impl Inside {
    /// `GET /api/ops/hubs/{path}` with these members of the query.
    async fn browses(&self, path: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
        let url = format!("{}/api/ops/hubs/{path}", self.stack.endpoints().functions);
        let url = reqwest::Url::parse_with_params(&url, query).expect("an address");
        let answer = self.http.get(url).send().await.expect("an answer");
        let status = answer.status();
        (status, answer.json().await.expect("JSON"))
    }

    /// All pages of a selection, each of at most seven events.
    async fn browses_all(&self, hub: &str, query: &[(&str, &str)]) -> Vec<Value> {
        let (mut events, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = query.to_vec();
            query.push(("limit", "7"));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let (status, page) = self.browses(&format!("{hub}/events"), &query).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let shown = page["events"].as_array().expect("events");
            assert!(shown.len() <= 7, "{page}");
            events.extend_from_slice(shown);
            match page["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return events,
            }
        }
    }
}

fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event[member].as_str().unwrap_or_else(|| panic!("{member} of {event}"))
}

fn places(events: &[Value]) -> BTreeSet<(String, String)> {
    events.iter().map(|event| (text(event, "partition").to_owned(), text(event, "sequence").to_owned())).collect()
}

#[tokio::test]
async fn operators_browse_a_hub_by_partition_key_and_time() {
    let shop = Inside::start().await;
    let (status, empty) = shop.browses("clicks/events", &[]).await;
    assert_eq!((status, &empty["events"], &empty["cursor"]), (StatusCode::OK, &json!([]), &Value::Null), "{empty}");
    assert_eq!(empty["partitions"].as_array().map(Vec::len), Some(4), "{empty}");

    let now = u64::try_from(machine::now().unix_timestamp()).expect("a time");
    let click = |number: usize| Sent {
        id: format!("c-{number}"),
        product: "rope".to_owned(),
        category: None,
        visitor: format!("visitor-{}", number % 5),
        at: now,
    };
    let first: Vec<Sent> = (0..40).map(click).collect();
    shop.send(&first);
    // What comes now is stored later, by the hub's clock.
    shop.step(std::time::Duration::from_secs(600));
    let between = (machine::now() + Duration::minutes(5)).format(&Rfc3339).expect("a text");
    let second: Vec<Sent> = (40..60).map(click).collect();
    shop.send(&second);

    let all = shop.browses_all("clicks", &[]).await;
    assert_eq!((all.len(), places(&all).len()), (60, 60), "each event once");
    let stored: Vec<&str> = all.iter().map(|event| text(event, "enqueued")).collect();
    assert!(stored.is_sorted_by(|a, b| a >= b), "newest first: {stored:?}");
    let decoded = &all[0]["decoded"];
    assert_eq!(decoded["event"]["type"], "com.contoso.click.recorded.v1", "{decoded}");
    assert!(text(&decoded["data"], "content").contains("\"productId\": \"rope\""), "{decoded}");

    let of_one = shop.browses_all("clicks", &[("key", "visitor-3")]).await;
    assert_eq!(of_one.len(), 12);
    assert!(of_one.iter().all(|event| event["key"] == "visitor-3"), "{of_one:?}");
    assert_eq!(shop.browses_all("clicks", &[("from", &between)]).await.len(), 20);
    assert_eq!(shop.browses_all("clicks", &[("to", &between)]).await.len(), 40);
    let both = [("to", between.as_str()), ("key", "visitor-3"), ("partition", "")];
    assert_eq!(shop.browses_all("clicks", &both).await.len(), 8);
    let of_partitions: usize = {
        let mut sum = 0;
        for partition in ["0", "1", "2", "3"] {
            let events = shop.browses_all("clicks", &[("partition", partition)]).await;
            assert!(events.iter().all(|event| event["partition"] == partition), "{events:?}");
            sum += events.len();
        }
        sum
    };
    assert_eq!(of_partitions, 60);

    // An event with its schema; one that nobody can decode is shown with the reason and its bytes.
    let body = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
    shop.put("rope", &body).await;
    shop.comes_to_rest(1).await;
    let (_, page) = shop.browses("products/events", &[("key", "rope")]).await;
    let event = &page["events"][0];
    assert_eq!(text(&event["decoded"], "schema"), "com.contoso.product.ProductChanged", "{page}");
    let place = [("partition", text(event, "partition")), ("sequence", text(event, "sequence"))];
    let (status, whole) = shop.browses("products/event", &place).await;
    assert_eq!(status, StatusCode::OK, "{whole}");
    assert!(text(&whole, "properties").contains("cloudEvents:id"), "{whole}");
    let hub = shop.stack.event_hubs().hub("products").expect("the hub");
    hub.partition("0").expect("it exists").append(&[Bytes::from_static(b"\x00\x53\x75\xa0\x01x")]).expect("stored");
    let (_, page) = shop.browses("products/events", &[("partition", "0"), ("limit", "1")]).await;
    let bad = &page["events"][0];
    assert_eq!((&bad["decoded"], &bad["body"]["content"]), (&Value::Null, &json!("78")), "{page}");
    assert!(!text(bad, "notDecoded").is_empty(), "{page}");
    shop.parks("ProductProjection", 1).await;
    shop.parks("PartnerNotifications", 1).await;
    shop.parks("PriceAlerts", 1).await;

    for (path, query, expected) in [
        ("nothing/events", vec![], StatusCode::NOT_FOUND),
        ("clicks/events", vec![("partition", "7")], StatusCode::BAD_REQUEST),
        ("clicks/events", vec![("from", "yesterday")], StatusCode::BAD_REQUEST),
        ("clicks/events", vec![("from", between.as_str()), ("to", between.as_str())], StatusCode::BAD_REQUEST),
        ("clicks/events", vec![("cursor", "MDAwMDAwMDAgMC4x")], StatusCode::BAD_REQUEST),
        ("clicks/events", vec![("limit", "201")], StatusCode::BAD_REQUEST),
        ("clicks/events", vec![("partitions", "1")], StatusCode::BAD_REQUEST),
        ("clicks/event", vec![("partition", "0"), ("sequence", "9223372036854775807")], StatusCode::NOT_FOUND),
        ("clicks/event", vec![("partition", "0"), ("sequence", "-1")], StatusCode::BAD_REQUEST),
        ("clicks/body", vec![("partition", "x"), ("sequence", "0")], StatusCode::NOT_FOUND),
    ] {
        let (status, problem) = shop.browses(path, &query).await;
        assert_eq!(status, expected, "{path} {query:?}: {problem}");
        assert!(problem["title"].is_string(), "{problem}");
    }
    shop.stop().await;
}

/// A hub of a million events opens in under a second, at its end and by time. No function reads this one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a quiet machine: ./contoso test --test it -- --ignored a_hub_of_a_million_events"]
async fn a_hub_of_a_million_events_opens_at_once() {
    const EVENTS: usize = 1_000_000;
    let shop = Inside::start().await;
    let now = u64::try_from(machine::now().unix_timestamp()).expect("a time");
    let click = |number: usize| Sent {
        id: format!("c-{number}"),
        product: "rope".to_owned(),
        category: None,
        visitor: format!("visitor-{}", number % 5_000),
        at: now,
    };
    let mut middle = String::new();
    for first in (0..EVENTS).step_by(10_000) {
        if first == EVENTS / 2 {
            shop.step(std::time::Duration::from_secs(3_600));
            middle = (machine::now() + Duration::minutes(30)).format(&Rfc3339).expect("a text");
        }
        shop.send_to("analytics", &(first..first + 10_000).map(click).collect::<Vec<_>>());
    }
    for (what, query) in [
        ("the newest", vec![]),
        ("before a time", vec![("to", middle.as_str())]),
        ("of a key", vec![("key", "visitor-7"), ("limit", "5")]),
    ] {
        let mut quickest = f64::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            let (status, page) = shop.browses("analytics/events", &query).await;
            quickest = quickest.min(began.elapsed().as_secs_f64());
            assert_eq!(status, StatusCode::OK, "{page}");
            assert!(page["events"].as_array().is_some_and(|events| !events.is_empty()), "{what}: {page}");
        }
        println!("{EVENTS} events, {what}: {quickest:.3} s");
        assert!(quickest < 1.0, "{what}: {quickest}");
    }
    shop.stop().await;
}
