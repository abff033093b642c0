use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use apache_avro::{Reader, types::Value as Avro};
use tokio::net::TcpListener;

use super::{Stand, message, topology};
use crate::{
    blobs::Blobs,
    event_hubs::{CapturedFile, capture},
    identity::Identity,
    topology::StorageAccount,
};

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

type News = Arc<Mutex<Vec<CapturedFile>>>;

/// Starts capture; gives what it tells of.
fn start(stand: &Stand, store: &Blobs) -> News {
    let news = News::default();
    let heard = news.clone();
    let observer: capture::Observer = Arc::new(move |file| {
        heard.lock().unwrap().push(file.clone());
        Ok(())
    });
    capture::start(&stand.hubs, store, &stand.storage, &stand.clock, observer).unwrap();
    news
}

/// Waits until capture has told of `count` files and gives the last one.
async fn told(news: &News, count: usize) -> CapturedFile {
    let told = async {
        loop {
            if let Some(file) = news.lock().unwrap().get(count - 1) {
                return file.clone();
            }
            crate::clock::pause(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the news comes")
}

/// Waits until there are `count` files and gives the sequence numbers in each.
async fn files(blobs: &Blobs, count: usize) -> Vec<Vec<i64>> {
    let listed = async {
        loop {
            let files = blobs.list("capture", "contoso/products/").unwrap();
            if files.len() >= count {
                return files;
            }
            crate::clock::pause(Duration::from_millis(5)).await;
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
    let news = start(&stand, &store);
    let partition = stand.hub().partitions()[3].clone();
    // Capture takes what comes after it has begun.
    let begun = stand.storage.keyspace("event-hubs-capture").unwrap();
    while begun.get("products/3").unwrap().is_none() {
        crate::clock::pause(Duration::from_millis(5)).await;
    }
    partition.append(&[message("a"), message("b")]).unwrap();
    stand.clock.advance(Duration::from_secs(61));
    assert_eq!(files(&store, 1).await, [[0, 1]]);
    let file = told(&news, 1).await;
    let (name, properties) = store.list("capture", "contoso/products/3/").unwrap().remove(0);
    assert_eq!(file.url, format!("{}/capture/{name}", store.endpoint()));
    assert_eq!((file.hub.as_str(), file.partition.as_str(), file.events), ("products", "3", 2));
    assert_eq!(file.length, properties.length);
    assert_eq!(file.edges.map(|(first, last)| (first.sequence, last.sequence)), Some((0, 1)));
    partition.append(&[message("c")]).unwrap();
    drop(partition);
    store.stop().await;
    drop((store, begun));

    let stand = stand.restart().await;
    // Days without the stack make no files of their own.
    stand.clock.advance(Duration::from_secs(3600));
    let store = blobs(&stand).await;
    start(&stand, &store);
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
    let news = start(&stand, &store);
    assert_eq!(files(&store, 1).await, [[0, 1]]);
    let before = told(&news, 1).await;
    let written = store.list("capture", "").unwrap();
    store.stop().await;
    drop(store);

    progress.insert("products/3", interrupted.to_string()).unwrap();
    drop(progress);
    let stand = stand.restart().await;
    let store = blobs(&stand).await;
    let news = start(&stand, &store);
    stand.clock.advance(Duration::from_secs(61));
    assert_eq!(files(&store, 2).await, [vec![0, 1], vec![2]]);
    assert_eq!(store.list("capture", "").unwrap()[0], written[0]);
    // The crash may have come before anybody heard of the file.
    let again = told(&news, 1).await;
    assert_eq!((again.events, again.length, again.edges), (before.events, before.length, before.edges));
    store.stop().await;
    stand.hubs.stop().await;
}

/// A window that is not skipped has its file, and its news, though nothing came; and news that nobody took is repeated.
#[tokio::test]
async fn an_empty_window_has_a_file_without_events_and_its_news_is_repeated_until_it_is_taken() {
    let mut topology = topology();
    topology.hubs[0].capture.as_mut().unwrap().skip_empty = false;
    let stand = Stand::with(topology).await;
    let store = blobs(&stand).await;
    let (news, ill) = (News::default(), Arc::new(AtomicBool::new(true)));
    let (heard, failing) = (news.clone(), ill.clone());
    let observer: capture::Observer = Arc::new(move |file| {
        if failing.swap(false, Ordering::Relaxed) {
            return Err("the one who listens is ill".into());
        }
        heard.lock().unwrap().push(file.clone());
        Ok(())
    });
    capture::start(&stand.hubs, &store, &stand.storage, &stand.clock, observer).unwrap();
    let begun = stand.storage.keyspace("event-hubs-capture").unwrap();
    for partition in stand.hub().partitions() {
        while begun.get(format!("products/{}", partition.id())).unwrap().is_none() {
            crate::clock::pause(Duration::from_millis(5)).await;
        }
    }
    stand.clock.advance(Duration::from_secs(61));
    assert_eq!(files(&store, 4).await, [[]; 4] as [[i64; 0]; 4]);
    told(&news, 4).await;
    for file in news.lock().unwrap().iter() {
        assert_eq!((file.events, file.edges, file.length), (0, None, 508));
    }
    assert!(!ill.load(Ordering::Relaxed));
    store.stop().await;
    stand.hubs.stop().await;
}

/// A window ends with its size as well, and its file may be larger than what capture holds in memory.
#[tokio::test]
async fn a_window_ends_with_its_size() {
    let mut topology = topology();
    topology.hubs[0].capture.as_mut().unwrap().size_limit_bytes = 3_000_000;
    let stand = Stand::with(topology).await;
    let store = blobs(&stand).await;
    let body = "x".repeat(10_000);
    let messages: Vec<_> = (0..90).map(|_| message(&body)).collect();
    for _ in 0..4 {
        stand.hub().partitions()[3].append(&messages).unwrap();
    }
    let progress = stand.storage.keyspace("event-hubs-capture").unwrap();
    let now = stand.clock.now().unix_timestamp();
    let begun = serde_json::json!({ "window_start": now, "next": 0, "closing": null });
    progress.insert("products/3", begun.to_string()).unwrap();
    let news = start(&stand, &store);
    let file = told(&news, 1).await;
    assert_eq!(files(&store, 1).await[0], (0..i64::try_from(file.events).unwrap()).collect::<Vec<_>>());
    assert!((290..=300).contains(&file.events), "{} events of 10 kB", file.events);
    store.stop().await;
    stand.hubs.stop().await;
}
