//! What the service adds to documents: it stays what it was, whatever restarts, and nothing has it twice.

use std::time::Duration;

use super::*;

const ITEM: [&str; 4] = ["_rid", "_self", "_etag", "_ts"];

async fn read(cosmos: &Cosmos, id: &str) -> Value {
    body(&send(cosmos, Method::GET, &format!("{DOCS}/{id}"), &keyed("[\"p\"]"), &Value::Null).await)
}

fn added(document: &Value) -> Vec<Value> {
    ITEM.iter().map(|name| document[name].clone()).collect()
}

#[tokio::test]
async fn a_restart_keeps_what_the_service_added_and_where_readers_were() {
    let directory = tempfile::tempdir().unwrap();
    let (store, clock) = (storage(&directory), Clock::default());
    let first = start_at(&store, &clock).await;
    for n in 0..5 {
        send(&first, Method::POST, DOCS, &UPSERT, &item(&format!("i{n}"), "p", n)).await;
        clock.advance(Duration::from_secs(100));
    }
    let before = added(&read(&first, "i1").await);
    let written = read(&first, "i4").await["_ts"].as_i64().unwrap();
    assert!((clock.now().unix_timestamp() - 100 - written).abs() <= 1, "the stack's clock, stepped as it is");
    let container = body(&send(&first, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    let page = [("x-ms-max-item-count", "2"), keyed("[\"p\"]")[0]];
    let page = send(&first, Method::GET, DOCS, &page, &Value::Null).await;
    let continuation = header(&page, "x-ms-continuation").to_owned();
    let since =
        (clock.now() - time::Duration::seconds(250)).format(&time::format_description::well_known::Rfc2822).unwrap();
    drop(first);

    // Started later, by a clock that went on by itself.
    clock.advance(Duration::from_secs(5000));
    let second = start_at(&store, &clock).await;
    assert_eq!(added(&read(&second, "i1").await), before);
    let again = body(&send(&second, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    assert_eq!(added(&again), added(&container));
    let rest = [("x-ms-continuation", continuation.as_str()), keyed("[\"p\"]")[0]];
    let rest = body(&send(&second, Method::GET, DOCS, &rest, &Value::Null).await);
    assert_eq!(rest["_count"], 3);
    let feed = [("a-im", "Incremental feed"), ("if-modified-since", since.as_str())];
    let feed = body(&send(&second, Method::GET, DOCS, &feed, &Value::Null).await);
    let found: Vec<&str> = feed["Documents"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(found, ["i3", "i4"], "by when they were written, not when they were loaded");
}

#[tokio::test]
async fn a_resource_id_is_never_given_again_and_leads_to_its_item() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let mut cosmos = start(&store).await;
    let mut seen = std::collections::HashSet::new();
    for n in 0..6 {
        let made = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", n)).await);
        assert!(seen.insert(made["_rid"].as_str().unwrap().to_owned()), "{made}");
        let upserted = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", n)).await);
        assert_eq!(upserted["_rid"], made["_rid"]);
        let link = format!("/{}", made["_self"].as_str().unwrap());
        let read = send(&cosmos, Method::GET, &link, &keyed("[\"p\"]"), &Value::Null).await;
        assert_eq!(body(&read)["_rid"], made["_rid"]);
        let other = send(&cosmos, Method::GET, &link, &keyed("[\"q\"]"), &Value::Null).await;
        assert_eq!(other.status(), StatusCode::NOT_FOUND);
        let replaced = send(&cosmos, Method::PUT, &link, &keyed("[\"p\"]"), &item("a", "p", 10)).await;
        assert_eq!(body(&replaced)["n"], 10);
        let patch = json!([{ "op": "incr", "path": "/n", "value": 1 }]);
        assert_eq!(body(&send(&cosmos, Method::PATCH, &link, &keyed("[\"p\"]"), &patch).await)["n"], 11);
        let deleted = send(&cosmos, Method::DELETE, &link, &keyed("[\"p\"]"), &Value::Null).await;
        assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
        if n % 2 == 1 {
            drop(cosmos);
            cosmos = start(&store).await;
        }
    }
    let mut databases = std::collections::HashSet::new();
    for _ in 0..3 {
        let made = body(&send(&cosmos, Method::POST, "/dbs", &[], &json!({ "id": "d" })).await);
        assert!(databases.insert(made["_rid"].as_str().unwrap().to_owned()));
        assert_eq!(send(&cosmos, Method::DELETE, "/dbs/d", &[], &Value::Null).await.status(), StatusCode::NO_CONTENT);
        drop(cosmos);
        cosmos = start(&store).await;
    }
}

#[tokio::test]
async fn an_item_that_gets_another_id_keeps_its_resource_id() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let mut cosmos = start(&store).await;
    let made = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("old", "p", 1)).await);
    let feed = async |cosmos: &Cosmos| {
        let page = cosmos.change_feed("shop", "items", "0", None, 10).await.unwrap();
        let id = |item: &String| serde_json::from_str::<Value>(item).unwrap()["id"].as_str().unwrap().to_owned();
        page.items.iter().map(id).collect::<Vec<String>>()
    };
    let renamed = send(&cosmos, Method::PUT, &format!("{DOCS}/old"), &keyed("[\"p\"]"), &item("new", "p", 2)).await;
    assert_eq!((renamed.status(), &body(&renamed)["_rid"]), (StatusCode::OK, &made["_rid"]));
    let other = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("old", "p", 3)).await);
    assert_ne!(other["_rid"], made["_rid"], "an item made later under the id that is free now is another one");
    send(&cosmos, Method::DELETE, &format!("{DOCS}/old"), &keyed("[\"p\"]"), &Value::Null).await;
    for is_restarted in [false, true] {
        if is_restarted {
            drop(cosmos);
            cosmos = start(&store).await;
        }
        assert_eq!(added(&read(&cosmos, "new").await), added(&body(&renamed)));
        let gone = send(&cosmos, Method::GET, &format!("{DOCS}/old"), &keyed("[\"p\"]"), &Value::Null).await;
        assert_eq!(gone.status(), StatusCode::NOT_FOUND);
        let link = format!("/{}", made["_self"].as_str().unwrap());
        let by_link = send(&cosmos, Method::GET, &link, &keyed("[\"p\"]"), &Value::Null).await;
        assert_eq!(body(&by_link)["id"], "new");
        assert_eq!(feed(&cosmos).await, ["new"], "the old id shows no more");
    }
}

