//! What roles let in is what is carried out and stored, whatever a client writes: raw requests over TLS, with tokens.

use std::pin::Pin;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_openssl::SslStream;

use super::*;
use crate::transport::Hosts;

const KEYED: &str = "x-ms-documentdb-partitionkey: [\"p\"]\r\n";
const PLAN: &str = "x-ms-cosmos-is-query-plan-request: true\r\n";
const QUERY: &str = "x-ms-documentdb-isquery: true\r\n";
const BATCH: &str = "x-ms-cosmos-is-batch-request: true\r\n";
const BULK: &str = "x-ms-cosmos-is-batch-request: true\r\nx-ms-cosmos-batch-atomic: false\r\n";

/// An account whose container `items` the identity `writer` may write and `reader` read, as may `visitor` everything.
struct Guarded {
    cosmos: Cosmos,
    identity: Identity,
    store: Storage,
    _directory: tempfile::TempDir,
}

impl Guarded {
    async fn start() -> Self {
        let role =
            |role: &str, scope: &str| json!([{ "role": format!("Cosmos DB Built-in Data {role}"), "scope": scope }]);
        let identities = json!([
            { "name": "writer", "roles": role("Contributor", "cosmos/shop/items") },
            { "name": "reader", "roles": role("Reader", "cosmos/shop/items") },
            { "name": "visitor", "roles": role("Reader", "cosmos") },
        ]);
        let identities: Vec<topology::Identity> = serde_json::from_value(identities).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let identity =
            Identity::start(&identities, &directory.path().join("identity"), listener, &Hosts::default()).unwrap();
        let store = Storage::open(&directory.path().join("store"), Sync::Process).unwrap();
        let cosmos = Self::on(&store, &identity).await;
        for (path, document) in
            [(DOCS, item("a", "p", 1)), ("/dbs/shop/colls/other/docs", json!({ "id": "p", "secret": 1 }))]
        {
            assert_eq!(send(&cosmos, Method::POST, path, &keyed("[\"p\"]"), &document).await.status(), 201);
        }
        Self { cosmos, identity, store, _directory: directory }
    }

    async fn on(store: &Storage, identity: &Identity) -> Cosmos {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cosmos::start(&topology(), identity, listener, store, &Clock::default(), &|_| {}).await.unwrap()
    }

    /// Sends the bytes of a request; returns status and body.
    async fn raw(&self, name: &str, method: &str, target: &str, headers: &str, body: &str) -> (u16, String) {
        let token = self.identity.token(name, "https://cosmos.azure.com").unwrap();
        let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        let session = connector.build().configure().unwrap().into_ssl("localhost").unwrap();
        let socket = tokio::net::TcpStream::connect(self.cosmos.address()).await.unwrap();
        let mut stream = SslStream::new(session, socket).unwrap();
        Pin::new(&mut stream).connect().await.unwrap();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
             authorization: type%3Daad%26ver%3D1.0%26sig%3D{token}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server ends the connection without TLS's farewell.
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.get("HTTP/1.1 ".len()..).and_then(|rest| rest.get(..3)?.parse().ok()).unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Ids of what there is: databases, containers, items of both containers.
    async fn everything(cosmos: &Cosmos) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for (path, members) in [
            ("/dbs", "Databases"),
            ("/dbs/shop/colls", "DocumentCollections"),
            (DOCS, "Documents"),
            ("/dbs/shop/colls/other/docs", "Documents"),
        ] {
            let found = body(&send(cosmos, Method::GET, path, &[], &Value::Null).await);
            let found = found[members].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
            let mut ids: Vec<_> = found.collect();
            ids.sort();
            all.push(ids);
        }
        all
    }
}

