//! What tests can make go wrong, as a client feels it.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::{Instant, timeout};

use super::{
    Stand, message,
    peer::{DETACH, Peer, TRANSFER},
};
use crate::event_hubs::levers::{Answer, LeverError, Scope};

const ACCEPTED: u64 = 0x24;
const SITE: &str = "products/ConsumerGroups/site/Partitions/0";

fn partition(id: &str) -> Scope {
    Scope::Partition { hub: "products".to_owned(), partition: id.to_owned() }
}

fn times(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

#[tokio::test]
async fn the_next_sends_are_answered_as_asked_and_not_stored() {
    let stand = Stand::new().await;
    let levers = stand.hubs.levers();
    let mut peer = Peer::with_key(&stand).await;
    peer.sender(0, "products/Partitions/0").await.unwrap();
    peer.sender(1, "products/Partitions/1").await.unwrap();
    levers.answer_sends(partition("0"), Answer::Released, times(2)).unwrap();
    levers.answer_sends(Scope::Hub("Products".to_owned()), Answer::Modified, times(1)).unwrap();
    let busy = Answer::Rejected { condition: "com.microsoft:server-busy".to_owned() };
    levers.answer_sends(Scope::All, busy, times(1)).unwrap();

    assert_eq!(peer.send(0, &message("a")).await.0, 0x26);
    assert_eq!(levers.state().answers[0].left, 1);
    assert_eq!(peer.send(1, &message("b")).await.0, 0x27);
    assert_eq!(peer.send(1, &message("c")).await, (0x25, "com.microsoft:server-busy".to_owned()));
    assert_eq!(peer.send(1, &message("d")).await.0, ACCEPTED);
    assert_eq!(peer.send(0, &message("e")).await.0, 0x26);
    assert_eq!(peer.send(0, &message("f")).await.0, ACCEPTED);
    assert_eq!(levers.state().answers, []);
    for id in [0, 1] {
        assert_eq!(stand.hub().partitions()[id].state().last_sequence, 0);
    }
    stand.hubs.stop().await;
}

#[tokio::test]
async fn dispositions_and_deliveries_wait_until_the_delay_ends_or_is_cleared() {
    let stand = Stand::new().await;
    let levers = stand.hubs.levers();
    let mut peer = Peer::with_key(&stand).await;
    peer.sender(0, "products/Partitions/0").await.unwrap();
    let begun = Instant::now();
    levers.delay_dispositions(partition("0"), Duration::from_millis(150)).unwrap();
    assert_eq!(peer.send(0, &message("a")).await.0, ACCEPTED);
    assert!(begun.elapsed() >= Duration::from_millis(150));

    levers.delay_dispositions(partition("0"), Duration::from_secs(3600)).unwrap();
    peer.start_send(0, &message("b")).await;
    stand.hub().partitions()[0].grown_past(0).await;
    assert!(timeout(Duration::from_millis(100), peer.outcome()).await.is_err());
    levers.clear_delays();
    assert_eq!(peer.outcome().await.0, ACCEPTED);

    let mut reader = Peer::with_key(&stand).await;
    levers.delay_deliveries(Scope::Hub("products".to_owned()), Duration::from_secs(3600)).unwrap();
    reader.receiver(0, SITE, None, None).await.unwrap();
    assert!(timeout(Duration::from_millis(100), reader.expect(TRANSFER)).await.is_err());
    levers.delay_deliveries(Scope::Hub("products".to_owned()), Duration::from_millis(50)).unwrap();
    reader.expect(TRANSFER).await;
    reader.expect(TRANSFER).await;
    levers.delay_deliveries(Scope::Hub("products".to_owned()), Duration::from_secs(3600)).unwrap();
    stand.hub().partitions()[0].append(&[message("c")]).unwrap();
    assert!(timeout(Duration::from_millis(100), reader.expect(TRANSFER)).await.is_err());
    levers.clear();
    reader.expect(TRANSFER).await;
    stand.hubs.stop().await;
}

#[tokio::test]
async fn links_and_connections_can_be_dropped_and_partitions_stolen() {
    let stand = Stand::new().await;
    let levers = stand.hubs.levers();
    let (mut sender, mut reader) = (Peer::with_key(&stand).await, Peer::with_key(&stand).await);
    sender.sender(0, "products").await.unwrap();
    reader.receiver(0, SITE, None, None).await.unwrap();
    reader.receiver(1, "products/ConsumerGroups/site/Partitions/1", None, Some(4)).await.unwrap();
    let groups: Vec<_> = levers.state().links.into_iter().map(|link| link.entity.consumer_group).collect();
    assert_eq!(groups, [None, Some("site".to_owned()), Some("site".to_owned())]);

    assert_eq!(levers.steal("products", "SITE", "1"), Ok(1));
    assert_eq!(reader.expect(DETACH).await.condition(), "amqp:link:stolen");
    assert_eq!(levers.steal("products", "site", "1"), Ok(0));
    assert_eq!(levers.detach_links(&partition("0"), "com.microsoft:timeout"), Ok(1));
    assert_eq!(reader.expect(DETACH).await.condition(), "com.microsoft:timeout");

    assert_eq!(levers.state().connections, 2);
    assert_eq!(levers.drop_connections(&Scope::Hub("products".to_owned())), Ok(1));
    assert!(!sender.ends_with_close().await, "there is no farewell");
    assert_eq!(levers.drop_connections(&Scope::All), Ok(1));
    assert!(!reader.ends_with_close().await);
    let gone = async {
        while levers.state().connections > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.expect("the connections end");
    assert_eq!(levers.state().links, []);
    stand.hubs.stop().await;
}

#[tokio::test]
async fn levers_for_what_is_not_there_are_refused() {
    let stand = Stand::new().await;
    let levers = stand.hubs.levers();
    let hub = Scope::Hub("nothing".to_owned());
    assert_eq!(levers.drop_connections(&hub), Err(LeverError::Hub("nothing".to_owned())));
    assert!(matches!(levers.delay_deliveries(partition("4"), Duration::ZERO), Err(LeverError::Partition { .. })));
    assert!(matches!(levers.steal("products", "nobody", "0"), Err(LeverError::ConsumerGroup { .. })));
    let blank = Answer::Rejected { condition: "two words".to_owned() };
    assert_eq!(levers.answer_sends(Scope::All, blank, times(1)), Err(LeverError::Condition));
    stand.hubs.stop().await;
}
