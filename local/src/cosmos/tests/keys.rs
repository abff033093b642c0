//! Partition keys, unique keys, batches and pages.

use super::*;

async fn create(cosmos: &Cosmos, definition: Value) {
    let made = send(cosmos, Method::POST, "/dbs/shop/colls", &[], &definition).await;
    assert_eq!(made.status(), StatusCode::CREATED, "{made:?}");
}

fn refused(response: &Response<Bytes>) -> (u16, Option<&str>) {
    let substatus = response.headers().get("x-ms-substatus").map(|value| value.to_str().unwrap());
    (response.status().as_u16(), substatus)
}

#[tokio::test]
async fn a_partition_key_that_is_not_the_documents_is_told_so_that_clients_look_again() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let wrong = send(&cosmos, Method::POST, DOCS, &keyed("[\"other\"]"), &item("a", "p", 1)).await;
    assert_eq!(refused(&wrong), (400, Some("1001")));
    let two = send(&cosmos, Method::GET, &format!("{DOCS}/a"), &keyed("[\"p\",\"q\"]"), &Value::Null).await;
    assert_eq!(refused(&two), (400, Some("1001")));
    // Made anew with another path: the client that does not know it states what it read of the document.
    assert_eq!(send(&cosmos, Method::DELETE, "/dbs/shop/colls/items", &[], &Value::Null).await.status(), 204);
    create(&cosmos, json!({ "id": "items", "partitionKey": { "paths": ["/other"], "kind": "Hash", "version": 2 } }))
        .await;
    let stale = send(&cosmos, Method::POST, DOCS, &keyed("[\"p\"]"), &item("a", "p", 1)).await;
    assert_eq!(refused(&stale), (400, Some("1001")));
    let none = send(&cosmos, Method::POST, DOCS, &keyed("[{}]"), &item("a", "p", 1)).await;
    assert_eq!(none.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_prefix_of_a_hierarchical_key_reads_what_begins_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let paths = ["/tenant", "/user", "/day"];
    create(&cosmos, json!({ "id": "deep", "partitionKey": { "paths": paths, "kind": "MultiHash", "version": 2 } }))
        .await;
    let docs = "/dbs/shop/colls/deep/docs";
    for (tenant, user) in [("t", "u"), ("t", "v"), ("s", "u")] {
        for day in 0..2 {
            let document = json!({ "id": "i", "tenant": tenant, "user": user, "day": day });
            let key = json!([tenant, user, day]).to_string();
            let headers = [("x-ms-documentdb-partitionkey", key.as_str())];
            assert_eq!(send(&cosmos, Method::POST, docs, &headers, &document).await.status(), 201);
        }
    }
    let count = async |key: &'static str, more: &[(&'static str, &str)]| {
        let headers: Vec<_> = keyed(key).into_iter().chain(more.iter().copied()).collect();
        body(&send(&cosmos, Method::GET, docs, &headers, &Value::Null).await)["_count"].clone()
    };
    let feed = [("a-im", "Incremental feed")];
    for (key, expected) in [("[]", 6), ("[\"t\"]", 4), ("[\"t\",\"u\"]", 2), ("[\"t\",\"u\",1]", 1), ("[\"x\"]", 0)] {
        assert_eq!(count(key, &[]).await, expected, "{key}");
        if expected > 0 {
            assert_eq!(count(key, &feed).await, expected, "change feed of {key}");
        }
    }
}

