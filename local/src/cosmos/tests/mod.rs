//! Through the public interfaces: the official Rust client over the wire, and the in-process API for what it does not
//! send.

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

mod addressing;
mod bounds;
mod depth;
mod endpoints;
mod expiry;
mod feeds;
mod indexes;
mod keys;
mod levers;
mod metadata;
mod model;
mod offers;
mod order;
mod recorded;
mod recovery;
mod refusals;
mod size;

const DOCS: &str = "/dbs/shop/colls/items/docs";

fn topology() -> topology::Cosmos {
    serde_json::from_value(json!({ "databases": [{ "name": "shop", "containers": [
        { "name": "items", "partitionKey": "/pk", "ttlSeconds": -1 },
        { "name": "other", "partitionKey": "/id" },
    ] }] }))
    .unwrap()
}

async fn start(storage: &Storage) -> Cosmos {
    start_at(storage, &Clock::default()).await
}

async fn start_at(storage: &Storage, clock: &Clock) -> Cosmos {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Cosmos::start(&topology(), &Identity::sample().await, listener, storage, clock, &|_| {}).await.unwrap()
}

/// Headers of a request about items of `partition_key`.
fn keyed(partition_key: &'static str) -> [(&'static str, &'static str); 1] {
    [("x-ms-documentdb-partitionkey", partition_key)]
}

/// Headers of an upsert into the partition `p`.
const UPSERT: [(&str, &str); 2] = [("x-ms-documentdb-partitionkey", "[\"p\"]"), ("x-ms-documentdb-is-upsert", "true")];

/// Ids that a query of the partition `p` finds.
async fn ids(cosmos: &Cosmos) -> Vec<String> {
    let headers = [
        ("x-ms-documentdb-partitionkey", "[\"p\"]"),
        ("x-ms-documentdb-isquery", "true"),
        ("content-type", "application/query+json"),
    ];
    let query = json!({ "query": "SELECT VALUE c.id FROM c ORDER BY c.id", "parameters": [] });
    let found = send(cosmos, Method::POST, DOCS, &headers, &query).await;
    serde_json::from_value(body(&found)["Documents"].clone()).unwrap()
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
    let query = r#"SELECT VALUE c.n FROM c WHERE c.pk = "p" ORDER BY c["n"] DESC"#;
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
    // Other writers would wait for the last one.
    let laborious = "from c where REGEXMATCH(REPLICATE('a', 10000), '[ab]*a[ab]{500}c')";
    for nonsense in ["c.n = 3", "from c where c.n =", laborious] {
        assert_eq!(patch(conditional(nonsense)).await, StatusCode::BAD_REQUEST);
    }
    drop(cosmos);
    let again = start(&store).await;
    assert_eq!(body(&send(&again, Method::GET, &path, &key, &Value::Null).await)["n"], 3);
}

#[tokio::test]
async fn a_batch_may_patch_what_it_has_just_made_and_fails_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    send(&cosmos, Method::POST, DOCS, &keyed("[\"p\"]"), &item("a", "p", 1)).await;
    let bump = json!({ "operations": [{ "op": "incr", "path": "/n", "value": 10 }] });
    let when = |n: i64| json!({ "operations": bump["operations"], "condition": format!("from c where c.n = {n}") });
    let batch = async |operations: Value| {
        let headers = [
            ("x-ms-cosmos-is-batch-request", "true"),
            ("x-ms-cosmos-batch-atomic", "true"),
            ("x-ms-documentdb-partitionkey", "[\"p\"]"),
        ];
        let response = send(&cosmos, Method::POST, DOCS, &headers, &operations).await;
        let results: Vec<u64> = match body(&response) {
            Value::Array(results) => results.iter().map(|result| result["statusCode"].as_u64().unwrap()).collect(),
            _ => Vec::new(),
        };
        (response.status().as_u16(), results)
    };
    let patch = |id: &str, body: &Value| json!({ "operationType": "Patch", "id": id, "resourceBody": body });
    let made = json!({ "operationType": "Create", "resourceBody": item("b", "p", 5) });
    let done = batch(json!([patch("a", &bump), patch("a", &when(11)), made, patch("b", &when(5))])).await;
    assert_eq!(done, (200, vec![200, 200, 201, 200]));
    assert_eq!(batch(json!([patch("b", &bump), patch("a", &when(1))])).await, (207, vec![424, 412]));
    assert_eq!(batch(json!([patch("b", &bump), patch("none", &bump)])).await, (207, vec![424, 404]));
    let nonsense = json!({ "operations": [{ "op": "remove", "path": "/none" }] });
    assert_eq!(batch(json!([patch("b", &bump), patch("a", &nonsense)])).await, (207, vec![424, 400]));
    drop(cosmos);
    let again = start(&store).await;
    let n = async |id: &str| {
        let read = send(&again, Method::GET, &format!("{DOCS}/{id}"), &keyed("[\"p\"]"), &Value::Null).await;
        body(&read)["n"].as_i64().unwrap()
    };
    assert_eq!((n("a").await, n("b").await), (21, 15));
}
