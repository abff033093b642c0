//! Copies within the account, and what is refused of others.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::Response;

use super::{
    Fixture,
    wire::{call, code},
};
use crate::blobs::{Api, Properties};

const BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");
const PAST: &str = "Mon, 01 Jan 2001 00:00:00 GMT";

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// A request that copies from `source`, with further headers.
async fn copy(fixture: &Fixture, to: &str, source: &str, headers: &[(&str, &str)]) -> Response {
    let headers: Vec<_> = [("x-ms-copy-source", source)].into_iter().chain(headers.iter().copied()).collect();
    call(fixture, "PUT", to, &headers, "").await
}

fn put(fixture: &Fixture, name: &str, body: &Bytes) -> Properties {
    fixture.blobs.put("files", name, body.clone(), Default::default()).expect("stored")
}

#[tokio::test]
async fn a_copy_has_everything_of_its_source_and_does_not_need_it() {
    let fixture = Fixture::start().await;
    let heard: Arc<Mutex<Vec<Api>>> = Arc::default();
    let news = Arc::clone(&heard);
    let listen = move |blob: &crate::blobs::BlobCreated| {
        news.lock().expect("no panic").push(blob.api);
        Ok(())
    };
    fixture.blobs.observe(Arc::new(listen)).expect("nothing is pending");
    let pieces = ["x".repeat(700_000), "y".repeat(300_000), "z".to_owned()];
    for (id, piece) in ["MDE=", "MDI=", "MDM="].iter().zip(&pieces) {
        let path = format!("files/source?comp=block&blockid={id}");
        assert_eq!(call(&fixture, "PUT", &path, &[], piece).await.status(), 201);
    }
    let list =
        "<BlockList><Latest>MDI=</Latest><Latest>MDE=</Latest><Latest>MDM=</Latest><Latest>MDI=</Latest></BlockList>";
    let given = [
        ("x-ms-blob-content-type", "text/plain"),
        ("x-ms-blob-cache-control", "no-cache"),
        ("x-ms-meta-customerId", "7"),
    ];
    assert_eq!(call(&fixture, "PUT", "files/source?comp=blocklist", &given, list).await.status(), 201);
    let body = [&*pieces[1], &*pieces[0], &*pieces[2], &*pieces[1]].concat();

    let done = copy(&fixture, "files/copy", &fixture.signed("files/source"), &[]).await;
    assert_eq!((done.status().as_u16(), header(&done, "x-ms-copy-status")), (202, "success"));
    let id = header(&done, "x-ms-copy-id").to_owned();
    assert_eq!(call(&fixture, "DELETE", "files/source", &[], "").await.status(), 202);
    assert_eq!(*heard.lock().expect("no panic"), [Api::PutBlockList, Api::CopyBlob]);

    let fixture = fixture.restart().await;
    let head = call(&fixture, "HEAD", "files/copy", &[], "").await;
    for (name, expected) in [
        ("x-ms-copy-id", id.as_str()),
        ("x-ms-copy-status", "success"),
        ("x-ms-copy-progress", "1300001/1300001"),
        ("content-type", "text/plain"),
        ("cache-control", "no-cache"),
        ("x-ms-meta-customerid", "7"),
        ("x-ms-access-tier", "Hot"),
    ] {
        assert_eq!(header(&head, name), expected, "{name}");
    }
    assert!(header(&head, "x-ms-copy-source").ends_with("/devstoreaccount1/files/source"), "without its signature");
    assert!(!header(&head, "x-ms-copy-completion-time").is_empty());
    let blocks = call(&fixture, "GET", "files/copy?comp=blocklist", &[], "").await.text().await.expect("a body");
    assert_eq!(blocks.matches("<Name>MDI=</Name><Size>300000</Size>").count(), 2, "{blocks}");
    assert!(call(&fixture, "GET", "files/copy", &[], "").await.text().await.expect("a body") == body);
    let listing = async |include: &str| {
        let path = format!("files?restype=container&comp=list&include={include}");
        call(&fixture, "GET", &path, &[], "").await.text().await.expect("a body")
    };
    assert!(listing("Copy").await.contains(&format!("<CopyId>{id}</CopyId>")));
    assert!(!listing("metadata").await.contains("<CopyId>"));

    // Onto itself, with other metadata; then its properties are set, and it is no copy any more.
    let own = fixture.signed("files/copy");
    let again = copy(&fixture, "files/copy", &own, &[("x-ms-meta-other", "1"), ("x-ms-requires-sync", "true")]).await;
    assert_eq!(again.status(), 202);
    let head = call(&fixture, "HEAD", "files/copy", &[], "").await;
    assert_eq!((header(&head, "x-ms-meta-other"), header(&head, "x-ms-meta-customerid")), ("1", ""));
    assert!(call(&fixture, "GET", "files/copy", &[], "").await.text().await.expect("a body") == body);
    assert_eq!(call(&fixture, "PUT", "files/copy?comp=properties", &[], "").await.status(), 200);
    assert_eq!(header(&call(&fixture, "HEAD", "files/copy", &[], "").await, "x-ms-copy-id"), "");

    assert_eq!(call(&fixture, "DELETE", "files/copy", &[], "").await.status(), 202);
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    assert!(chunks.is_empty().expect("a store"), "no bytes are left behind");
}

