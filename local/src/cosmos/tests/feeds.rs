//! The change feed: positions, scopes, and what a poll costs.

use super::*;

#[tokio::test]
async fn an_idle_feed_tells_its_lag() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let mut grown = cosmos.grown("shop", "items");
    let container = items(&cosmos).await;
    upsert(&container, "a", "p", 1).await;
    upsert(&container, "b", "p", 2).await;
    assert!(*grown.borrow_and_update() == 2);

    // All items of one partition key are in one range.
    let mut pages = Vec::new();
    for range in cosmos.feed_ranges("shop", "items").await.unwrap() {
        let page = cosmos.change_feed("shop", "items", &range.id, None, 1).await.unwrap();
        pages.push((range, page));
    }
    assert_eq!(pages.len(), 1, "a small container is one range");
    let (range, page) = pages.into_iter().find(|(_, page)| !page.items.is_empty()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&page.items[0]).unwrap()["id"], "a");
    assert_eq!((page.continuation.as_str(), page.lsn), ("\"1\"", 2));

    let poll = async |continuation: &str| {
        let headers = [
            ("a-im", "Incremental feed"),
            ("x-ms-documentdb-partitionkeyrangeid", range.id.as_str()),
            ("if-none-match", continuation),
        ];
        send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await
    };
    let behind = poll("\"1\"").await;
    assert_eq!((behind.status(), header(&behind, "lsn"), header(&behind, "etag")), (StatusCode::OK, "2", "\"2\""));
    assert_eq!(body(&behind)["Documents"][0]["_lsn"], 2);
    let idle = poll("\"2\"").await;
    assert_eq!((idle.status(), header(&idle, "lsn"), header(&idle, "etag")), (StatusCode::NOT_MODIFIED, "2", "\"2\""));
    let key = [("x-ms-documentdb-partitionkey", "[\"p\"]")];
    let read = send(&cosmos, Method::GET, &format!("{DOCS}/b"), &key, &Value::Null).await;
    assert_eq!(header(&idle, "x-ms-session-token"), header(&read, "x-ms-session-token"));

    // A deletion moves the place without showing anything; an overwritten item shows once.
    container.delete_item("p", "a", None).await.unwrap();
    assert_eq!(header(&poll("\"2\"").await, "etag"), "\"3\"");
    upsert(&container, "b", "p", 3).await;
    let whole = cosmos.change_feed("shop", "items", &range.id, None, 10).await.unwrap();
    assert_eq!((whole.items.len(), whole.continuation.as_str()), (1, "\"4\""));
    assert_eq!(poll("\"5\"").await.status(), StatusCode::BAD_REQUEST, "ahead of the data");
}

#[tokio::test]
async fn feeds_of_other_scopes_share_positions_and_what_is_unsupported_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let container = items(&cosmos).await;
    for n in 0..3 {
        upsert(&container, &format!("i{n}"), "p", n).await;
    }
    let feed = async |headers: &[(&'static str, &str)]| {
        let mut all = vec![("a-im", "Incremental feed")];
        all.extend_from_slice(headers);
        send(&cosmos, Method::GET, DOCS, &all, &Value::Null).await
    };
    let key = ("x-ms-documentdb-partitionkey", "[\"p\"]");
    let of_key = feed(&[key, ("if-none-match", "\"2\"")]).await;
    assert_eq!(body(&of_key)["Documents"][0]["id"], "i2");
    assert_eq!(feed(&[key, ("if-none-match", header(&of_key, "etag"))]).await.status(), StatusCode::NOT_MODIFIED);

    let refused = async |headers: &[(&'static str, &str)], named: &str| {
        let response = feed(headers).await;
        let error = body(&response);
        assert_eq!((response.status(), &error["code"]), (StatusCode::BAD_REQUEST, &json!("BadRequest")));
        assert!(error["message"].as_str().unwrap().contains(named), "{error}");
        assert!(response.headers().contains_key("x-ms-activity-id"));
    };
    let wide = json!({ "id": "wide", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
    let throughput = [("x-ms-offer-throughput", "40000")];
    send(&cosmos, Method::POST, "/dbs/shop/colls", &throughput, &wide).await;
    let all = [("a-im", "Incremental feed"), ("if-none-match", "\"2\"")];
    let unscoped = send(&cosmos, Method::GET, "/dbs/shop/colls/wide/docs", &all, &Value::Null).await;
    assert!(body(&unscoped)["message"].as_str().unwrap().contains("needs a scope"), "{unscoped:?}");
    refused(&[key, ("if-none-match", "nonsense")], "continuation").await;
    let everything = [("a-im", "Full-Fidelity Feed"), key];
    let response = send(&cosmos, Method::GET, DOCS, &everything, &Value::Null).await;
    assert!(body(&response)["message"].as_str().unwrap().contains("AllVersionsAndDeletes"));
    let unkeyed = send(&cosmos, Method::POST, DOCS, &[], &item("x", "p", 0)).await;
    assert_eq!(unkeyed.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_point_in_time_starts_a_feed_at_the_writes_since() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let cosmos = start_at(&storage(&directory), &clock).await;
    let key = keyed("[\"p\"]");
    send(&cosmos, Method::POST, DOCS, &key, &item("early", "p", 1)).await;
    clock.advance(std::time::Duration::from_secs(3600));
    let written = send(&cosmos, Method::POST, DOCS, &key, &item("late", "p", 2)).await;
    let since =
        (clock.now() - time::Duration::minutes(1)).format(&time::format_description::well_known::Rfc2822).unwrap();
    for scope in
        [key[0], ("x-ms-documentdb-partitionkeyrangeid", header(&written, "x-ms-documentdb-partitionkeyrangeid"))]
    {
        let headers = [("a-im", "Incremental feed"), scope, ("if-modified-since", since.as_str())];
        let feed = body(&send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await);
        assert_eq!((&feed["_count"], &feed["Documents"][0]["id"]), (&json!(1), &json!("late")));
    }
}

#[tokio::test]
async fn a_part_of_a_range_is_read_by_the_hashes_of_its_keys() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let mut expected = Vec::new();
    for n in 0..40 {
        let key = format!("[\"k{n}\"]");
        let written = send(
            &cosmos,
            Method::POST,
            DOCS,
            &[("x-ms-documentdb-partitionkey", &key)],
            &item("i", &format!("k{n}"), n),
        )
        .await;
        if header(&written, "x-ms-documentdb-partitionkeyrangeid") == "0" {
            expected.push(format!("k{n}"));
        }
    }
    let range = cosmos.feed_ranges("shop", "items").await.unwrap().remove(0);
    let middle = "08000000000000000000000000000000";
    assert!(range.min.as_str() < middle && middle < range.max.as_str(), "{range:?}");
    let read = async |min: &str, max: &str| {
        let headers = [
            ("a-im", "Incremental feed"),
            ("x-ms-documentdb-partitionkeyrangeid", "0"),
            ("x-ms-read-key-type", "EffectivePartitionKeyRange"),
            ("x-ms-start-epk", min),
            ("x-ms-end-epk", max),
        ];
        let response = send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await;
        match response.status() {
            StatusCode::OK => body(&response)["Documents"]
                .as_array()
                .unwrap()
                .iter()
                .map(|document| document["pk"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>(),
            _ => Vec::new(),
        }
    };
    let mut parts = read(&range.min, middle).await;
    let rest = read(middle, &range.max).await;
    assert!(!parts.is_empty() && !rest.is_empty() && parts.iter().all(|key| !rest.contains(key)));
    parts.extend(rest);
    parts.sort();
    expected.sort();
    assert_eq!(parts, expected);
}
