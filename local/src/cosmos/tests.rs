//! Through the public doors: the official Rust client over the wire, and the in-process door for what it does not send.

use azure_core::http::Etag;
use azure_data_cosmos::{
    AccountReference, CosmosClient, CosmosClientBuilder, RoutingStrategy,
    clients::ContainerClient,
    feed::{ContinuationToken, FeedScope},
    options::{ChangeFeedOptions, ChangeFeedStartFrom, ItemWriteOptions, Precondition},
};
use futures::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::storage::Sync;

const DOCS: &str = "/dbs/shop/colls/items/docs";

fn topology() -> topology::Cosmos {
    serde_json::from_value(json!({ "databases": [{ "name": "shop", "containers": [
        { "name": "items", "partitionKey": "/pk", "ttlSeconds": -1 },
        { "name": "other", "partitionKey": "/id" },
    ] }] }))
    .unwrap()
}

async fn start(storage: &Storage) -> Cosmos {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Cosmos::start(&topology(), &Identity::sample().await, listener, storage, &Clock::default(), &|_| {}).await.unwrap()
}

fn storage(directory: &tempfile::TempDir) -> Storage {
    Storage::open(directory.path(), Sync::Process).unwrap()
}

async fn client(cosmos: &Cosmos, key: &str) -> Result<CosmosClient, String> {
    let account = AccountReference::with_authentication_key(cosmos.endpoint().parse().unwrap(), key.to_owned());
    CosmosClientBuilder::new()
        .build(account, RoutingStrategy::PreferredRegions(vec!["East US".into()]))
        .await
        .map_err(|error| error.to_string())
}

async fn items(cosmos: &Cosmos) -> ContainerClient {
    let client = client(cosmos, cosmos.key()).await.unwrap();
    client.database_client("shop").container_client("items", None).await.unwrap()
}

fn item(id: &str, pk: &str, n: i64) -> Value {
    json!({ "id": id, "pk": pk, "n": n })
}

fn if_match(etag: &Etag) -> Option<ItemWriteOptions> {
    Some(ItemWriteOptions::default().with_precondition(Precondition::if_match(etag.clone())))
}

async fn upsert(items: &ContainerClient, id: &str, pk: &str, n: i64) -> Etag {
    let response = items.upsert_item(pk.to_owned(), id, item(id, pk, n), None).await.unwrap();
    response.headers().etag().cloned().unwrap()
}

async fn number(items: &ContainerClient, id: &str, pk: &str) -> i64 {
    let document: Value = items.read_item(pk.to_owned(), id, None).await.unwrap().into_model().unwrap();
    document["n"].as_i64().unwrap()
}

/// Ids of what the client's change feed yields until it is idle, and where it stands then.
async fn changes(items: &ContainerClient, from: Option<String>) -> (Vec<String>, String) {
    let options =
        from.map(|token| ChangeFeedOptions::default().with_continuation_token(ContinuationToken::from_string(token)));
    let mut pages = items
        .query_change_feed::<Value>(FeedScope::full_container(), ChangeFeedStartFrom::Beginning, options)
        .await
        .unwrap();
    let (mut ids, mut idle) = (Vec::new(), 0);
    // The client polls one range after the other.
    while idle < 8 {
        let page = pages.next().await.unwrap().unwrap();
        idle = if page.items().is_empty() { idle + 1 } else { 0 };
        for change in page.items() {
            ids.push(change.current().unwrap()["id"].as_str().unwrap().to_owned());
        }
    }
    ids.sort();
    (ids, pages.to_continuation_token().unwrap().as_str().to_owned())
}

