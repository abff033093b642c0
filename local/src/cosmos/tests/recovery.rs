//! What a restart keeps.

use super::*;

#[tokio::test]
async fn a_restart_keeps_items_etags_and_the_place_in_the_change_feed() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let first = start(&store).await;
    let container = items(&first).await;
    for n in 0..20 {
        upsert(&container, &format!("i{n}"), &format!("p{}", n % 5), n).await;
    }
    container.delete_item("p3", "i3", None).await.unwrap();
    let batch = json!([
        { "operationType": "Upsert", "resourceBody": { "id": "i0", "pk": "p0", "n": 100 } },
        { "operationType": "Create", "resourceBody": { "id": "i20", "pk": "p0", "n": 20 } },
    ]);
    let batch_headers = [
        ("x-ms-cosmos-is-batch-request", "true"),
        ("x-ms-cosmos-batch-atomic", "true"),
        ("x-ms-documentdb-partitionkey", "[\"p0\"]"),
    ];
    let written = send(&first, Method::POST, DOCS, &batch_headers, &batch).await;
    assert_eq!(written.status(), StatusCode::OK);
    let of_batch = body(&written)[1]["eTag"].as_str().unwrap().to_owned();
    let (seen, place) = changes(&container, None).await;
    assert_eq!(seen.len(), 20);
    let held = upsert(&container, "i1", "p1", 101).await;
    let before: Vec<_> =
        send(&first, Method::GET, "/dbs/shop/colls/items/pkranges", &[], &Value::Null).await.body().to_vec();
    drop((container, first));

    // Twice, because an ETag has to outlive more than one restart.
    let second = start(&store).await;
    let passing = send(
        &second,
        Method::GET,
        &format!("{DOCS}/i2"),
        &[("x-ms-documentdb-partitionkey", "[\"p2\"]")],
        &Value::Null,
    )
    .await;
    drop(second);
    let third = start(&store).await;
    let container = items(&third).await;

    let after = send(&third, Method::GET, "/dbs/shop/colls/items/pkranges", &[], &Value::Null).await;
    let ranges = |bytes: &[u8]| {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let ranges = document["PartitionKeyRanges"].as_array().unwrap().clone();
        ranges.iter().map(|range| (range["_rid"].clone(), range["_lsn"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(ranges(after.body()), ranges(&before), "resource ids and LSNs");
    assert_eq!(number(&container, "i0", "p0").await, 100);
    assert!(container.read_item("p3", "i3", None).await.is_err());

    container.replace_item("p1", "i1", item("i1", "p1", 102), if_match(&held)).await.unwrap();
    let stale = container.replace_item("p1", "i1", item("i1", "p1", 103), if_match(&held)).await.unwrap_err();
    assert_eq!(u16::from(stale.status().status_code()), 412);
    let middle = Etag::from(header(&passing, "etag").to_owned());
    container.replace_item("p2", "i2", item("i2", "p2", 102), if_match(&middle)).await.unwrap();
    let conditional = json!([
        { "operationType": "Replace", "id": "i20", "ifMatch": of_batch, "resourceBody": { "id": "i20", "pk": "p0", "n": 21 } },
    ]);
    assert_eq!(send(&third, Method::POST, DOCS, &batch_headers, &conditional).await.status(), StatusCode::OK);
    assert_eq!(send(&third, Method::POST, DOCS, &batch_headers, &conditional).await.status(), StatusCode::MULTI_STATUS);

    let (seen, place) = changes(&container, Some(place)).await;
    assert_eq!(seen, ["i1", "i2", "i20"], "only what came after the place");
    upsert(&container, "i7", "p2", 107).await;
    drop((container, third));
    // A conditional batch repeats without its condition.
    let fourth = start(&store).await;
    let container = items(&fourth).await;
    assert_eq!(number(&container, "i20", "p0").await, 21);
    assert_eq!(changes(&container, Some(place)).await.0, ["i7"]);
}

#[tokio::test]
async fn what_a_topology_asks_is_created_once_and_contradictions_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let definition = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items/", &[], &Value::Null).await);
    assert_eq!((&definition["defaultTtl"], &definition["partitionKey"]["paths"]), (&json!(-1), &json!(["/pk"])));
    drop(cosmos);

    let restart = async |changed: Value| {
        let topology: topology::Cosmos =
            serde_json::from_value(json!({ "databases": [{ "name": "shop", "containers": [changed] }] })).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cosmos::start(&topology, &Identity::sample().await, listener, &store, &Clock::default(), &|_| {}).await
    };
    let cosmos = restart(json!({ "name": "items", "partitionKey": "/pk", "ttlSeconds": 60 })).await.unwrap();
    let changed = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    assert_eq!((&changed["defaultTtl"], &changed["_rid"]), (&json!(60), &definition["_rid"]));
    drop(cosmos);
    let error = restart(json!({ "name": "items", "partitionKey": "/other" })).await.err().unwrap().to_string();
    assert!(error.contains("shop") && error.contains("/other"), "{error}");
}

/// A container of many partitions has everything else it was defined with, and its items again after a restart.
#[tokio::test]
async fn a_container_has_as_many_partitions_as_the_topology_says() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let restart = async || {
        let container = json!({ "name": "many", "partitionKey": "/pk", "ttlSeconds": 60, "physicalPartitions": 16 });
        let topology: topology::Cosmos =
            serde_json::from_value(json!({ "databases": [{ "name": "shop", "containers": [container] }] })).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cosmos::start(&topology, &Identity::sample().await, listener, &store, &Clock::default(), &|_| {}).await.unwrap()
    };
    let seen = async |cosmos: &Cosmos| {
        let definition = body(&send(cosmos, Method::GET, "/dbs/shop/colls/many", &[], &Value::Null).await);
        let ranges = body(&send(cosmos, Method::GET, "/dbs/shop/colls/many/pkranges", &[], &Value::Null).await);
        let ranges = ranges["PartitionKeyRanges"].as_array().unwrap().iter().map(|range| range["_rid"].clone());
        (definition["_rid"].clone(), definition["defaultTtl"].clone(), ranges.collect::<Vec<_>>())
    };
    let first = restart().await;
    let before = seen(&first).await;
    assert_eq!((&before.1, before.2.len()), (&json!(60), 16));
    let docs = "/dbs/shop/colls/many/docs";
    for key in ["[\"a\"]", "[\"b\"]", "[\"c\"]"] {
        let item = item("i", key.trim_matches(['[', ']', '"']), 1);
        assert_eq!(send(&first, Method::POST, docs, &keyed(key), &item).await.status(), StatusCode::CREATED);
    }
    drop(first);
    let second = restart().await;
    assert_eq!(seen(&second).await, before);
    for key in ["[\"a\"]", "[\"b\"]", "[\"c\"]"] {
        let read = send(&second, Method::GET, &format!("{docs}/i"), &keyed(key), &Value::Null).await;
        assert_eq!(read.status(), StatusCode::OK, "{key}");
    }
}

/// What was overwritten and deleted is not loaded, and positions still go on where they stood.
#[tokio::test]
async fn a_start_loads_what_lives_and_not_what_happened() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let first = start(&store).await;
    for n in 0..200 {
        send(&first, Method::POST, DOCS, &UPSERT, &item("a", "p", n)).await;
    }
    for _ in 0..50 {
        send(&first, Method::POST, DOCS, &UPSERT, &item("gone", "p", 0)).await;
        send(&first, Method::DELETE, &format!("{DOCS}/gone"), &keyed("[\"p\"]"), &Value::Null).await;
    }
    drop(first);

    let totals = std::sync::Mutex::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let told = |replay: Replay| totals.lock().unwrap().push(replay);
    let second = Cosmos::start(&topology(), &Identity::sample().await, listener, &store, &Clock::default(), &told)
        .await
        .unwrap();
    // One database, two containers, one item.
    assert_eq!(totals.lock().unwrap().last(), Some(&Replay { done: 4, total: 4 }));
    assert_eq!(ids(&second).await, ["a"]);
    let feed = [("a-im", "Incremental feed"), keyed("[\"p\"]")[0], ("if-none-match", "\"300\"")];
    assert_eq!(send(&second, Method::GET, DOCS, &feed, &Value::Null).await.status(), StatusCode::NOT_MODIFIED);
    let written = send(&second, Method::POST, DOCS, &UPSERT, &item("a", "p", 1000)).await;
    assert_eq!(header(&written, "lsn"), "301");
    let session = header(&written, "x-ms-session-token").to_owned();
    let read = [keyed("[\"p\"]")[0], ("x-ms-session-token", session.as_str())];
    let path = format!("{DOCS}/a");
    assert_eq!(header(&send(&second, Method::GET, &path, &read, &Value::Null).await, "x-ms-item-lsn"), "301");
    drop(second);
    let third = start(&store).await;
    assert_eq!(
        send(&third, Method::GET, &path, &read, &Value::Null).await.status(),
        StatusCode::OK,
        "a session goes on"
    );
    let ahead = session.replace("301", "302");
    let read = [keyed("[\"p\"]")[0], ("x-ms-session-token", ahead.as_str())];
    let unknown = send(&third, Method::GET, &path, &read, &Value::Null).await;
    assert_eq!((unknown.status(), header(&unknown, "x-ms-substatus")), (StatusCode::NOT_FOUND, "1002"));
}

