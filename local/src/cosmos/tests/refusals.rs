//! What is wrong with a request, said as the service says it: never 500, and nothing is taken for what it is not.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

/// Sends bytes as they are.
async fn send_raw(
    cosmos: &Cosmos,
    method: Method,
    path: &str,
    headers: &[(&'static str, &[u8])],
    body: &'static str,
) -> Response<Bytes> {
    let header = |(name, value): &(&'static str, &[u8])| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    cosmos.execute(method, path, headers, Bytes::from_static(body.as_bytes())).await.unwrap()
}

const KEYED: (&str, &[u8]) = ("x-ms-documentdb-partitionkey", b"[\"p\"]");

#[tokio::test]
async fn a_body_that_is_no_document_is_refused_in_the_services_words() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", 1)).await;
    let item_path = format!("{DOCS}/a");
    for (document, text) in [
        ("[]", "One of the specified inputs is invalid"),
        ("[null,null]", "One of the specified inputs is invalid"),
        ("[{\"id\":\"a\",\"pk\":\"p\"}]", "One of the specified inputs is invalid"),
        ("7", "One of the specified inputs is invalid"),
        ("\"a\"", "One of the specified inputs is invalid"),
        ("null", "One of the specified inputs is invalid"),
        ("{", "One of the specified inputs is invalid"),
        ("", "One of the specified inputs is invalid"),
        (r#"{"id":"a","pk":"p","n":1e400}"#, "One of the specified inputs is invalid"),
        (r#"{"id":7,"pk":"p"}"#, "One of the specified inputs is invalid"),
        (r#"{"pk":"p"}"#, "the required properties - 'id; ' - are missing"),
    ] {
        for (method, path) in [(Method::POST, DOCS), (Method::PUT, &item_path)] {
            let refused = send_raw(&cosmos, method.clone(), path, &[KEYED], document).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{method} {document}");
            let said = body(&refused)["message"].as_str().unwrap().to_owned();
            let activity = header(&refused, "x-ms-activity-id");
            assert!(said.starts_with("Message: {\"Errors\":[\"") && said.contains(text), "{said}");
            assert!(said.contains(&format!("\"]}}\r\nActivityId: {activity}, Request URI: /dbs/")), "{said}");
            assert!(!said.contains("struct"), "{said}");
        }
    }
}

#[tokio::test]
async fn numbers_are_kept_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = storage(&directory);
    let cosmos = start(&store).await;
    let document = r#"{"id":"a","n":[12345678901234567890123,0.10,1e-7,3.0,1E3],"pk":"p"}"#;
    assert_eq!(send_raw(&cosmos, Method::POST, DOCS, &[KEYED], document).await.status(), StatusCode::CREATED);
    drop(cosmos);
    let again = start(&store).await;
    let read = send_raw(&again, Method::GET, &format!("{DOCS}/a"), &[KEYED], "").await;
    let text = std::str::from_utf8(read.body()).unwrap().to_owned();
    assert!(text.starts_with(r#"{"id":"a","n":[12345678901234567890123,0.10,1e-7,3,1000],"pk":"p","#), "{text}");
    for key in ["[1e400]", "[-1e999]"] {
        let refused = send_raw(&again, Method::GET, &format!("{DOCS}/a"), &[(KEYED.0, key.as_bytes())], "").await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{key}");
    }
}

#[tokio::test]
async fn a_feed_of_an_unknown_range_or_mode_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let feed = async |mode: &[u8], range: &[u8]| {
        let headers = [("a-im", mode), ("x-ms-documentdb-partitionkeyrangeid", range)];
        send_raw(&cosmos, Method::GET, DOCS, &headers, "").await
    };
    let container = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    let with_container = format!("{},0", container["_rid"].as_str().unwrap());
    assert_eq!(feed(b"Incremental feed", b"0").await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(feed(b"Incremental feed", with_container.as_bytes()).await.status(), StatusCode::NOT_MODIFIED);
    for unknown in [&b"0,1"[..], b"7", b"0,", b",0", b"-1", b"[0]", "é".as_bytes()] {
        let gone = feed(b"Incremental feed", unknown).await;
        assert_eq!((gone.status(), header(&gone, "x-ms-substatus")), (StatusCode::GONE, "1002"), "{unknown:?}");
    }
    let another = feed(b"Incremental feed", b"AAAABIAAAAE=,0").await;
    assert_eq!((another.status(), header(&another, "x-ms-substatus")), (StatusCode::GONE, "1000"));
    for mode in [&b"Bogus"[..], b"", b"Incremental feed, gzip", b"\xff"] {
        assert_eq!(feed(mode, b"0").await.status(), StatusCode::BAD_REQUEST, "{mode:?}");
    }
}

#[tokio::test]
async fn headers_that_cannot_be_understood_change_nothing_and_break_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let made = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", 1)).await);
    let etag = made["_etag"].as_str().unwrap().to_owned();
    let item_path = format!("{DOCS}/a");
    let several = format!("\"other\", {etag}");
    let session = "x-ms-session-token";
    let key = KEYED.0;
    let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
    let query = ("x-ms-documentdb-isquery", &b"True"[..]);
    let feed = ("a-im", &b"Incremental feed"[..]);
    let replaced = r#"{"id":"a","pk":"p","n":9}"#;
    let select = r#"{"query":"SELECT * FROM c"}"#;
    let far = "Fri, 31 Dec 9999 23:59:59 +0000".as_bytes();
    for (method, path, headers, sent, status) in [
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"-1")], "", 200),
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"0")], "", 200),
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"2147483647")], "", 200),
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"99999999999")], "", 400),
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"ten")], "", 400),
        (&get, DOCS, vec![KEYED, ("x-ms-max-item-count", b"\xff")], "", 400),
        (&post, DOCS, vec![KEYED, query, ("x-ms-max-item-count", b"-2")], select, 400),
        (&get, DOCS, vec![KEYED, feed, ("x-ms-max-item-count", b"0")], "", 200),
        (&get, DOCS, vec![KEYED, ("x-ms-continuation", b"!!")], "", 400),
        (&get, DOCS, vec![KEYED, ("x-ms-continuation", b"\xff")], "", 400),
        (&post, DOCS, vec![KEYED, query, ("x-ms-continuation", b"AAAA")], select, 400),
        (&post, DOCS, vec![KEYED, query, ("x-ms-continuation", b"\xff")], select, 400),
        (&get, DOCS, vec![KEYED, feed, ("if-none-match", b"\"99999999999999999999999\"")], "", 400),
        (&get, DOCS, vec![KEYED, feed, ("if-none-match", b"\"1\", \"2\"")], "", 400),
        (&get, DOCS, vec![KEYED, feed, ("if-none-match", b"\xff")], "", 400),
        (&get, DOCS, vec![KEYED, feed, ("if-modified-since", b"yesterday")], "", 400),
        (&get, DOCS, vec![KEYED, feed, ("if-modified-since", far)], "", 304),
        (&get, DOCS, vec![KEYED, feed, ("if-modified-since", b"Fri, 31 Dec 9999 23:59:59 -2359")], "", 304),
        (&get, DOCS, vec![KEYED, feed, ("if-modified-since", b"Mon, 01 Jan 1900 00:00:00 +2359")], "", 200),
        (&get, DOCS, vec![feed, ("x-ms-start-epk", b"FF"), ("x-ms-end-epk", b"")], "", 304),
        (&get, DOCS, vec![("x-ms-start-epk", b"zz"), ("x-ms-end-epk", b"")], "", 400),
        (&get, DOCS, vec![("x-ms-start-epk", b"20"), ("x-ms-end-epk", b"10")], "", 200),
        (&get, &item_path, vec![], "", 400),
        (&get, &item_path, vec![(key, b"[")], "", 400),
        (&get, &item_path, vec![(key, b"p")], "", 400),
        (&get, &item_path, vec![(key, b"[]")], "", 400),
        (&get, &item_path, vec![(key, b"[\"p\",\"q\"]")], "", 400),
        (&get, &item_path, vec![(key, b"[[\"p\"]]")], "", 400),
        (&get, &item_path, vec![(key, b"[{\"a\":1}]")], "", 400),
        (&get, &item_path, vec![(key, b"[\"\\ud800\"]")], "", 400),
        (&get, &item_path, vec![(key, b"\xff")], "", 400),
        (&get, &item_path, vec![KEYED, (session, b"0:0#99#0=99")], "", 404),
        (&get, &item_path, vec![KEYED, (session, b"nonsense")], "", 400),
        (&get, &item_path, vec![KEYED, (session, b"0:-1#-1")], "", 400),
        (&get, &item_path, vec![KEYED, (session, b"0:0#99999999999999999999#0=1")], "", 400),
        (&get, &item_path, vec![KEYED, (session, b",,,")], "", 400),
        (&get, &item_path, vec![KEYED, (session, b"\xff")], "", 400),
        (&get, &item_path, vec![KEYED, ("x-ms-consistency-level", b"Eventual")], "", 200),
        (&get, &item_path, vec![KEYED, ("x-ms-consistency-level", b"Session")], "", 200),
        (&get, &item_path, vec![KEYED, ("x-ms-consistency-level", b"Strong")], "", 400),
        (&get, &item_path, vec![KEYED, ("x-ms-consistency-level", b"Sometimes")], "", 400),
        (&put, &item_path, vec![KEYED, ("if-match", several.as_bytes())], replaced, 412),
        (&put, &item_path, vec![KEYED, ("if-match", "\"é\"".as_bytes())], replaced, 412),
        (&put, &item_path, vec![KEYED, ("if-match", b"")], replaced, 412),
        (&put, &item_path, vec![KEYED, ("if-match", b"\xff")], replaced, 400),
        (&put, "/dbs/shop/colls/items", vec![("if-match", b"\xff")], r#"{"id":"items"}"#, 400),
        (&get, &item_path, vec![KEYED, ("if-none-match", etag.as_bytes())], "", 304),
        (&get, &item_path, vec![KEYED, ("if-none-match", b"\xff")], "", 400),
    ] {
        let answer = send_raw(&cosmos, method.clone(), path, &headers, sent).await;
        let shown: Vec<_> = headers.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))).collect();
        assert_eq!(answer.status(), status, "{method} {path} {shown:?}: {answer:?}");
    }
    let now = body(&send(&cosmos, Method::GET, &item_path, &keyed("[\"p\"]"), &Value::Null).await);
    assert_eq!(now, made);
}