#[tokio::test]
async fn a_role_on_one_container_opens_no_other_however_the_path_is_written() {
    let guarded = Guarded::start().await;
    let before = Guarded::everything(&guarded.cosmos).await;
    let other = format!("{KEYED}x-ms-documentdb-is-upsert: true\r\n");
    for target in [
        "/dbs/shop/colls/items/docs/../../other/docs/p",
        "/dbs/shop/colls/items/docs/..\\..\\other\\docs\\p",
        "/dbs/shop/colls/items/docs/%2e%2e/%2E%2E/other/docs/p",
        "/dbs/shop/colls/items/docs/.%2e/../other/docs/p",
        "/dbs/shop/colls/items\\..\\other/docs/p",
        "/dbs/shop/colls/items/../other/docs",
        "/dbs/shop/colls/items/docs/..\\..\\other",
        "/dbs/shop/colls/items/docs/../../../../../dbs/shop",
        "/dbs/shop/colls/items/docs/.",
        "/dbs/shop/colls/items/docs/%2e",
        "/dbs/shop/colls/./items/docs/a",
        "/dbs/shop%2Fitems/colls/other/docs",
        "/dbs/shop%5Citems/colls/other/docs",
        "/dbs/shop/colls/items%2Fother/docs",
        "/dbs/shop/colls/items%3F/docs",
        "/dbs/shop/colls/items/docs/%FF",
        "/dbs/shop/colls/items/docs/\u{e4}",
        "/dbs/shop/colls/items/docs/a\tb",
    ] {
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            let (status, text) = guarded.raw("writer", method, target, &other, r#"{"id":"p"}"#).await;
            assert_eq!(status, 400, "{method} {target}: {text}");
            assert!(!text.contains("secret"), "{method} {target}: {text}");
        }
    }
    // The path counts, not the address before it, and slashes do not.
    for (target, expected) in [
        ("http://elsewhere/dbs/shop/colls/other/docs/p", 421),
        ("http://localhost/dbs/shop/colls/other/docs/p", 403),
        ("*", 403),
        ("http://localhost/dbs/shop/colls/items/docs/a", 200),
        ("//dbs//shop/colls/items/docs/a/", 200),
        ("/dbs/shop/colls/items/docs/a#/../../other", 200),
        // The id of an item, which is not there.
        ("/dbs/shop/colls/items/docs/a?/../../../other/docs/p", 404),
    ] {
        let (status, text) = guarded.raw("writer", "GET", target, KEYED, "").await;
        assert_eq!(status, expected, "{target}: {text}");
    }
    // Nor does a path of resource ids: roles are on names.
    for (container, expected) in [("items", 200), ("other", 403)] {
        let path = format!("/dbs/shop/colls/{container}");
        let made = body(&send(&guarded.cosmos, Method::GET, &path, &[], &Value::Null).await);
        let target = format!("/{}docs", made["_self"].as_str().unwrap());
        let (status, text) = guarded.raw("reader", "GET", &target, "", "").await;
        assert_eq!(status, expected, "{target}: {text}");
        assert!(!text.contains("secret"), "{target}: {text}");
    }
    assert_eq!(Guarded::everything(&guarded.cosmos).await, before);

    // Ids that look like more than one segment are one.
    let odd = "b \u{fc}/..%2e%2e";
    let (status, text) = guarded.raw("writer", "POST", DOCS, KEYED, &item(odd, "p", 1).to_string()).await;
    assert_eq!(status, 201, "{text}");
    let path = format!("{DOCS}/b%20%C3%BC%2F..%252e%252e");
    assert_eq!(guarded.raw("writer", "GET", &path, KEYED, "").await.0, 200);
    assert_eq!(guarded.raw("writer", "DELETE", &path, KEYED, "").await.0, 204);

    let Guarded { cosmos, identity, store, _directory } = guarded;
    drop(cosmos);
    assert_eq!(Guarded::everything(&Guarded::on(&store, &identity).await).await, before, "and so it is stored");
}

