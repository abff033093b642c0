//! The order of documents where nobody asks for another: as they were created, range by range.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

const WIDE: &str = "/dbs/shop/colls/wide/docs";
const CROSSING: (&str, &str) = ("x-ms-documentdb-query-enablecrosspartition", "true");
const KEYS: [&str; 7] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6"];

/// Rows of one page, and where the next begins.
async fn page(
    cosmos: &Cosmos,
    query: Option<&str>,
    headers: &[(&'static str, &str)],
    continuation: Option<&str>,
) -> (Vec<Value>, Option<String>) {
    let mut headers = headers.to_vec();
    headers.extend(continuation.map(|token| ("x-ms-continuation", token)));
    let answer = match query {
        None => send(cosmos, Method::GET, WIDE, &headers, &Value::Null).await,
        Some(query) => {
            headers.push(("x-ms-documentdb-isquery", "true"));
            send(cosmos, Method::POST, WIDE, &headers, &json!({ "query": query })).await
        }
    };
    assert_eq!(answer.status(), StatusCode::OK, "{query:?}: {answer:?}");
    let next = answer.headers().get("x-ms-continuation").map(|token| token.to_str().unwrap().to_owned());
    (body(&answer)["Documents"].as_array().unwrap().clone(), next)
}

fn key_of(n: usize) -> String {
    json!([KEYS[n % KEYS.len()]]).to_string()
}

/// Writes document `n`, whose id sorts the other way round, and tells its range.
async fn write(cosmos: &Cosmos, n: usize) -> String {
    let document = json!({ "id": format!("{:03}", 999 - n), "pk": KEYS[n % KEYS.len()], "n": n, "tags": [0, 1, 2] });
    let key = key_of(n);
    let headers = [("x-ms-documentdb-partitionkey", key.as_str()), ("x-ms-documentdb-is-upsert", "true")];
    let written = send(cosmos, Method::POST, WIDE, &headers, &document).await;
    assert!(written.status().is_success(), "{written:?}");
    header(&written, "x-ms-documentdb-partitionkeyrangeid").to_owned()
}

async fn delete(cosmos: &Cosmos, n: usize) {
    let key = key_of(n);
    let headers = [("x-ms-documentdb-partitionkey", key.as_str())];
    let path = format!("{WIDE}/{:03}", 999 - n);
    assert_eq!(send(cosmos, Method::DELETE, &path, &headers, &Value::Null).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn documents_come_as_they_were_created_whatever_is_written_and_deleted_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    for (query, rows) in [
        (None, 1),
        (Some("SELECT * FROM c"), 1),
        (Some("SELECT VALUE { 'n': c.n, 't': t } FROM c JOIN t IN c.tags"), 3),
    ] {
        let mut cosmos = start(&store).await;
        let wide = json!({ "id": "wide", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
        let made = send(&cosmos, Method::POST, "/dbs/shop/colls", &[("x-ms-offer-throughput", "40000")], &wide).await;
        assert_eq!(made.status(), StatusCode::CREATED);
        let mut expected = Vec::new();
        for n in 0..60 {
            expected.push((write(&cosmos, n).await, n));
        }
        expected.sort();
        assert!(expected.windows(2).any(|pair| pair[0].0 != pair[1].0), "several ranges");
        let expected: Vec<usize> = expected.into_iter().map(|(_, n)| n).collect();
        let headers = [CROSSING, ("x-ms-max-item-count", "8")];
        let (mut seen, mut continuation) = (Vec::new(), None::<String>);
        loop {
            let (found, next) = page(&cosmos, query, &headers, continuation.as_deref()).await;
            seen.extend(found.iter().map(|row| row["n"].as_u64().unwrap() as usize));
            continuation = next;
            if continuation.is_none() {
                break;
            }
            // What was returned whole goes, and the last is written again where it stands.
            let (last, before) = seen.split_last().unwrap();
            for n in before.iter().filter(|n| *n != last).collect::<std::collections::BTreeSet<_>>() {
                let path = format!("{WIDE}/{:03}", 999 - n);
                let key = key_of(*n);
                send(&cosmos, Method::DELETE, &path, &[("x-ms-documentdb-partitionkey", &key)], &Value::Null).await;
            }
            write(&cosmos, *last).await;
            drop(cosmos);
            cosmos = start(&store).await;
        }
        assert_eq!(seen, expected.iter().flat_map(|n| vec![*n; rows]).collect::<Vec<_>>(), "{query:?}");
        send(&cosmos, Method::DELETE, "/dbs/shop/colls/wide", &[], &Value::Null).await;
    }
}

#[tokio::test]
async fn counts_and_parts_of_a_container_follow_that_order() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let wide = json!({ "id": "wide", "partitionKey": { "paths": ["/pk"], "kind": "Hash", "version": 2 } });
    send(&cosmos, Method::POST, "/dbs/shop/colls", &[], &wide).await;
    for n in 0..700 {
        write(&cosmos, n).await;
    }
    delete(&cosmos, 0).await;
    write(&cosmos, 0).await;
    let of_key = [("x-ms-documentdb-partitionkey", "[\"k0\"]")];
    for (query, headers, expected) in [
        ("SELECT TOP 2 VALUE c.n FROM c", &of_key, vec![7, 14]),
        ("SELECT VALUE c.n FROM c OFFSET 97 LIMIT 9", &of_key, vec![686, 693, 0]),
        ("SELECT TOP 3 VALUE c.n FROM c", &[CROSSING], vec![1, 2, 3]),
        ("SELECT VALUE c.n FROM c OFFSET 698 LIMIT 9", &[CROSSING], vec![699, 0]),
    ] {
        let found = page(&cosmos, Some(query), headers, None).await.0;
        assert_eq!(found, expected.into_iter().map(Value::from).collect::<Vec<_>>(), "{query}");
    }
    // Of an earlier version, whose order was that of keys.
    let earlier = URL_SAFE_NO_PAD.encode("1D\0id");
    let query = URL_SAFE_NO_PAD.encode(r#"{"a":{"d":["MUQAaWQ=",null]}}"#);
    for (method, token, sent) in
        [(Method::GET, earlier, Value::Null), (Method::POST, query, json!({ "query": "SELECT * FROM c" }))]
    {
        let headers = [CROSSING, ("x-ms-continuation", token.as_str()), ("x-ms-documentdb-isquery", "true")];
        let refused = send(&cosmos, method, WIDE, &headers, &sent).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(body(&refused)["message"], "Invalid continuation token.");
    }
}

#[tokio::test]
async fn a_page_of_a_feed_has_no_more_than_four_megabytes() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    for n in 0..8 {
        let document = json!({ "id": n.to_string(), "pk": "p", "text": "t".repeat(1_000_000) });
        send(&cosmos, Method::POST, DOCS, &UPSERT, &document).await;
    }
    let key = keyed("[\"p\"]")[0];
    let mut place = "\"0\"".to_owned();
    let mut continuation = None::<String>;
    for _ in 0..2 {
        let feed = [("a-im", "Incremental feed"), key, ("if-none-match", place.as_str())];
        let changes = send(&cosmos, Method::GET, DOCS, &feed, &Value::Null).await;
        let mut feed = vec![key];
        feed.extend(continuation.as_deref().map(|token| ("x-ms-continuation", token)));
        let documents = send(&cosmos, Method::GET, DOCS, &feed, &Value::Null).await;
        assert_eq!((header(&changes, "x-ms-item-count"), header(&documents, "x-ms-item-count")), ("4", "4"));
        place = header(&changes, "etag").to_owned();
        continuation = documents.headers().get("x-ms-continuation").map(|token| token.to_str().unwrap().to_owned());
    }
    assert_eq!((place.as_str(), continuation), ("\"8\"", None));
}