#[tokio::test]
async fn unique_keys_hold_in_a_partition_and_move_inside_a_batch() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let unique = json!({ "uniqueKeys": [{ "paths": ["/email", "/n"] }] });
    let key = json!({ "paths": ["/pk"], "kind": "Hash", "version": 2 });
    create(&cosmos, json!({ "id": "people", "partitionKey": key, "uniqueKeyPolicy": unique })).await;
    let docs = "/dbs/shop/colls/people/docs";
    let person = |id: &str, pk: &str, email: &str| json!({ "id": id, "pk": pk, "email": email, "n": 1 });
    let post = async |cosmos: &Cosmos, key: &'static str, person: Value| {
        send(cosmos, Method::POST, docs, &keyed(key), &person).await
    };
    assert_eq!(post(&cosmos, "[\"p\"]", person("a", "p", "x")).await.status(), 201);
    assert_eq!(post(&cosmos, "[\"p\"]", person("b", "p", "x")).await.status(), 409);
    assert_eq!(post(&cosmos, "[\"q\"]", person("b", "q", "x")).await.status(), 201);
    assert_eq!(post(&cosmos, "[\"p\"]", person("c", "p", "y")).await.status(), 201);
    let batch = [keyed("[\"p\"]")[0], ("x-ms-cosmos-is-batch-request", "true"), ("x-ms-cosmos-batch-atomic", "true")];
    let replace =
        |id: &str, email: &str| json!({ "operationType": "Replace", "id": id, "resourceBody": person(id, "p", email) });
    let swap = json!([replace("a", "z"), replace("c", "x"), replace("a", "y")]);
    let swapped = send(&cosmos, Method::POST, docs, &batch, &swap).await;
    assert_eq!(swapped.status(), StatusCode::OK, "{swapped:?}");
    drop(cosmos);
    let again = start(&store).await;
    for (email, taken) in [("x", 409), ("y", 409), ("z", 201)] {
        assert_eq!(post(&again, "[\"p\"]", person("d", "p", email)).await.status(), taken, "{email}");
    }
}

#[tokio::test]
async fn a_batch_is_one_write_and_its_failure_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let headers = [keyed("[\"p\"]")[0], ("x-ms-cosmos-is-batch-request", "true"), ("x-ms-cosmos-batch-atomic", "true")];
    let create = |id: &str| json!({ "operationType": "Create", "resourceBody": item(id, "p", 1) });
    let made = send(&cosmos, Method::POST, DOCS, &headers, &json!([create("a"), create("b"), create("c")])).await;
    assert_eq!((made.status(), header(&made, "lsn")), (StatusCode::OK, "1"));
    let removal = json!({ "operationType": "Patch", "id": "a", "resourceBody": { "operations": [{ "op": "remove", "path": "/none" }] } });
    let failed = send(&cosmos, Method::POST, DOCS, &headers, &json!([create("d"), removal])).await;
    let codes: Vec<_> = body(&failed).as_array().unwrap().iter().map(|it| it["statusCode"].clone()).collect();
    assert_eq!((failed.status(), codes), (StatusCode::MULTI_STATUS, vec![json!(424), json!(400)]));
    assert_eq!(header(&failed, "lsn"), "1");
    assert_eq!(ids(&cosmos).await, ["a", "b", "c"]);
    let large =
        json!([{ "operationType": "Create", "resourceBody": { "id": "l", "pk": "p", "x": "x".repeat(2 << 20) } }]);
    assert_eq!(send(&cosmos, Method::POST, DOCS, &headers, &large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let large = json!({ "id": "l", "pk": "p", "x": "x".repeat(2 << 20) });
    assert_eq!(send(&cosmos, Method::POST, DOCS, &UPSERT, &large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Whoever deletes what a page returned, and reads on, sees everything.
#[tokio::test]
async fn deletions_while_paging_hide_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    for query in [
        None,
        Some("SELECT * FROM c"),
        Some("SELECT * FROM c ORDER BY c.n"),
        Some("SELECT VALUE c FROM c WHERE c.n >= 0"),
    ] {
        for n in 0..40 {
            send(&cosmos, Method::POST, DOCS, &UPSERT, &item(&n.to_string(), "p", n)).await;
        }
        let (mut seen, mut continuation) = (0, None::<String>);
        loop {
            let mut headers = vec![keyed("[\"p\"]")[0], ("x-ms-max-item-count", "10")];
            headers.extend(continuation.as_deref().map(|token| ("x-ms-continuation", token)));
            let page = match query {
                None => send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await,
                Some(query) => {
                    headers.push(("x-ms-documentdb-isquery", "true"));
                    send(&cosmos, Method::POST, DOCS, &headers, &json!({ "query": query })).await
                }
            };
            for document in body(&page)["Documents"].as_array().unwrap() {
                seen += 1;
                let path = format!("{DOCS}/{}", document["id"].as_str().unwrap());
                assert_eq!(send(&cosmos, Method::DELETE, &path, &keyed("[\"p\"]"), &Value::Null).await.status(), 204);
            }
            continuation = page.headers().get("x-ms-continuation").map(|token| token.to_str().unwrap().to_owned());
            if continuation.is_none() {
                break;
            }
        }
        assert_eq!(seen, 40, "{query:?}");
    }
}