#[tokio::test]
async fn no_header_and_no_method_makes_a_write_of_what_a_reader_may_do() {
    let guarded = Guarded::start().await;
    let before = Guarded::everything(&guarded.cosmos).await;
    let (database, container) = (r#"{"id":"new"}"#, r#"{"id":"new","partitionKey":{"paths":["/id"]}}"#);
    let new = item("new", "p", 1).to_string();
    let operations =
        json!([{ "operationType": "Create", "partitionKey": "[\"p\"]", "resourceBody": item("new", "p", 1) }]);
    let operations = operations.to_string();
    let create_anyway = format!("{QUERY}x-ms-documentdb-isquery: false\r\n");
    let query_after_all = format!("x-ms-documentdb-isquery: false\r\n{QUERY}");
    let a = &format!("{DOCS}/a");
    for (method, path, headers, body, expected) in [
        ("POST", "/dbs", PLAN, database, 403),
        ("POST", "/dbs", BATCH, database, 403),
        ("POST", "/dbs", BULK, database, 403),
        ("POST", "/dbs", create_anyway.as_str(), database, 400),
        ("POST", "/dbs", query_after_all.as_str(), database, 403),
        ("post", "/dbs", "", database, 403),
        ("POST", "/dbs/shop/colls", PLAN, container, 403),
        ("POST", "/dbs/shop/colls", create_anyway.as_str(), container, 400),
        ("POST", "/dbs/shop/colls", "x-http-method-override: GET\r\n", container, 403),
        ("PUT", "/dbs/shop/colls/items", QUERY, container, 403),
        ("DELETE", "/dbs/shop/colls/items", PLAN, "", 403),
        ("DELETE", "/dbs/shop", QUERY, "", 403),
        ("POST", DOCS, "", new.as_str(), 403),
        ("POST", DOCS, create_anyway.as_str(), new.as_str(), 400),
        ("POST", DOCS, query_after_all.as_str(), new.as_str(), 403),
        ("POST", DOCS, "x-ms-documentdb-isquery: yes\r\n", new.as_str(), 403),
        ("POST", DOCS, BULK, operations.as_str(), 403),
        ("POST", DOCS, &format!("{BULK}{QUERY}"), operations.as_str(), 400),
        ("GET", DOCS, BULK, operations.as_str(), 200),
        ("GET", a, BULK, operations.as_str(), 400),
        ("PUT", a, QUERY, new.as_str(), 403),
        ("PATCH", a, PLAN, r#"{"operations":[{"op":"add","path":"/n","value":2}]}"#, 403),
        ("DELETE", a, QUERY, "", 403),
        ("delete", a, KEYED, "", 403),
        ("POST", a, QUERY, new.as_str(), 403),
        ("OPTIONS", a, KEYED, "", 403),
        ("TRACE", a, KEYED, "", 403),
        ("MERGE", a, KEYED, "", 403),
        ("HEAD", a, KEYED, "", 501),
    ] {
        let with_key = if headers.contains("batch-atomic") { headers.to_owned() } else { format!("{KEYED}{headers}") };
        let with_key = with_key.replace(&format!("{KEYED}{KEYED}"), KEYED);
        let (status, text) = guarded.raw("visitor", method, path, &with_key, body).await;
        assert_eq!(status, expected, "{method} {path} {headers}: {text}");
    }
    assert_eq!(Guarded::everything(&guarded.cosmos).await, before);

    // What a reader may do it still may: queries and their plans, of items, containers and databases.
    let all = r#"{"query":"SELECT * FROM c","parameters":[]}"#;
    for (name, path, headers) in [
        ("reader", DOCS, QUERY),
        ("reader", DOCS, PLAN),
        ("visitor", "/dbs", QUERY),
        ("visitor", "/dbs/shop/colls", QUERY),
    ] {
        let (status, text) = guarded.raw(name, "POST", path, &format!("{KEYED}{headers}"), all).await;
        assert_eq!(status, 200, "{path} {headers}: {text}");
    }
    assert_eq!(guarded.raw("writer", "POST", DOCS, BULK, &operations).await.0, 200);
    assert_eq!(guarded.raw("reader", "GET", &format!("{DOCS}/new"), KEYED, "").await.0, 200);
}

/// An item that no request can name could not be deleted, nor fed; one whose body is read in two ways could not be stored.
#[tokio::test]
async fn what_cannot_be_named_or_stored_is_refused_and_writes_go_on() {
    let guarded = Guarded::start().await;
    let before = Guarded::everything(&guarded.cosmos).await;
    let upsert = format!("{KEYED}x-ms-documentdb-is-upsert: true\r\n");
    let batch = format!("{KEYED}{BATCH}x-ms-cosmos-batch-atomic: true\r\n");
    for (headers, body) in [
        (KEYED, r#"{"id":"..","pk":"p","ttl":1}"#),
        (KEYED, r#"{"id":".","pk":"p"}"#),
        (KEYED, r#"{"id":"","pk":"p"}"#),
        (KEYED, r#"{"pk":"p"}"#),
        (KEYED, r#"{"id":7,"pk":"p"}"#),
        (&upsert, r#"{"id":"one","pk":"p","id":"two"}"#),
        (&upsert, r#"{"id":"one","pk":"p","ttl":5,"ttl":6}"#),
        (&upsert, r#"["one"]"#),
        (&batch, r#"[{"operationType":"Create","resourceBody":{"id":"..","pk":"p"}}]"#),
        (&batch, r#"[{"operationType":"Create","resourceBody":{"id":"x","pk":"p"},"id":"x","id":"x"}]"#),
        (&batch, r#"[{"operationType":"Create","resourceBody":{"id":"x","pk":"p","id":"y"}}]"#),
        (&batch, r#"{"operationType":"Create"}"#),
    ] {
        let (status, text) = guarded.raw("writer", "POST", DOCS, headers, body).await;
        assert_eq!(status, 400, "{body}: {text}");
    }
    let (status, text) = guarded.raw("writer", "PUT", &format!("{DOCS}/a"), KEYED, r#"{"id":"..","pk":"p"}"#).await;
    assert_eq!(status, 400, "{text}");
    let bulk = json!([
        { "operationType": "Upsert", "partitionKey": "[\"p\"]", "resourceBody": item("..", "p", 1) },
        { "operationType": "Delete", "partitionKey": "[\"p\"]", "id": ".." },
    ]);
    let headers = format!("{BULK}x-ms-cosmos-batch-continue-on-error: true\r\n");
    let (status, text) = guarded.raw("writer", "POST", DOCS, &headers, &bulk.to_string()).await;
    let codes = serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!((status, &codes[0]["statusCode"], &codes[1]["statusCode"]), (207, &json!(400), &json!(400)), "{text}");
    for name in ["..", "a/b", "a\\b", "a?", "a#", ""] {
        for (path, definition) in [
            ("/dbs", json!({ "id": name })),
            ("/dbs/shop/colls", json!({ "id": name, "partitionKey": { "paths": ["/id"], "kind": "Hash" } })),
        ] {
            let answer = send(&guarded.cosmos, Method::POST, path, &[], &definition).await;
            assert_eq!(answer.status(), 400, "{path} {name}");
        }
    }
    assert_eq!(Guarded::everything(&guarded.cosmos).await, before);
    assert_eq!(guarded.raw("writer", "POST", DOCS, KEYED, &item("b", "p", 1).to_string()).await.0, 201);
}
