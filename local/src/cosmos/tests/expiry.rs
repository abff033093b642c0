//! Time to live, on the stack's clock.

use std::time::Duration;

use super::*;

/// An item of the partition `p` with its own time to live.
fn mortal(id: &str, ttl: Value) -> Value {
    json!({ "id": id, "pk": "p", "n": 0, "ttl": ttl })
}

async fn put(cosmos: &Cosmos, document: &Value) -> StatusCode {
    send(cosmos, Method::POST, DOCS, &UPSERT, document).await.status()
}

#[tokio::test]
async fn what_has_expired_is_gone_from_reads_queries_and_feeds_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let cosmos = start_at(&storage(&directory), &clock).await;
    put(&cosmos, &mortal("a", json!(60))).await;
    put(&cosmos, &mortal("b", json!(120))).await;
    // The container's default is -1: what states nothing stays.
    put(&cosmos, &item("c", "p", 1)).await;
    put(&cosmos, &mortal("d", json!(-1))).await;
    let read = async |id: &str| {
        send(&cosmos, Method::GET, &format!("{DOCS}/{id}"), &keyed("[\"p\"]"), &Value::Null).await.status()
    };
    assert_eq!(read("a").await, StatusCode::OK);
    clock.advance(Duration::from_secs(60));
    assert_eq!(read("a").await, StatusCode::NOT_FOUND);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ids(&cosmos).await, ["c", "d"]);
    let feed = [("a-im", "Incremental feed"), keyed("[\"p\"]")[0]];
    let feed = send(&cosmos, Method::GET, DOCS, &feed, &Value::Null).await;
    assert_eq!((&body(&feed)["_count"], header(&feed, "lsn")), (&json!(2), "6"), "two deletes count");

    // A write is another life, and what has expired stands in nobody's way.
    put(&cosmos, &mortal("a", json!(60))).await;
    clock.advance(Duration::from_secs(59));
    put(&cosmos, &mortal("a", json!(60))).await;
    clock.advance(Duration::from_secs(59));
    assert_eq!(read("a").await, StatusCode::OK);
    clock.advance(Duration::from_secs(1));
    let created = send(&cosmos, Method::POST, DOCS, &keyed("[\"p\"]"), &item("a", "p", 1)).await;
    assert_eq!(created.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn the_default_of_the_container_counts_and_turns_all_of_it_off() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let cosmos = start_at(&storage(&directory), &clock).await;
    let path = "/dbs/shop/colls/items";
    let set_default = async |ttl: Value| {
        let mut definition = body(&send(&cosmos, Method::GET, path, &[], &Value::Null).await);
        match ttl {
            Value::Null => drop(definition.as_object_mut().unwrap().remove("defaultTtl")),
            ttl => definition["defaultTtl"] = ttl,
        }
        send(&cosmos, Method::PUT, path, &[], &definition).await.status()
    };
    put(&cosmos, &item("plain", "p", 1)).await;
    put(&cosmos, &mortal("short", json!(10))).await;
    put(&cosmos, &mortal("long", json!(10_000))).await;
    assert_eq!(set_default(Value::Null).await, StatusCode::OK);
    clock.advance(Duration::from_secs(100));
    assert_eq!(ids(&cosmos).await, ["long", "plain", "short"], "off");
    assert_eq!(set_default(json!(50)).await, StatusCode::OK);
    assert_eq!(ids(&cosmos).await, ["long"]);
    for wrong in [json!(0), json!(-5)] {
        assert_eq!(set_default(wrong.clone()).await, StatusCode::BAD_REQUEST);
        assert_eq!(put(&cosmos, &mortal("x", wrong)).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_expired_while_the_stack_was_away_is_gone_and_the_sweeper_needs_no_request() {
    let directory = tempfile::tempdir().unwrap();
    let (store, clock) = (storage(&directory), Clock::default());
    let first = start_at(&store, &clock).await;
    put(&first, &mortal("a", json!(60))).await;
    put(&first, &mortal("b", json!(600))).await;
    drop(first);
    clock.advance(Duration::from_secs(61));
    let second = start_at(&store, &clock).await;
    assert_eq!(ids(&second).await, ["b"]);
    let mut grown = second.grown("shop", "items");
    grown.mark_unchanged();
    clock.advance(Duration::from_secs(600));
    tokio::time::timeout(Duration::from_secs(10), grown.changed()).await.expect("the sweeper deletes").unwrap();
    drop(second);
    let third = start_at(&store, &Clock::default()).await;
    assert_eq!(ids(&third).await, Vec::<String>::new(), "deleted, whatever the clock says now");
}
