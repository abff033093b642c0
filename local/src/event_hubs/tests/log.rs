use std::time::Duration;

use super::{Stand, message, peer::Peer};
use crate::event_hubs::{
    Error, Start,
    amqp::{Value, message::compose, section::Kind},
};

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
    assert_eq!(at(Start::Latest { inclusive: false }), 30);
    assert_eq!(at(Start::Latest { inclusive: true }), 29);
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

/// Delivery annotations are between a client and its server only, and may stand last, where Python's client writes them.
#[tokio::test]
async fn delivery_annotations_go_no_further_and_bodies_stay_as_they_are() {
    let stand = Stand::new().await;
    let mut peer = Peer::with_key(&stand).await;
    peer.sender(0, "products/Partitions/0").await.unwrap();
    let gone = (Kind::DeliveryAnnotations, Value::Map(vec![(Value::symbol("k"), Value::string("v"))]));
    let properties = (Kind::ApplicationProperties, Value::Map(vec![(Value::string("a"), Value::string("1"))]));
    let data = |text: &str| (Kind::Data, Value::Binary(text.as_bytes().to_vec()));
    let null = |kind| (kind, Value::Null);
    let cases = [
        (vec![properties.clone(), data("aa"), data("bb")], "aabb"),
        (vec![properties.clone(), null(Kind::Data)], ""),
        (vec![properties.clone(), null(Kind::Value)], ""),
        (vec![properties], ""),
    ];
    for (sections, _) in &cases {
        let [first, rest] = [vec![gone.clone()], sections.clone()];
        for message in [[first.clone(), rest.clone()].concat(), [rest, first].concat()] {
            assert_eq!(peer.send(0, &compose(message)).await, (0x24, String::new()));
        }
    }
    let stored = stand.hub().partitions()[0].read(0, 10, 1 << 20).unwrap();
    for (event, (sections, body)) in stored.iter().zip(cases.iter().flat_map(|case| [case, case])) {
        assert!(event.message.ends_with(&compose(sections.clone())), "sections as they were, behind the annotations");
        let data = event.decode().unwrap();
        assert_eq!((&data.body[..], data.properties["a"].as_text()), (body.as_bytes(), Some("1")));
        assert!(!data.system_properties.contains_key("k"));
    }
    assert_eq!(stored.len(), 8);
    stand.hubs.stop().await;
}