/// Rows and definitions as versions before this data plane wrote them: no resource ids, four ranges, the body as it was sent.
#[tokio::test]
async fn the_data_directory_of_an_earlier_version_opens() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let framed = |head: Value, body: &[u8]| {
        let head = head.to_string().into_bytes();
        [&u32::try_from(head.len()).unwrap().to_be_bytes(), head.as_slice(), body].concat()
    };
    let container = json!({ "id": "items", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
    let (definitions, items) = (store.keyspace("cosmos-definitions").unwrap(), store.keyspace("cosmos-items").unwrap());
    let mut batch = store.batch();
    let definition = |path: &str, rid: Value| json!({ "method": "POST", "path": path, "headers": {}, "rid": rid });
    for (number, head, body) in [
        (0u64, definition("dbs", Value::Null), json!({ "id": "shop" })),
        (1, definition("dbs/shop/colls", json!("AAAAAYAAAAE=")), container),
    ] {
        batch.insert(&definitions, number.to_be_bytes(), framed(head, body.to_string().as_bytes()));
    }
    for (lsn, id, body) in [
        (3u64, "a", json!({ "id": "a", "pk": "p", "n": 1.0 }).to_string().into_bytes()),
        (7, "b", azure_data_cosmos_driver::binary_json::to_vec(&json!({ "id": "b", "pk": "p", "n": 2 })).unwrap()),
    ] {
        let head = json!({ "partition_key": "[\"p\"]", "id": id, "at_millis": 1_700_000_000_500_i64, "etag": format!("\"{id}\"") });
        // Where the hash of "p" is among four ranges.
        let key = [format!("AAAAAYAAAAE=/{RANGE_OF_P}/").as_bytes(), &lsn.to_be_bytes(), &[0, 0]].concat();
        batch.insert(&items, key, framed(head, &body));
    }
    let lsns = store.keyspace("cosmos-lsns").unwrap();
    batch.insert(&lsns, format!("AAAAAYAAAAE=/{RANGE_OF_P}"), 9u64.to_be_bytes());
    batch.commit().unwrap();

    let first = start(&store).await;
    assert_eq!(first.feed_ranges("shop", "items").await.unwrap().len(), 4);
    let (a, b) = (read(&first, "a").await, read(&first, "b").await);
    assert_eq!((&a["n"], &a["_etag"], &a["_ts"]), (&json!(1), &json!("\"a\""), &json!(1_700_000_000)));
    assert_eq!((&b["n"], &b["_etag"]), (&json!(2), &json!("\"b\"")));
    let written = send(&first, Method::POST, DOCS, &UPSERT, &item("c", "p", 3)).await;
    assert_eq!(header(&written, "lsn"), "10");
    let (a, c) = (added(&a), body(&written));
    drop(first);
    let second = start(&store).await;
    assert_eq!(added(&read(&second, "a").await), a);
    assert_eq!(added(&read(&second, "c").await), added(&c));
    let numbers = [&a[0], &b["_rid"], &c["_rid"]].map(|rid| rid.as_str().unwrap().to_owned());
    assert_eq!(numbers, ["AAAAAYAAAAEBAAAAAAAAAA==", "AAAAAYAAAAECAAAAAAAAAA==", "AAAAAYAAAAEDAAAAAAAAAA=="]);
}

/// The hash of `p` begins with `1D`.
const RANGE_OF_P: &str = "1";
