//! Poison on the hub and in the catalogue: it is parked with its cause and bytes, and its neighbours go through.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use contoso_local::event_hubs::Outgoing;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use crate::support::{Inside, eventually, machine, python, readers};

/// Four kinds of poison beside good events, in every partition, from a producer that nobody here wrote.
#[tokio::test]
async fn poison_on_the_hub_is_parked_and_its_neighbours_pass() {
    let shop = Inside::start().await;
    let price =
        |amount: &str| json!({"name": "Rope", "category": "Climbing", "price": {"amount": amount, "currency": "USD"}});
    for id in ["a", "b", "c", "d", "e", "f"] {
        shop.put(id, &price("1.00")).await;
    }
    shop.comes_to_rest(6).await;
    let endpoints = serde_json::to_value(shop.stack.endpoints()).expect("JSON");
    let sent: i64 = tokio::task::spawn_blocking(move || python::run_client("poison.py", &endpoints))
        .await
        .expect("no panic")
        .trim()
        .parse::<i64>()
        .expect("how many were sent")
        + 1;
    // What no official client sends: a property whose text is not UTF-8, in a message that is otherwise well-formed.
    let broken = b"\x00\x53\x74\xc1\x07\x02\xa1\x01\xff\xa1\x01v\x00\x53\x75\xa0\x01x";
    let partition =
        shop.stack.event_hubs().hub("products").expect("the hub").partition("0").expect("it exists").clone();
    partition.append(&[Bytes::from_static(broken)]).expect("the hub does not read properties");
    for id in ["a", "b", "c", "d", "e", "f"] {
        shop.put(id, &price("2.00")).await;
    }
    shop.comes_to_rest(6 + sent + 6).await;
    for id in ["a", "b", "c", "d", "e", "f"] {
        let document = shop.document("products", id, id).await.expect("it is projected");
        assert_eq!(document["product"]["price"]["amount"], "2.00", "{document}");
    }
    for (function, _) in readers("products") {
        shop.parks(function, usize::try_from(sent).expect("a count")).await;
        let letters = shop.blobs("dead-letters", &format!("{function}/products/"));
        let garbage = letters.iter().map(|name| shop.json_blob("dead-letters", name).0).find(|letter| {
            let body = BASE64.decode(letter["bodyBase64"].as_str().expect("the bytes")).expect("base64");
            body == b"not an event at all"
        });
        let garbage = garbage.expect("the original bytes are kept");
        assert!(!garbage["cause"].as_str().expect("a cause").is_empty(), "{garbage}");
    }
    shop.stop().await;
}

/// More bad records in a captured file than are parked at a time, between good ones: each has its letter, once, and the report counts both.
#[tokio::test]
async fn a_captured_file_of_many_bad_records_is_reported() {
    const BAD: usize = 40;
    let shop = Inside::start().await;
    let rope = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
    for id in ["a", "b", "c"] {
        shop.put(id, &rope).await;
    }
    shop.comes_to_rest(3).await;
    let hub = shop.stack.event_hubs().hub("products").expect("the hub");
    let partition = hub.partition("0").expect("it exists");
    // A message of one section of data, the letter x.
    partition.append(&[const { Bytes::from_static(b"\x00\x53\x75\xa0\x01x") }; BAD]).expect("stored");
    shop.comes_to_rest(3 + i64::try_from(BAD).expect("a count")).await;
    for (function, _) in readers("products") {
        shop.parks(function, BAD).await;
    }
    shop.step(Duration::from_secs(301));
    shop.parks("CaptureBatch", BAD).await;
    let used = hub.partitions().iter().filter(|partition| !partition.state().is_empty()).count();
    let names = shop.blobs_appear("reports", "products/", used).await;
    let reports: Vec<_> = names.iter().map(|name| shop.json_blob("reports", name).0).collect();
    let sum = |member: &str| reports.iter().filter_map(|report| report[member].as_u64()).sum::<u64>();
    assert_eq!((sum("records"), sum("parked")), (BAD as u64 + 3, BAD as u64), "{reports:?}");
    assert_eq!(shop.blobs("reports", "parking/"), Vec::<String>::new());
    shop.stop().await;
}