#[tokio::test]
async fn an_item_that_got_another_id_and_a_container_made_anew_come_back_right() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let first = start(&store).await;
    send(&first, Method::POST, DOCS, &UPSERT, &item("old", "p", 1)).await;
    let renamed = send(&first, Method::PUT, &format!("{DOCS}/old"), &keyed("[\"p\"]"), &item("new", "p", 2)).await;
    assert_eq!(renamed.status(), StatusCode::OK);
    let other = "/dbs/shop/colls/other/docs";
    send(&first, Method::POST, other, &keyed("[\"x\"]"), &json!({ "id": "x" })).await;
    let before = body(&send(&first, Method::GET, "/dbs/shop/colls/other", &[], &Value::Null).await);
    assert_eq!(send(&first, Method::DELETE, "/dbs/shop/colls/other", &[], &Value::Null).await.status(), 204);
    let definition = json!({ "id": "other", "partitionKey": { "paths": ["/id"], "kind": "Hash", "version": 2 } });
    send(&first, Method::POST, "/dbs/shop/colls", &[], &definition).await;
    send(&first, Method::POST, other, &keyed("[\"y\"]"), &json!({ "id": "y" })).await;
    let anew = body(&send(&first, Method::GET, "/dbs/shop/colls/other", &[], &Value::Null).await);
    assert_ne!(before["_rid"], anew["_rid"]);
    drop(first);

    let second = start(&store).await;
    assert_eq!(ids(&second).await, ["new"]);
    assert_eq!(
        body(&send(&second, Method::GET, "/dbs/shop/colls/other", &[], &Value::Null).await)["_rid"],
        anew["_rid"]
    );
    let read = async |id: &str, key: &'static str| {
        send(&second, Method::GET, &format!("{other}/{id}"), &keyed(key), &Value::Null).await.status()
    };
    assert_eq!((read("x", "[\"x\"]").await, read("y", "[\"y\"]").await), (StatusCode::NOT_FOUND, StatusCode::OK));
}
