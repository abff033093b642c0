use std::time::Duration;

use super::{Stand, message};
use crate::event_hubs::{Error, Start};

#[tokio::test]
async fn sequence_numbers_go_on_after_a_restart_and_after_retention() {
    let stand = Stand::new().await;
    let partition = stand.hub().partitions()[1].clone();
    assert_eq!(partition.state().last_sequence, -1);
    assert_eq!(partition.append(&[message("a"), message("b")]).unwrap(), 0);
    drop(partition);

    let stand = stand.restart().await;
    let partition = stand.hub().partitions()[1].clone();
    assert_eq!(partition.append(&[message("c")]).unwrap(), 2);
    let bodies = |from| {
        let events = partition.read(from, 10, 1 << 20).unwrap();
        events.iter().map(|event| (event.sequence, event.decode().unwrap().body)).collect::<Vec<_>>()
    };
    assert_eq!(bodies(1), [(1, "b".into()), (2, "c".into())]);
    let before = partition.state();

    stand.clock.advance(Duration::from_secs(25 * 3600));
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while partition.state().begin_sequence < 3 {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap();
    assert!(partition.state().is_empty());
    assert_eq!(partition.state().last_offset, before.last_offset);
    assert_eq!(bodies(0), []);
    drop(partition);

    let stand = stand.restart().await;
    let partition = &stand.hub().partitions()[1];
    assert_eq!(partition.state().last_sequence, 2);
    assert_eq!(partition.append(&[message("d")]).unwrap(), 3);
    stand.hubs.stop().await;
}

#[tokio::test]
async fn readers_behind_the_cache_read_the_same_from_the_store() {
    let stand = Stand::new().await;
    let partition = &stand.hub().partitions()[0];
    // Twenty-four megabytes, of which the cache keeps the last third.
    let body = "x".repeat(100_000);
    for first in (0..240).step_by(4) {
        let publication: Vec<_> = (first..first + 4).map(|n| message(&format!("{n} {body}"))).collect();
        assert_eq!(partition.append(&publication).unwrap(), first);
    }
    let mut next = 0;
    while next < 240 {
        for event in partition.read(next, 7, 1 << 20).unwrap() {
            let body = event.decode().unwrap().body;
            assert_eq!(event.sequence, next);
            assert!(body.starts_with(format!("{next} ").as_bytes()));
            next += 1;
        }
    }
    stand.hubs.stop().await;
}

#[tokio::test]
async fn every_start_position_finds_its_event() {
    let stand = Stand::new().await;
    let partition = &stand.hub().partitions()[0];
    let mut times = Vec::new();
    for first in (0..30).step_by(3) {
        partition.append(&[message("a"), message("b"), message("c")]).unwrap();
        times.push((first, partition.state().last_enqueued_millis));
        stand.clock.advance(Duration::from_secs(1));
    }
    let at = |start| partition.first_sequence_at(&start).unwrap();
    assert_eq!(at(Start::Earliest), 0);
    assert_eq!(at(Start::Latest), 30);
    assert_eq!(at(Start::Sequence { number: 7, inclusive: true }), 7);
    assert_eq!(at(Start::Sequence { number: 7, inclusive: false }), 8);
    assert_eq!(at(Start::Sequence { number: 700, inclusive: true }), 30);
    let events = partition.read(0, 100, 1 << 20).unwrap();
    for event in &events {
        let text = event.offset.to_string();
        assert_eq!(at(Start::Offset { text: text.clone(), inclusive: true }), event.sequence);
        assert_eq!(at(Start::Offset { text, inclusive: false }), event.sequence + 1);
    }
    for (first, millis) in times {
        assert_eq!(at(Start::EnqueuedTime { millis, inclusive: true }), first);
        assert_eq!(at(Start::EnqueuedTime { millis, inclusive: false }), first + 3);
    }
    let unknown = Start::Offset { text: "first".to_owned(), inclusive: true };
    assert!(matches!(partition.first_sequence_at(&unknown), Err(Error::Offset(_))));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_publication_is_stored_whole_or_not_at_all() {
    let stand = Stand::new().await;
    let partition = &stand.hub().partitions()[0];
    let refused = partition.append(&[message("good"), "bad".into()]);
    assert!(matches!(refused, Err(Error::Malformed { index: 1, .. })));
    assert_eq!(partition.state().last_sequence, -1);
    stand.hubs.stop().await;
}