/// A structure that is read from an object could be read from an array too, by the order of its members.
#[tokio::test]
async fn an_array_in_place_of_an_object_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let made = body(&send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", 1)).await);
    let batch = ("x-ms-cosmos-is-batch-request", &b"true"[..]);
    let alone = ("x-ms-cosmos-batch-atomic", &b"false"[..]);
    let item_path = format!("{DOCS}/a");
    let (post, patch) = (Method::POST, Method::PATCH);
    for (method, path, headers, sent) in [
        (&post, DOCS, vec![KEYED, batch], r#"[["Delete","a",null,null,null]]"#),
        (&post, DOCS, vec![KEYED, batch, alone], r#"[["Delete","[\"p\"]","a",null,null,null]]"#),
        (&patch, &item_path, vec![KEYED], r#"[["remove","/n"]]"#),
        (&patch, &item_path, vec![KEYED], r#"{"operations":[["remove","/n"]]}"#),
        (&post, "/dbs", vec![], r#"["d"]"#),
        (&post, "/dbs/shop/colls", vec![], r#"["c",["/pk"]]"#),
        (&post, "/dbs/shop/colls", vec![], r#"{"id":"c","partitionKey":[["/pk"],"Hash",2]}"#),
        (&post, "/dbs/shop/colls", vec![], r#"{"id":"c","partitionKey":{"paths":["/pk"]},"uniqueKeyPolicy":[[]]}"#),
        (&post, "/dbs/shop/colls", vec![], r#"{"id":"c","partitionKey":{"paths":["/pk"]},"indexingPolicy":[]}"#),
    ] {
        let refused = send_raw(&cosmos, method.clone(), path, &headers, sent).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{method} {path} {sent}: {refused:?}");
        assert!(!body(&refused)["message"].as_str().unwrap().contains("struct"), "{refused:?}");
    }
    assert_eq!(body(&send(&cosmos, Method::GET, &item_path, &keyed("[\"p\"]"), &Value::Null).await), made);
}
