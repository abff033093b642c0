//! What survives, and what must not.

use std::sync::{Arc, Mutex};

use azure_core::http::RequestContent;
use bytes::Bytes;
use futures::StreamExt;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::Fixture;
use crate::blobs::{Api, BlobCreated, Condition, PutOptions};

fn body(seed: u8, length: usize) -> Bytes {
    (0..length).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

#[tokio::test]
async fn a_restart_keeps_everything_and_tags_only_grow() {
    let fixture = Fixture::start().await;
    // The stack's clock does not survive, the tags must grow all the same.
    fixture.clock.advance(std::time::Duration::from_secs(86_400));
    let large = body(1, 700_000);
    let options = PutOptions {
        content_type: Some("application/avro".to_owned()),
        metadata: [("owner".to_owned(), "a".to_owned())].into(),
        condition: Some(Condition::IfAbsent),
    };
    let before = fixture.blobs.put("files", "kept", large.clone(), options).expect("stored");

    let Fixture { directory, storage, identity, blobs, .. } = fixture;
    let fixture =
        Fixture { directory, storage, identity, blobs, clock: crate::clock::Clock::default() }.restart().await;
    let kept = fixture.blobs.get("files", "kept").expect("a store").expect("it is there");
    assert!(kept.body == large);
    assert_eq!(kept.properties.etag, before.etag);
    assert_eq!(
        (kept.properties.content_type.as_str(), &kept.properties.metadata["owner"][..]),
        ("application/avro", "a")
    );
    let after = fixture.blobs.put("files", "kept", Bytes::new(), PutOptions::default()).expect("stored");
    assert!(after.etag > before.etag, "{} > {}", after.etag, before.etag);
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let fixture = Fixture::start().await;
    let url = fixture.signed("files/half");
    let path = url.strip_prefix(&format!("http://{}", fixture.blobs.address())).expect("an address").to_owned();
    let mut client = TcpStream::connect(fixture.blobs.address()).await.expect("connected");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\nx-ms-blob-type: BlockBlob\r\ncontent-length: 10000000\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.expect("sent");
    client.write_all(&body(2, 2_000_000)).await.expect("sent");
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    let until = |empty: bool| {
        let chunks = chunks.clone();
        async move {
            while chunks.is_empty().expect("a store") != empty {
                tokio::task::yield_now().await;
            }
        }
    };
    until(false).await;
    assert!(fixture.blobs.get("files", "half").expect("a store").is_none(), "half a blob is none");
    drop(client);
    until(true).await;
}

#[tokio::test]
async fn what_a_crash_left_is_swept_at_the_next_start() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "kept", body(3, 600_000), PutOptions::default()).expect("stored");
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    let owned = chunks.len().expect("a store");
    // An upload that never ends, as a kill leaves it.
    let mut upload = fixture.blobs.inner.service.store.upload();
    upload.write(&body(4, 900_000)).expect("written");
    std::mem::forget(upload);
    assert!(chunks.len().expect("a store") > owned);
    drop(chunks);

    // The forgotten upload holds the directory, so the next start happens beside it.
    let store = crate::blobs::store::Store::open(&fixture.storage, &fixture.clock).expect("a store");
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    assert_eq!(chunks.len().expect("a store"), owned);
    drop(store);
    assert!(fixture.blobs.get("files", "kept").expect("a store").expect("it is there").body == body(3, 600_000));
}

#[tokio::test]
async fn a_blob_written_piece_by_piece_is_there_whole_or_not_at_all() {
    let fixture = Fixture::start().await;
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    let pieces: Vec<_> = (0..40).map(|seed| body(seed, 30_001)).collect();
    let write = |pieces: &[Bytes]| {
        let options = PutOptions { condition: Some(Condition::IfAbsent), ..PutOptions::default() };
        let mut writer = fixture.blobs.create("files", "long", options).expect("begun");
        for piece in pieces {
            writer.write(piece).expect("written");
        }
        assert!(!chunks.is_empty().expect("a store"), "it went to the store as it came");
        writer
    };
    drop(write(&pieces));
    assert!(chunks.is_empty().expect("a store"), "given up, it leaves nothing");

    let (first, second) = (write(&pieces), write(&pieces[..20]));
    assert!(fixture.blobs.get("files", "long").expect("a store").is_none(), "not there yet");
    let properties = first.commit().expect("committed");
    assert_eq!(properties.length, 40 * 30_001);
    let late = second.commit().expect_err("there is one by now");
    assert_eq!(late.code(), crate::blobs::Code::BlobAlreadyExists);
    assert!(fixture.blobs.get("files", "long").expect("a store").expect("it is there").body == pieces.concat());
}

#[tokio::test]
async fn a_reader_finishes_the_version_it_began() {
    let fixture = Fixture::start().await;
    let (old, new) = (body(5, 20_000_000), body(6, 1000));
    fixture.blobs.put("files", "report", old.clone(), PutOptions::default()).expect("stored");
    let answer = reqwest::get(fixture.signed("files/report")).await.expect("an answer");
    fixture.blobs.put("files", "report", new.clone(), PutOptions::default()).expect("stored");
    let mut received = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(bytes) = stream.next().await {
        received.extend_from_slice(&bytes.expect("the whole body"));
    }
    assert!(received == old);
    assert!(fixture.blobs.get("files", "report").expect("a store").expect("it is there").body == new);
    // Once read, the old bytes go.
    let chunks = fixture.storage.keyspace("blobs.chunks").expect("a keyspace");
    while chunks.len().expect("a store") > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn news_of_a_blob_is_handed_on_before_the_write_is_acknowledged_or_at_the_next_start() {
    let fixture = Fixture::start().await;
    let heard: Arc<Mutex<Vec<BlobCreated>>> = Arc::default();
    let listen = |fixture: &Fixture, works: bool| {
        let heard = Arc::clone(&heard);
        fixture.blobs.observe(Arc::new(move |news| {
            if !works {
                return Err("the one who listens is ill".into());
            }
            heard.lock().expect("no panic").push(news.clone());
            Ok(())
        }))
    };
    listen(&fixture, true).expect("nothing is pending");
    let blob = fixture.files().blob_client("2025/21.avro");
    blob.upload(RequestContent::from(b"avro".to_vec()), None).await.expect("uploaded");
    let first = heard.lock().expect("no panic").pop().expect("it was told before the answer");
    assert_eq!((first.container.as_str(), first.name.as_str(), first.length), ("files", "2025/21.avro", 4));
    assert_eq!((first.api, first.url), (Api::PutBlob, fixture.url("files/2025/21.avro")));
    assert!(first.client_request_id.is_some());

    listen(&fixture, false).expect("nothing is pending");
    let refused = blob.upload(RequestContent::from(b"avro 2".to_vec()), None).await.expect_err("not acknowledged");
    assert_eq!(refused.http_status().map(u16::from), Some(500));
    drop(blob);

    let fixture = fixture.restart().await;
    listen(&fixture, true).expect("handed on");
    let later = heard.lock().expect("no panic").pop().expect("it was told at the next start");
    assert_eq!((later.name.as_str(), later.length), ("2025/21.avro", 6));
}
