//! Indexing policies and computed properties, and the bounds of what is made.

use super::*;

const POLICED: &str = "/dbs/shop/colls/policed";

async fn define(cosmos: &Cosmos, method: Method, more: Value) -> Response<Bytes> {
    let mut definition = json!({ "id": "policed", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = if method == Method::POST { "/dbs/shop/colls" } else { POLICED };
    send(cosmos, method, path, &[], &definition).await
}

/// The rows that a query of the partition `p` finds, or the sentence with which it is refused.
async fn rows(cosmos: &Cosmos, query: &str) -> Result<Vec<Value>, String> {
    let headers = [keyed("[\"p\"]")[0], ("x-ms-documentdb-isquery", "true")];
    let found = send(cosmos, Method::POST, &format!("{POLICED}/docs"), &headers, &json!({ "query": query })).await;
    match found.status() {
        StatusCode::OK => Ok(body(&found)["Documents"].as_array().unwrap().clone()),
        status => {
            assert_eq!(status, StatusCode::BAD_REQUEST);
            Err(body(&found)["message"].as_str().unwrap().to_owned())
        }
    }
}

#[tokio::test]
async fn a_query_is_sorted_by_indexes_alone_and_the_policy_reads_back_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let mut cosmos = start(&store).await;
    let refused =
        define(&cosmos, Method::POST, json!({ "indexingPolicy": { "includedPaths": [{ "path": "/a/?" }] } })).await;
    let message = body(&refused)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Message: {\"Errors\":[\"The special mandatory indexing path"), "{message}");
    let stated = json!({ "includedPaths": [{ "path": "/a/?" }], "excludedPaths": [{ "path": "/*" }],
        "compositeIndexes": [[{ "path": "/a" }, { "path": "/b", "order": "descending" }]] });
    let made = body(&define(&cosmos, Method::POST, json!({ "indexingPolicy": stated })).await);
    let policy = &made["indexingPolicy"];
    assert_eq!((&policy["indexingMode"], &policy["automatic"]), (&json!("consistent"), &json!(true)));
    assert_eq!(policy["excludedPaths"], json!([{ "path": "/*" }, { "path": "/\"_etag\"/?" }]));
    for is_restarted in [false, true] {
        if is_restarted {
            drop(cosmos);
            cosmos = start(&store).await;
        }
        for query in ["c.a DESC", "c.id", "c._ts", "c.a DESC, c.b"] {
            assert_eq!(rows(&cosmos, &format!("SELECT * FROM c ORDER BY {query}")).await, Ok(vec![]), "{query}");
        }
        let excluded = rows(&cosmos, "SELECT * FROM c ORDER BY c.b").await.unwrap_err();
        let sentence =
            "Message: {\"Errors\":[\"The index path corresponding to the specified order-by item is excluded.\"]}";
        assert!(excluded.starts_with(sentence), "{excluded}");
        let several = rows(&cosmos, "SELECT * FROM c ORDER BY c.a, c.b").await.unwrap_err();
        assert!(several.contains("does not have a corresponding composite index"), "{several}");
    }
    assert_eq!(define(&cosmos, Method::PUT, json!({})).await.status(), StatusCode::OK);
    assert_eq!(rows(&cosmos, "SELECT * FROM c ORDER BY c.b").await, Ok(vec![]));
}

#[tokio::test]
async fn a_topology_that_says_what_is_indexed_is_held_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let restart = async |more: Value| {
        let mut container = json!({ "name": "policed", "partitionKey": "/pk" });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let topology: topology::Cosmos =
            serde_json::from_value(json!({ "databases": [{ "name": "shop", "containers": [container] }] })).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cosmos::start(&topology, &Identity::sample().await, listener, &store, &Clock::default(), &|_| {}).await.unwrap()
    };
    for (more, is_served) in
        [(json!({}), true), (json!({ "indexedPaths": ["/a/?"] }), false), (json!({ "indexedPaths": ["/b/?"] }), true)]
    {
        let cosmos = restart(more).await;
        assert_eq!(rows(&cosmos, "SELECT * FROM c ORDER BY c.b").await.is_ok(), is_served);
    }
}