/// Bad clicks in every partition, straight to the hub, and a flood by one visitor: what cannot be read or lies in the future is parked,
/// what is no click or far too late is skipped, and everybody else's clicks before and after them count.
#[tokio::test]
async fn bad_clicks_on_the_hub_disturb_nobody() {
    const TYPE: &str = "com.contoso.click.recorded.v1";
    let shop = Inside::start().await;
    let now = machine::now().format(&Rfc3339).expect("a text");
    let event = |kind: &str, id: &str, time: &str, body: &[u8]| {
        let pairs = [("specversion", "1.0"), ("id", id), ("source", "/hostile"), ("type", kind), ("time", time)];
        let properties = pairs.map(|(name, value)| (format!("cloudEvents:{name}"), value.to_owned())).to_vec();
        let content_type = Some("application/json".to_owned());
        Outgoing { body: body.to_vec(), properties, content_type, partition_key: None }.encode()
    };
    let click = |visitor: &str, product: &str| {
        json!({"productId": product, "category": "Climbing", "visitorId": visitor, "sessionId": null}).to_string()
    };
    let fine = click("nobody-else", "boots");
    let long = json!({"productId": "boots", "category": "c".repeat(900_000), "visitorId": null}).to_string();
    let no_event =
        Outgoing { body: b"no event".to_vec(), properties: Vec::new(), content_type: None, partition_key: None };
    // Text in text, which a reader of JSON may take for more JSON without any bound.
    let bottomless = (0..60).fold("1".to_owned(), |core, _| {
        let inner = format!("{}{core}{}", "[".repeat(125), "]".repeat(125));
        let text = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
        format!("{{\"$serde_json::private::RawValue\":\"{text}\"}}")
    });
    let mut parked = vec![no_event.encode()];
    for (id, time, body) in [
        ("broken", now.as_str(), "{broken"),
        ("deep", &now, &"[".repeat(100_000)),
        ("bottomless", &now, &bottomless),
        ("number", &now, r#"{"productId": 7}"#),
        ("product", &now, &click("nobody-else", "a/b")),
        ("visitor", &now, &click("x", "boots")),
        ("long", &now, &long),
        ("no time", "yesterday", &fine),
        ("future", "9999-12-31T23:59:59-23:00", &fine),
    ] {
        parked.push(event(TYPE, id, time, body.as_bytes()));
    }
    let skipped = [
        event("com.contoso.product.changed.v1", "other", &now, fine.as_bytes()),
        event(TYPE, "long ago", "0000-01-01T00:00:00+23:59", fine.as_bytes()),
        event(TYPE, "the epoch", "1970-01-01T00:00:00Z", fine.as_bytes()),
    ];
    let flood: Vec<_> = (0..2_000)
        .map(|number| {
            let id = number.to_string();
            event(TYPE, &id, &now, click("one-visitor", &format!("p-{number}")).as_bytes())
        })
        .collect();

    let hub = shop.stack.event_hubs().hub("clicks").expect("the hub");
    let partitions = hub.partitions().len();
    for (place, partition) in hub.partitions().iter().enumerate() {
        let visitor = format!("visitor-{place}");
        let good =
            |product: &str| event(TYPE, &format!("{place}-{product}"), &now, click(&visitor, product).as_bytes());
        partition.append(&[good("boots")]).expect("stored");
        for bad in parked.iter().chain(&skipped) {
            partition.append(std::slice::from_ref(bad)).expect("the hub does not read them");
        }
        for messages in flood.chunks(200).filter(|_| place == 0) {
            partition.append(messages).expect("stored");
        }
        partition.append(&[good("rope")]).expect("stored");
    }
    let events = partitions * (parked.len() + skipped.len() + 2) + flood.len();
    for (_, group) in readers("clicks") {
        shop.handles("clicks", group, i64::try_from(events).expect("a count")).await;
    }
    let viewed = async |visitor: &str| {
        let document =
            shop.document("visitors", visitor, visitor).await.unwrap_or_else(|| panic!("{visitor} is not known"));
        document["items"].as_array().expect("a list").len()
    };
    for place in 0..partitions {
        assert_eq!(viewed(&format!("visitor-{place}")).await, 2, "partition {place}");
    }
    assert_eq!(viewed("one-visitor").await, 20);
    assert!(shop.document("visitors", "nobody-else", "nobody-else").await.is_none());
    for (function, _) in readers("clicks") {
        shop.parks(function, partitions * parked.len()).await;
    }
    let host = shop.stack.host().expect("a host");
    assert!(host.fire_timer("TrendRollup").await.expect("a timer"), "it succeeds");
    let minute = shop.item("analytics", "minutes", &now[..10], &format!("{}Z", &now[..16])).await.expect("the minute");
    assert_eq!(minute["views"], 2 * partitions + flood.len(), "{}", minute["views"]);
    shop.stop().await;
}

/// What the site holds of one product has become unreadable: its event is parked, the others of the partition pass.
#[tokio::test]
async fn an_unreadable_projection_holds_nobody_up() {
    let shop = Inside::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_static("[\"odd\"]"));
    let body = Bytes::from(json!({"id": "odd", "product": 7}).to_string());
    let path = "/dbs/site/colls/products/docs";
    let answer = shop.stack.cosmos().execute(Method::POST, path, headers, body).await.expect("Cosmos answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    for id in ["odd", "a", "b", "c", "d"] {
        let body = json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}});
        shop.put(id, &body).await;
    }
    shop.comes_to_rest(5).await;
    for id in ["a", "b", "c", "d"] {
        assert!(shop.document("products", id, id).await.is_some(), "{id}");
    }
    shop.parks("ProductProjection", 1).await;
    shop.stop().await;
}

/// Somebody wrote a document that is no product straight into the catalogue.
#[tokio::test]
async fn a_document_that_is_no_product_is_parked() {
    let shop = Inside::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_static("[\"bad\"]"));
    let body = Bytes::from(json!({"id": "bad", "price": "cheap"}).to_string());
    let answer = shop
        .stack
        .cosmos()
        .execute(Method::POST, "/dbs/catalog/colls/products/docs", headers, body)
        .await
        .expect("Cosmos answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    shop.put("good", &json!({"name": "Rope", "category": "Climbing", "price": {"amount": "1.00", "currency": "USD"}}))
        .await;
    shop.comes_to_rest(1).await;
    shop.parks("ProductChanges", 1).await;
    let names = shop.blobs("dead-letters", "ProductChanges/");
    let (letter, _) = shop.json_blob("dead-letters", &names[0]);
    let kept = BASE64.decode(letter["bodyBase64"].as_str().expect("the bytes")).expect("base64");
    let kept: serde_json::Value = serde_json::from_slice(&kept).expect("JSON");
    assert_eq!(kept["price"], "cheap");
    eventually("the good product on the site", || async {
        shop.document("products", "good", "good").await.ok_or_else(|| "not yet".to_owned())
    })
    .await;
    shop.stop().await;
}
