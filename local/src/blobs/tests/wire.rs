//! Answers as the service words them.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use reqwest::{Method, Response};

use super::Fixture;
use crate::{
    blobs::{
        names::{BlobPath, ContainerName},
        record::Metadata,
        store::{Entry, PageRequest, Replacement, Store},
    },
    clock::Clock,
    storage::{Storage, Sync},
};

pub(super) async fn call(
    fixture: &Fixture,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    // One for each test, whose runtime its connections live on: making one takes longer than what is asked here.
    thread_local!(static CLIENT: reqwest::Client = reqwest::Client::new());
    let request = CLIENT
        .with(reqwest::Client::clone)
        .request(method, fixture.signed(path))
        .header("content-length", body.len())
        .body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("an answer")
}

pub(super) fn code(answer: &Response) -> &str {
    answer.headers().get("x-ms-error-code").map_or("", |code| code.to_str().expect("text"))
}

#[tokio::test]
async fn what_is_not_served_is_refused_by_name() {
    let fixture = Fixture::start().await;
    let copy = [("x-ms-copy-source", "http://x/y")];
    let append = [("x-ms-blob-type", "AppendBlob")];
    for (method, path, headers, name) in [
        ("PUT", "files/a", &copy[..], "Copy Blob from another account"),
        ("PUT", "files/a", &append[..], "AppendBlob"),
        ("PUT", "files/a?comp=snapshot", &[], "Snapshot Blob"),
        ("PUT", "files/a?comp=tags", &[], "Set Blob Tags"),
        ("PUT", "files/a?comp=tier", &[], "Set Blob Tier"),
        ("PUT", "files?restype=container&comp=acl", &[], "Set Container ACL"),
        ("PUT", "?restype=service&comp=properties", &[], "Set Blob Service Properties"),
        ("GET", "files/a?snapshot=2025-01-01", &[], "parameter snapshot"),
        ("PUT", "$logs?restype=container", &[], "container $logs"),
        ("GET", "$blobchangefeed/log", &[], "container $blobchangefeed"),
    ] {
        let answer = call(&fixture, method, path, headers, "").await;
        assert_eq!((answer.status().as_u16(), code(&answer)), (501, "NotImplemented"), "{method} {path}");
        let text = answer.text().await.expect("a body");
        assert!(text.contains("<Code>NotImplemented</Code>") && text.contains(name), "{name}: {text}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_common_headers() {
    let fixture = Fixture::start().await;
    let asked = [("x-ms-client-request-id", "mine"), ("x-ms-version", "2026-10-06")];
    for path in ["files?restype=container", "files/missing", "missing?restype=container", "?comp=list", "?comp=odd"] {
        let answer = call(&fixture, "GET", path, &asked, "").await;
        let headers = answer.headers();
        assert_eq!(
            (&headers["x-ms-client-request-id"], &headers["x-ms-version"]),
            (&"mine".parse().expect("text"), &"2026-10-06".parse().expect("text"))
        );
        assert!(headers.contains_key("x-ms-request-id") && headers.contains_key("date"), "{path}");
    }
}

/// The order of calls that checkpoint stores make, and what tells them who was first.
#[tokio::test]
async fn conditions_decide_who_owns_a_partition() {
    let fixture = Fixture::start().await;
    let path = "files/hub/ownership/0";
    let metadata = "files/hub/ownership/0?comp=metadata";
    let none = ("if-none-match", "*");
    let owner = ("x-ms-meta-ownerid", "me");

    let missing = call(&fixture, "PUT", metadata, &[none, owner], "").await;
    assert_eq!((missing.status().as_u16(), code(&missing)), (404, "BlobNotFound"));
    let first = call(&fixture, "PUT", path, &[none, owner, ("x-ms-blob-type", "BlockBlob")], "").await;
    assert_eq!(first.status(), 201);
    let etag = first.headers()["etag"].to_str().expect("text").to_owned();
    let second = call(&fixture, "PUT", path, &[none, owner, ("x-ms-blob-type", "BlockBlob")], "").await;
    assert_eq!((second.status().as_u16(), code(&second)), (409, "BlobAlreadyExists"));
    let renewed = call(&fixture, "PUT", metadata, &[("if-match", &etag), owner], "").await;
    assert_eq!(renewed.status(), 200);
    let stale = call(&fixture, "PUT", metadata, &[("if-match", &etag), owner], "").await;
    assert_eq!((stale.status().as_u16(), code(&stale)), (412, "ConditionNotMet"));

    let etag = renewed.headers()["etag"].to_str().expect("text").to_owned();
    let modified = renewed.headers()["last-modified"].to_str().expect("text").to_owned();
    for (header, value, status) in [
        ("if-none-match", etag.as_str(), 304),
        ("if-match", "\"0x8D0\"", 412),
        ("if-modified-since", &modified, 304),
        ("if-unmodified-since", &modified, 200),
        ("if-modified-since", "Fri, 21 Nov 2008 05:33:00 GMT", 200),
        ("if-unmodified-since", "Fri, 21 Nov 2008 05:33:00 GMT", 412),
    ] {
        let answer = call(&fixture, "GET", path, &[(header, value)], "").await;
        assert_eq!(answer.status().as_u16(), status, "{header}: {value}");
    }
}

#[tokio::test]
async fn what_is_no_sum_and_a_block_of_nothing_are_refused_and_names_by_their_length() {
    let fixture = Fixture::start().await;
    let kind = ("x-ms-blob-type", "BlockBlob");
    assert_eq!(call(&fixture, "PUT", "files/a", &[kind], "text").await.status(), 201);
    let (long, short) = (format!("{}?restype=container", "a".repeat(64)), "ab?restype=container");
    for (path, headers, body, expected) in [
        ("files/a", &[kind, ("content-md5", "xx")][..], "text", "InvalidMd5"),
        ("files/a", &[kind, ("content-md5", "AAAAAAA=")], "text", "InvalidMd5"),
        ("files/a", &[kind, ("x-ms-blob-content-md5", "xx")], "text", "InvalidMd5"),
        ("files/a?comp=block&blockid=AAAA", &[("content-md5", "xx")], "text", "InvalidMd5"),
        ("files/a?comp=properties", &[("x-ms-blob-content-md5", "xx")], "", "InvalidMd5"),
        ("files/a?comp=block&blockid=AAAA", &[], "", "InvalidHeaderValue"),
        (&long, &[], "", "OutOfRangeInput"),
        (short, &[], "", "OutOfRangeInput"),
        ("a_b?restype=container", &[], "", "InvalidResourceName"),
    ] {
        let answer = call(&fixture, "PUT", path, headers, body).await;
        assert_eq!((answer.status().as_u16(), code(&answer)), (400, expected), "{path} {headers:?}");
    }
    let sum = [("x-ms-blob-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    assert_eq!(call(&fixture, "PUT", "files/a?comp=properties", &sum, "").await.status(), 200);
    let kept = call(&fixture, "GET", "files/a", &[], "").await;
    assert_eq!(kept.headers()["content-md5"], sum[0].1, "a sum of the client's that is one is kept as it is");
}

#[tokio::test]
async fn ranges_headers_and_sums_are_checked() {
    let fixture = Fixture::start().await;
    let kind = ("x-ms-blob-type", "BlockBlob");
    let wrong = call(&fixture, "PUT", "files/a", &[kind, ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], "text").await;
    assert_eq!((wrong.status().as_u16(), code(&wrong)), (400, "Md5Mismatch"));
    let odd = call(&fixture, "PUT", "files/a", &[kind, ("x-ms-meta-a-b", "1")], "text").await;
    assert_eq!((odd.status().as_u16(), code(&odd)), (400, "InvalidMetadata"));
    let stored =
        call(&fixture, "PUT", "files/a", &[kind, ("x-ms-blob-content-type", "text/plain")], "0123456789").await;
    assert_eq!(stored.headers()["content-md5"], "eB5eJF1ptWaXm4bijSPyxw==");

    for (header, value, status, expected) in [
        ("range", "bytes=2-4", 206, "234"),
        ("range", "bytes=8-", 206, "89"),
        ("range", "bytes=8-100", 206, "89"),
        ("range", "lines=1-2", 200, "0123456789"),
        ("x-ms-range", "bytes=0-0", 206, "0"),
    ] {
        let answer = call(&fixture, "GET", "files/a", &[(header, value)], "").await;
        assert_eq!(answer.status().as_u16(), status, "{value}");
        assert_eq!(answer.headers()["content-type"], "text/plain");
        assert_eq!(answer.text().await.expect("a body"), expected);
    }
    let behind = call(&fixture, "GET", "files/a", &[("range", "bytes=10-")], "").await;
    assert_eq!((behind.status().as_u16(), code(&behind)), (416, "InvalidRange"));
    assert_eq!(behind.headers()["content-range"], "bytes */10");
}

#[tokio::test]
async fn a_lease_keeps_others_out_until_it_ends() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "lock", "".into(), Default::default()).expect("stored");
    let lease = "files/lock?comp=lease";
    let acquire = [("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "15")];
    let held = call(&fixture, "PUT", lease, &acquire, "").await;
    assert_eq!(held.status(), 201);
    let id = held.headers()["x-ms-lease-id"].to_str().expect("text").to_owned();
    let other = call(&fixture, "PUT", lease, &acquire, "").await;
    assert_eq!((other.status().as_u16(), code(&other)), (409, "LeaseAlreadyPresent"));
    let blind = call(&fixture, "DELETE", "files/lock", &[], "").await;
    assert_eq!((blind.status().as_u16(), code(&blind)), (412, "LeaseIdMissing"));
    let owner = call(&fixture, "PUT", "files/lock?comp=metadata", &[("x-ms-lease-id", &id)], "").await;
    assert_eq!(owner.status(), 200);

    fixture.clock.advance(Duration::from_secs(16));
    let head = call(&fixture, "HEAD", "files/lock", &[], "").await;
    assert_eq!(head.headers()["x-ms-lease-state"], "expired");
    let late = call(&fixture, "PUT", "files/lock?comp=metadata", &[("x-ms-lease-id", &id)], "").await;
    assert_eq!((late.status().as_u16(), code(&late)), (412, "LeaseLost"));
    assert_eq!(call(&fixture, "PUT", lease, &acquire, "").await.status(), 201);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Pages joined are the names in order, folded at the delimiter, whatever the size of a page.
    #[test]
    fn pages_joined_are_the_whole_listing(
        names in proptest::collection::btree_set("[abü]{0,2}(/[ab]{0,2}){0,2}", 1..20),
        prefix in "[ab]?/?",
        fold: bool,
        limit in 1_usize..6,
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
        let store = Store::open(&storage, &Clock::default()).expect("a store");
        let container = ContainerName::new("files").expect("a name");
        let neighbour = ContainerName::new("files-2").expect("a name");
        let names: BTreeSet<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        for container in [&container, &neighbour] {
            store.create_container(container, Metadata::new()).expect("created");
            for name in &names {
                let path = BlobPath::new(container.clone(), name).expect("a name");
                store.put_blob(&path, store.upload().finish().0, Replacement::default()).expect("stored");
            }
        }
        let expected: Vec<String> = names
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .map(|name| match name[prefix.len()..].find('/') {
                Some(at) if fold => name[..=prefix.len() + at].to_owned(),
                _ => name.clone(),
            })
            .fold(Vec::new(), |mut all, name| {
                if all.last() != Some(&name) || !name.ends_with('/') {
                    all.push(name);
                }
                all
            });
        let mut listed = Vec::new();
        let mut marker = Some(String::new());
        while let Some(from) = marker {
            let delimiter = fold.then(|| "/".to_owned());
            let request = PageRequest { prefix: prefix.clone(), delimiter, marker: from, limit, uncommitted: false };
            let page = store.list_blobs(&container, &request).expect("a page");
            prop_assert!(page.entries.len() <= limit);
            listed.extend(page.entries.into_iter().map(|entry| match entry {
                Entry::Blob(name, _) | Entry::Prefix(name) | Entry::Uncommitted(name) => name,
            }));
            marker = page.next;
        }
        prop_assert_eq!(listed, expected);
    }
}