#[tokio::test]
async fn computed_properties_are_seen_by_queries_and_by_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let mut cosmos = start(&store).await;
    let computed = |query: &str| json!([{ "name": "low", "query": query }, { "name": "n", "query": "SELECT VALUE c.n * 2 FROM c" }]);
    let policy = json!({ "includedPaths": [{ "path": "/*" }, { "path": "/low/?" }] });
    for wrong in
        ["SELECT VALUE GetCurrentTicks() FROM c", "SELECT c.t FROM c", "SELECT VALUE LOWER(c.t) FROM c WHERE true", ""]
    {
        let refused = define(&cosmos, Method::POST, json!({ "computedProperties": computed(wrong) })).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let right = computed("SELECT VALUE LOWER(c.t) FROM c");
    let made = define(&cosmos, Method::POST, json!({ "computedProperties": right, "indexingPolicy": policy })).await;
    assert_eq!((made.status(), &body(&made)["computedProperties"]), (StatusCode::CREATED, &right));
    for (id, text, n) in [("a", "ABC", 1), ("b", "abc", 2), ("c", "AA", 3)] {
        let document = json!({ "id": id, "pk": "p", "t": text, "n": n });
        send(&cosmos, Method::POST, &format!("{POLICED}/docs"), &keyed("[\"p\"]"), &document).await;
    }
    for is_restarted in [false, true] {
        if is_restarted {
            drop(cosmos);
            cosmos = start(&store).await;
        }
        for (query, expected) in [
            (
                "SELECT c.low, c.n FROM c WHERE c.low = 'abc'",
                json!([{ "low": "abc", "n": 2 }, { "low": "abc", "n": 4 }]),
            ),
            ("SELECT VALUE c.id FROM c ORDER BY c.low", json!(["c", "a", "b"])),
            (
                "SELECT c.low, COUNT(1) AS many FROM c GROUP BY c.low",
                json!([{ "low": "aa", "many": 1 }, { "low": "abc", "many": 2 }]),
            ),
        ] {
            assert_eq!(rows(&cosmos, query).await.map(Value::from), Ok(expected), "{query}");
        }
        // As itself, within a row, and in the form in which clients ask ranges for what they merge.
        let ordered =
            "SELECT c._rid, [{\"item\": c.low}] AS orderByItems, c AS payload FROM c WHERE c.id = 'a' ORDER BY c.low";
        let whole = rows(&cosmos, "SELECT * FROM c WHERE c.id = 'a'").await.unwrap().remove(0);
        assert_eq!((&whole["n"], whole.get("low")), (&json!(1), None));
        assert_eq!(rows(&cosmos, "SELECT c AS d FROM c WHERE c.n = 2").await.unwrap(), [json!({ "d": whole })]);
        let sent = rows(&cosmos, ordered).await.unwrap().remove(0);
        assert_eq!((&sent["payload"], &sent["orderByItems"][0]["item"]), (&whole, &json!("abc")));
        let excluded = rows(&cosmos, "SELECT * FROM c ORDER BY c.n").await.unwrap_err();
        assert!(excluded.contains("order-by item is excluded"), "no wildcard of the root has it: {excluded}");
    }
    assert_eq!(define(&cosmos, Method::PUT, json!({})).await.status(), StatusCode::OK);
    assert_eq!(rows(&cosmos, "SELECT c.low, c.n FROM c WHERE c.id = 'a'").await, Ok(vec![json!({ "n": 1 })]));
}

#[tokio::test]
async fn names_keys_and_queries_are_no_longer_than_the_service_takes_them() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    for (length, status) in [(255, StatusCode::CREATED), (256, StatusCode::BAD_REQUEST)] {
        let name = "n".repeat(length);
        assert_eq!(send(&cosmos, Method::POST, "/dbs", &[], &json!({ "id": name })).await.status(), status);
        let container = json!({ "id": name, "partitionKey": { "paths": ["/pk"] } });
        assert_eq!(send(&cosmos, Method::POST, "/dbs/shop/colls", &[], &container).await.status(), status);
    }
    for (length, status) in [(2048, StatusCode::CREATED), (2049, StatusCode::BAD_REQUEST)] {
        let key = "k".repeat(length);
        let header = json!([key]).to_string();
        let headers = [("x-ms-documentdb-partitionkey", header.as_str())];
        assert_eq!(send(&cosmos, Method::POST, DOCS, &headers, &item("a", &key, 1)).await.status(), status);
    }
    let headers = [keyed("[\"p\"]")[0], ("x-ms-documentdb-isquery", "true")];
    for (length, status) in [(512 << 10, StatusCode::OK), ((512 << 10) + 1, StatusCode::BAD_REQUEST)] {
        let text = "SELECT * FROM c";
        let query = format!("{text}{}", " ".repeat(length - text.len()));
        let answer = send(&cosmos, Method::POST, DOCS, &headers, &json!({ "query": query })).await;
        assert_eq!(answer.status(), status);
    }
}