/// Sends `method path` in process.
async fn send(
    cosmos: &Cosmos,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &Value,
) -> Response<Bytes> {
    let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    cosmos.execute(method, path, headers.collect(), body).await.unwrap()
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn the_official_client_writes_reads_and_queries_items_and_a_wrong_key_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let items = items(&cosmos).await;

    let created = items.create_item("p", "a", item("a", "p", 1), None).await.unwrap();
    let first = created.headers().etag().cloned().unwrap();
    assert!(items.create_item("p", "a", item("a", "p", 1), None).await.is_err(), "409");
    items.replace_item("p", "a", item("a", "p", 2), if_match(&first)).await.unwrap();
    let stale = items.replace_item("p", "a", item("a", "p", 3), if_match(&first)).await.unwrap_err();
    assert_eq!(u16::from(stale.status().status_code()), 412);
    upsert(&items, "b ü", "p", 5).await;
    assert_eq!((number(&items, "a", "p").await, number(&items, "b ü", "p").await), (2, 5));
    let query = "SELECT VALUE c.n FROM c ORDER BY c.n DESC";
    let found: Vec<i64> = items
        .query_items::<i64>(query, FeedScope::partition("p"), None)
        .await
        .unwrap()
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(found, [5, 2]);
    items.delete_item("p", "a", None).await.unwrap();
    let gone = items.read_item("p", "a", None).await.unwrap_err();
    assert_eq!(u16::from(gone.status().status_code()), 404);

    assert!(client(&cosmos, "AAAA").await.is_err_and(|error| error.contains("401") || error.contains("Unauthorized")));
}

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
async fn an_idle_feed_costs_the_emulator_nothing_and_tells_its_lag() {
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
    assert_eq!(pages.len(), 4);
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
    assert!(!idle.headers().contains_key("x-ms-gatewayversion"), "which every answer of the emulator has");

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
    refused(&[("if-none-match", "\"2\"")], "continuation").await;
    refused(&[key, ("if-modified-since", "Thu, 27 Apr 2017 00:51:12 GMT")], "point in time").await;
    let everything = [("a-im", "Full-Fidelity Feed"), key];
    let response = send(&cosmos, Method::GET, DOCS, &everything, &Value::Null).await;
    assert!(body(&response)["message"].as_str().unwrap().contains("AllVersionsAndDeletes"));
    let unkeyed = send(&cosmos, Method::POST, DOCS, &[], &item("x", "p", 0)).await;
    assert_eq!(unkeyed.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_point_in_time_starts_a_feed_at_the_writes_since() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = Clock::default();
    let cosmos = Cosmos::start(&topology(), &Identity::sample().await, listener, &storage(&directory), &clock, &|_| {})
        .await
        .unwrap();
    let key = [("x-ms-documentdb-partitionkey", "[\"p\"]")];
    send(&cosmos, Method::POST, DOCS, &key, &item("early", "p", 1)).await;
    clock.advance(std::time::Duration::from_secs(3600));
    let written = send(&cosmos, Method::POST, DOCS, &key, &item("late", "p", 2)).await;
    let since =
        (clock.now() - time::Duration::minutes(1)).format(&time::format_description::well_known::Rfc2822).unwrap();
    let range = header(&written, "x-ms-documentdb-partitionkeyrangeid");
    let headers =
        [("a-im", "Incremental feed"), ("x-ms-documentdb-partitionkeyrangeid", range), ("if-modified-since", &since)];
    let feed = body(&send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await);
    assert_eq!((&feed["_count"], &feed["Documents"][0]["id"]), (&json!(1), &json!("late")));
}

#[tokio::test]
async fn a_patch_may_be_a_bare_list_and_its_condition_is_evaluated() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let key = [("x-ms-documentdb-partitionkey", "[\"p\"]")];
    send(&cosmos, Method::POST, DOCS, &key, &item("a", "p", 1)).await;
    let path = format!("{DOCS}/a");
    let operations = json!([{ "op": "incr", "path": "/n", "value": 1 }]);
    let patch = async |body: Value| send(&cosmos, Method::PATCH, &path, &key, &body).await.status();
    assert_eq!(patch(operations.clone()).await, StatusCode::OK);
    let conditional = |condition: &str| json!({ "operations": operations, "condition": condition });
    assert_eq!(patch(conditional("from c where c.n = 2")).await, StatusCode::OK);
    assert_eq!(patch(conditional("from c where c.n = 2")).await, StatusCode::PRECONDITION_FAILED);
    for nonsense in ["c.n = 3", "from c where c.n ="] {
        assert_eq!(patch(conditional(nonsense)).await, StatusCode::BAD_REQUEST);
    }
    drop(cosmos);
    let again = start(&store).await;
    assert_eq!(body(&send(&again, Method::GET, &path, &key, &Value::Null).await)["n"], 3);
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