#[tokio::test]
async fn blobs_and_blocks_are_put_from_an_address() {
    let fixture = Fixture::start().await;
    put(&fixture, "source", &Bytes::from_static(b"0123456789"));
    let source = fixture.signed("files/source");
    let typed = [BLOB, ("x-ms-blob-content-type", "text/csv"), ("x-ms-meta-a", "1")];
    let done = copy(&fixture, "files/whole", &source, &typed).await;
    assert_eq!((done.status().as_u16(), header(&done, "content-md5")), (201, "eB5eJF1ptWaXm4bijSPyxw=="));
    let head = call(&fixture, "HEAD", "files/whole", &[], "").await;
    assert_eq!((header(&head, "content-type"), header(&head, "x-ms-meta-a")), ("text/csv", "1"));
    assert_eq!(header(&head, "x-ms-copy-id"), "", "it is as good as uploaded");
    let wrong = [BLOB, ("x-ms-source-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    let refused = copy(&fixture, "files/whole", &source, &wrong).await;
    assert_eq!((refused.status().as_u16(), code(&refused)), (400, "Md5Mismatch"));

    for (id, range) in [("MDE=", "bytes=7-9"), ("MDI=", "bytes=0-1")] {
        let path = format!("files/parts?comp=block&blockid={id}");
        assert_eq!(copy(&fixture, &path, &source, &[("x-ms-source-range", range)]).await.status(), 201);
    }
    let list = "<BlockList><Latest>MDE=</Latest><Latest>MDI=</Latest></BlockList>";
    assert_eq!(call(&fixture, "PUT", "files/parts?comp=blocklist", &[], list).await.status(), 201);
    assert_eq!(call(&fixture, "GET", "files/parts", &[], "").await.text().await.expect("a body"), "78901");
}

#[tokio::test]
async fn a_copy_is_refused_for_its_source_or_its_target() {
    let fixture = Fixture::start().await;
    let etag = put(&fixture, "source", &Bytes::from_static(b"x")).etag;
    put(&fixture, "target", &Bytes::from_static(b"y"));
    let source = fixture.signed("files/source");
    let reader = crate::clock::machine_now() + std::time::Duration::from_secs(60);
    let writes_only = fixture.signed_until("files/source", reader, "wl");
    for (source, headers, expected) in [
        (&*source, vec![("x-ms-source-if-match", "\"0x1\"")], (412, "SourceConditionNotMet")),
        (&source, vec![("x-ms-source-if-none-match", &*etag)], (412, "SourceConditionNotMet")),
        (&source, vec![("x-ms-source-if-unmodified-since", PAST)], (412, "SourceConditionNotMet")),
        (
            &source,
            vec![("x-ms-source-lease-id", "00000000-0000-0000-0000-000000000001")],
            (412, "CannotVerifyCopySource"),
        ),
        (&source, vec![("if-match", "\"0x1\"")], (412, "TargetConditionNotMet")),
        (&source, vec![("if-match", "\"0x1\""), BLOB], (412, "ConditionNotMet")),
        (&source, vec![("if-none-match", "*")], (409, "BlobAlreadyExists")),
        (&source, vec![("if-match", "\"0x1\""), ("if-none-match", "*")], (400, "MultipleConditionHeadersNotSupported")),
        (&source, vec![("x-ms-source-range", "bytes=0-0")], (400, "InvalidHeaderValue")),
        (&source, vec![("x-ms-access-tier", "Cool")], (501, "NotImplemented")),
        (&fixture.url("files/source"), vec![], (401, "CannotVerifyCopySource")),
        (&writes_only, vec![], (403, "CannotVerifyCopySource")),
        (&fixture.signed("files/missing"), vec![], (404, "CannotVerifyCopySource")),
        (&fixture.signed("nowhere/source"), vec![], (404, "CannotVerifyCopySource")),
        (&fixture.signed("files/source?snapshot=2026-01-01T00:00:00Z"), vec![], (501, "NotImplemented")),
        ("https://other.blob.core.windows.net/files/a?sig=x", vec![], (501, "NotImplemented")),
        ("http://127.0.0.1:1/devstoreaccount1/files/source", vec![], (501, "NotImplemented")),
        (&source.replace("/devstoreaccount1/", "/otheraccount/"), vec![], (501, "NotImplemented")),
        ("/devstoreaccount1/files/source", vec![], (400, "InvalidHeaderValue")),
        ("not an address", vec![], (400, "InvalidHeaderValue")),
    ] {
        let refused = copy(&fixture, "files/target", source, &headers).await;
        assert_eq!((refused.status().as_u16(), code(&refused)), expected, "{source} {headers:?}");
    }
    assert_eq!(fixture.blobs.get("files", "target").expect("a store").expect("there").body.as_ref(), b"y");
    let local = source.replace("127.0.0.1", "localhost");
    let holds = [("x-ms-source-if-match", etag.as_str()), ("x-ms-source-if-modified-since", PAST)];
    assert_eq!(copy(&fixture, "files/target", &local, &holds).await.status(), 202);
    let abort = [("x-ms-copy-action", "abort")];
    for (path, expected) in [
        ("files/target?comp=copy&copyid=1", (409, "NoPendingCopyOperation")),
        ("files/missing?comp=copy&copyid=1", (404, "BlobNotFound")),
        ("files/target?comp=copy", (400, "MissingRequiredQueryParameter")),
    ] {
        let refused = call(&fixture, "PUT", path, &abort, "").await;
        assert_eq!((refused.status().as_u16(), code(&refused)), expected, "{path}");
    }
}

/// A list may name a block many times, so a small request makes a source of any length; copies from an address have all of
/// its bytes, and are bounded: what is put as bodies are, Copy Blob From URL at 256 MiB.
#[tokio::test]
async fn what_is_copied_before_the_answer_is_bounded() {
    let fixture = Fixture::start().await;
    let piece = "x".repeat(1 << 20);
    assert_eq!(call(&fixture, "PUT", "files/long?comp=block&blockid=MDE=", &[], &piece).await.status(), 201);
    let list = format!("<BlockList>{}</BlockList>", "<Latest>MDE=</Latest>".repeat(5001));
    assert_eq!(call(&fixture, "PUT", "files/long?comp=blocklist", &[], &list).await.status(), 201);
    let source = fixture.signed("files/long");
    let list = format!("<BlockList>{}</BlockList>", "<Latest>MDE=</Latest>".repeat(257));
    assert_eq!(call(&fixture, "PUT", "files/less?comp=block&blockid=MDE=", &[], &piece).await.status(), 201);
    assert_eq!(call(&fixture, "PUT", "files/less?comp=blocklist", &[], &list).await.status(), 201);
    let less = fixture.signed("files/less");
    let sync = ("x-ms-requires-sync", "true");
    let refused = copy(&fixture, "files/whole", &less, &[sync]).await;
    assert_eq!((refused.status().as_u16(), code(&refused)), (409, "CannotVerifyCopySource"));
    assert_eq!(copy(&fixture, "files/whole", &less, &[]).await.status(), 202, "one that may take its time has no end");
    let block = "files/parts?comp=block&blockid=MDE=";
    let (most, more) = (format!("bytes=0-{}", 4000_u64 << 20), "bytes=1048576-");
    for (path, headers) in [
        ("files/whole", vec![BLOB]),
        (block, vec![]),
        (block, vec![("x-ms-source-range", &*most)]),
        (block, vec![("x-ms-source-range", more)]),
    ] {
        let refused = copy(&fixture, path, &source, &headers).await;
        assert_eq!((refused.status().as_u16(), code(&refused)), (409, "CannotVerifyCopySource"), "{path} {headers:?}");
        let text = refused.text().await.expect("a body");
        assert!(text.contains("longer than the"), "{text}");
    }
    assert_eq!(copy(&fixture, block, &source, &[("x-ms-source-range", "bytes=9-99")]).await.status(), 201);
}

/// Addresses of sources are not dialled, so a token for one crosses the connection of the request, and only that.
#[tokio::test]
async fn a_token_for_the_source_needs_https_of_the_request_itself() {
    let fixture = Fixture::start().await;
    put(&fixture, "source", &Bytes::from_static(b"x"));
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let end = crate::clock::machine_now() + std::time::Duration::from_secs(60);
    let (plain, source) = (fixture.signed_until("files/target", end, "cw"), fixture.url("files/source"));
    let [secure, secure_source] = [&plain, &source].map(|url| url.replace("http://", "https://"));
    let token = format!("Bearer {}", fixture.identity.token("owner", "https://storage.azure.com").expect("a token"));
    for (target, source, expected) in [
        (&plain, &source, (403, "CannotVerifyCopySource")),
        (&plain, &secure_source, (403, "CannotVerifyCopySource")),
        (&secure, &source, (202, "")),
        (&secure, &secure_source, (202, "")),
    ] {
        let request = http.put(target).header("x-ms-copy-source", source).header("content-length", "0");
        let request = request.header("x-ms-copy-source-authorization", &token);
        let answer = request.send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), header(&answer, "x-ms-error-code")), expected, "{target} {source}");
    }
}
