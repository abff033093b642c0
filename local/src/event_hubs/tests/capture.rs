use std::time::Duration;

use apache_avro::Reader;
use apache_avro::types::Value as Avro;
use tokio::net::TcpListener;

use super::{Stand, message};
use crate::blobs::Blobs;
use crate::event_hubs::capture;
use crate::identity::Identity;
use crate::topology::StorageAccount;

async fn blobs(stand: &Stand) -> Blobs {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Blobs::start(
        &StorageAccount::default(),
        "devstoreaccount1",
        &Identity::sample().await,
        listener,
        &stand.storage,
        &stand.clock,
    )
    .await
    .unwrap()
}

/// Waits until there are `count` files and gives the sequence numbers in each.
async fn files(blobs: &Blobs, count: usize) -> Vec<Vec<i64>> {
    let listed = async {
        loop {
            let files = blobs.list("capture", "contoso/products/").unwrap();
            if files.len() >= count {
                return files;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let files = tokio::time::timeout(Duration::from_secs(30), listed).await.expect("the files appear");
    let numbers = files.into_iter().map(|(name, _)| {
        let body = blobs.get("capture", &name).unwrap().unwrap().body;
        let records = Reader::new(&body[..]).unwrap();
        let number = |record| match record {
            Ok(Avro::Record(fields)) => match fields[0].1 {
                Avro::Long(number) => number,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        records.map(number).collect()
    });
    numbers.collect()
}

#[tokio::test]
async fn every_event_is_captured_once_across_windows_and_restarts() {
    let stand = Stand::new().await;
    let store = blobs(&stand).await;
    capture::start(&stand.hubs, &store, &stand.storage, &stand.clock).unwrap();
    let partition = stand.hub().partitions()[3].clone();
    // Capture takes what comes after it has begun.
    let begun = stand.storage.keyspace("event-hubs-capture").unwrap();
    while begun.get("products/3").unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    partition.append(&[message("a"), message("b")]).unwrap();
    stand.clock.advance(Duration::from_secs(61));
    assert_eq!(files(&store, 1).await, [[0, 1]]);
    partition.append(&[message("c")]).unwrap();
    drop(partition);
    store.stop().await;
    drop((store, begun));

    let stand = stand.restart().await;
    // Days without the stack make no files of their own.
    stand.clock.advance(Duration::from_secs(3600));
    let store = blobs(&stand).await;
    capture::start(&stand.hubs, &store, &stand.storage, &stand.clock).unwrap();
    assert_eq!(files(&store, 2).await, [vec![0, 1], vec![2]]);
    stand.hub().partitions()[3].append(&[message("d")]).unwrap();
    stand.clock.advance(Duration::from_secs(120));
    assert_eq!(files(&store, 3).await, [vec![0, 1], vec![2], vec![3]]);
    store.stop().await;
    stand.hubs.stop().await;
}

/// A crash can come before a window's file is written, or between the file and the note that it is.
#[tokio::test]
async fn a_window_that_a_crash_interrupted_is_written_once() {
    let stand = Stand::new().await;
    let store = blobs(&stand).await;
    stand.hub().partitions()[3].append(&[message("a"), message("b")]).unwrap();
    stand.hub().partitions()[3].append(&[message("c")]).unwrap();
    let progress = stand.storage.keyspace("event-hubs-capture").unwrap();
    let now = stand.clock.now().unix_timestamp();
    let interrupted = serde_json::json!({
        "window_start": now - 60, "next": 0, "closing": { "end": 2, "next_window_start": now }
    });
    progress.insert("products/3", interrupted.to_string()).unwrap();
    capture::start(&stand.hubs, &store, &stand.storage, &stand.clock).unwrap();
    assert_eq!(files(&store, 1).await, [[0, 1]]);
    let written = store.list("capture", "").unwrap();
    store.stop().await;
    drop(store);

    progress.insert("products/3", interrupted.to_string()).unwrap();
    drop(progress);
    let stand = stand.restart().await;
    let store = blobs(&stand).await;
    capture::start(&stand.hubs, &store, &stand.storage, &stand.clock).unwrap();
    stand.clock.advance(Duration::from_secs(61));
    assert_eq!(files(&store, 2).await, [vec![0, 1], vec![2]]);
    assert_eq!(store.list("capture", "").unwrap()[0], written[0]);
    store.stop().await;
    stand.hubs.stop().await;
}
