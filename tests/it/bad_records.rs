//! Poison on the hub and in the catalogue: it is parked with its cause and bytes, and its neighbours go through.

use axum::http::{HeaderMap, HeaderValue, Method};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::json;

use crate::support::{Inside, eventually, python};

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
    for function in ["ProductProjection", "PartnerNotifications"] {
        let letters = shop.blobs("dead-letters", &format!("{function}/products/"));
        assert_eq!(letters.len(), usize::try_from(sent).expect("a count"), "{letters:?}");
        let garbage = letters.iter().map(|name| shop.json_blob("dead-letters", name).0).find(|letter| {
            let body = BASE64.decode(letter["bodyBase64"].as_str().expect("the bytes")).expect("base64");
            body == b"not an event at all"
        });
        let garbage = garbage.expect("the original bytes are kept");
        assert!(!garbage["cause"].as_str().expect("a cause").is_empty(), "{garbage}");
    }
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
    shop.blobs_appear("dead-letters", "ProductProjection/products/", 1).await;
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
    let names = shop.blobs_appear("dead-letters", "ProductChanges/", 1).await;
    assert_eq!(names.len(), 1, "{names:?}");
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
