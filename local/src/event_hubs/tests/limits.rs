//! Limits and refusals of the service, on the wire.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::{
    Stand, message,
    peer::{Peer, TRANSFER, greeting},
    wire::{condition, exchange},
};
use crate::{
    event_hubs::{
        Outgoing,
        engine::{Opening, serve},
    },
    transport::slots::Slot,
};

const SITE: &str = "products/ConsumerGroups/site/Partitions/0";

#[tokio::test]
async fn a_message_of_one_mebibyte_is_taken_and_a_larger_one_refused() {
    let stand = Stand::new().await;
    let mut peer = Peer::with_key(&stand).await;
    peer.sender(0, "products/Partitions/0").await.unwrap();
    let overhead = message(&"x".repeat(1000)).len() - 1000;
    let largest = message(&"x".repeat((1 << 20) - overhead));
    assert_eq!(largest.len(), 1 << 20);
    assert_eq!(peer.send(0, &largest).await.0, 0x24);
    let refused = peer.send(0, &message(&"x".repeat((1 << 20) - overhead + 1))).await;
    assert_eq!(refused, (0x25, "amqp:link:message-size-exceeded".to_owned()));
    let huge = peer.send(0, &message(&"x".repeat(4 << 20))).await;
    assert_eq!(huge, (0x25, "amqp:link:message-size-exceeded".to_owned()));
    // The link lives on, and nothing of the refused ones is there.
    assert_eq!(peer.send(0, &message("small")).await.0, 0x24);
    assert_eq!(stand.hub().partitions()[0].state().last_sequence, 1);
    stand.hubs.stop().await;
}

/// Counted in characters, whether the key chooses the partition or the sender does.
#[tokio::test]
async fn a_partition_key_has_at_most_128_characters() {
    let stand = Stand::new().await;
    let mut peer = Peer::with_key(&stand).await;
    peer.sender(0, "products").await.unwrap();
    peer.sender(1, "products/Partitions/0").await.unwrap();
    let keyed = |length| Outgoing { partition_key: Some("ä".repeat(length)), ..Outgoing::default() }.encode();
    for handle in [0, 1] {
        assert_eq!(peer.send(handle, &keyed(128)).await.0, 0x24);
        assert_eq!(peer.send(handle, &keyed(129)).await, (0x25, "com.microsoft:argument-error".to_owned()));
    }
    let stored = stand.hub().partitions().iter().map(|partition| partition.state().last_sequence + 1).sum::<i64>();
    assert_eq!(stored, 2);
    stand.hubs.stop().await;
}

#[tokio::test]
async fn what_a_receiver_cannot_have_is_refused_by_name() {
    let stand = Stand::new().await;
    stand.hub().partitions()[0].append(&[message("a"), message("b")]).unwrap();
    let mut peer = Peer::with_key(&stand).await;
    let mut handle = 0;
    let mut attach = async |source: &str, selector: Option<&str>, epoch| {
        handle += 1;
        peer.receiver(handle, source, selector, epoch).await
    };
    let refused = |condition: &str| Err(condition.to_owned());
    let partition = |id| format!("products/ConsumerGroups/site/Partitions/{id}");
    assert_eq!(attach("products/ConsumerGroups/nobody/Partitions/0", None, None).await, refused("amqp:not-found"));
    assert_eq!(attach("nothing/ConsumerGroups/site/Partitions/0", None, None).await, refused("amqp:not-found"));
    assert_eq!(attach("products", None, None).await, refused("amqp:not-found"));
    for id in ["4", "-1", "x", "00"] {
        let answer = attach(&partition(id), None, None).await;
        assert_eq!(answer, refused("com.microsoft:argument-out-of-range"), "{id}");
    }
    for selector in [
        "amqp.annotation.x-opt-sequence-number > '2'",
        "amqp.annotation.x-opt-sequence-number >= '2'",
        "amqp.annotation.x-opt-offset > '65'",
        "amqp.annotation.x-opt-offset > 'abc'",
        "amqp.annotation.x-opt-offset > '12",
        "colour = 'red'",
    ] {
        let answer = attach(SITE, Some(selector), None).await;
        assert_eq!(answer, refused("com.microsoft:argument-error"), "{selector}");
    }
    assert_eq!(attach(SITE, None, Some(-1)).await, refused("com.microsoft:argument-error"));
    for selector in ["amqp.annotation.x-opt-sequence-number > '1'", "amqp.annotation.x-opt-offset > '64'"] {
        assert_eq!(attach(&partition("0"), Some(selector), None).await, Ok(()), "{selector}");
    }
    for _ in 0..3 {
        assert_eq!(attach(SITE, Some("amqp.annotation.x-opt-offset > @latest"), None).await, Ok(()));
    }
    assert_eq!(attach(SITE, None, None).await, refused("amqp:resource-limit-exceeded"));
    assert_eq!(attach("products/ConsumerGroups/$default/Partitions/0", None, Some(1)).await, Ok(()));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_receiver_of_a_higher_epoch_takes_over_and_a_lower_one_is_refused() {
    let stand = Stand::new().await;
    let (mut old, mut new) = (Peer::with_key(&stand).await, Peer::with_key(&stand).await);
    old.receiver(0, SITE, None, Some(1)).await.unwrap();
    new.receiver(0, SITE, None, Some(2)).await.unwrap();
    assert_eq!(old.expect(super::peer::DETACH).await.condition(), "amqp:link:stolen");
    for (handle, epoch) in [(1, None), (2, Some(1))] {
        let again = old.receiver(handle, SITE, None, epoch).await;
        assert_eq!(again, Err("amqp:link:stolen".to_owned()), "{epoch:?}");
    }
    stand.hub().partitions()[0].append(&[message("a")]).unwrap();
    new.expect(TRANSFER).await;
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_silent_peer_is_told_and_dropped() {
    let stand = Stand::new().await;
    let (mut peer, served) = tokio::io::duplex(1 << 16);
    let serving = serve(
        served,
        Opening::default(),
        BytesMut::new(),
        Slot::alone(),
        stand.hubs.clone(),
        Duration::from_millis(200),
        CancellationToken::new(),
    );
    let client = async {
        peer.write_all(&greeting()).await.unwrap();
        let mut answer = Vec::new();
        let read = peer.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("the server closes").unwrap();
        answer
    };
    let (served, answer) = tokio::join!(serving, client);
    served.unwrap();
    assert_eq!(condition(&answer).as_deref(), Some("amqp:resource-limit-exceeded"));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_peer_that_sends_heartbeats_is_kept() {
    let stand = Stand::new().await;
    let (mut peer, served) = tokio::io::duplex(1 << 16);
    let stopping = CancellationToken::new();
    let serving = serve(
        served,
        Opening::default(),
        BytesMut::new(),
        Slot::alone(),
        stand.hubs.clone(),
        Duration::from_millis(400),
        stopping.clone(),
    );
    let client = async {
        peer.write_all(&greeting()).await.unwrap();
        for _ in 0..12 {
            crate::clock::pause(Duration::from_millis(100)).await;
            peer.write_all(&[0, 0, 0, 8, 2, 0, 0, 0]).await.unwrap();
        }
        stopping.cancel();
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let (_, answer) = tokio::join!(serving, client);
    assert_eq!(condition(&answer).as_deref(), Some("amqp:connection:forced"));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn one_connection_cannot_make_the_server_keep_more_and_more() {
    let stand = Stand::new().await;
    let mut bytes = greeting();
    super::peer::begin(&mut bytes);
    // Deliveries that are never completed, on more links than there may be.
    for handle in 0..66_u32 {
        let mut attach = BytesMut::new();
        let fields = super::peer::attach_fields(handle, "products/Partitions/0");
        super::peer::put_with_payload(&mut attach, 0, super::peer::ATTACH, fields, b"");
        let head = super::peer::transfer_fields(handle, handle, true);
        super::peer::put_with_payload(&mut attach, 0, TRANSFER, head, &[0; 1000]);
        bytes.put_slice(&attach);
    }
    let answer = exchange(&stand, &bytes).await;
    assert_eq!(condition(&answer).as_deref(), Some("amqp:resource-limit-exceeded"));
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_not_opened_in_time_is_closed_and_one_that_is_stays() {
    let stand = Stand::new().await;
    let open = Peer::with_key(&stand).await;
    let mut strangers = tokio::task::JoinSet::new();
    for begun in [&b"AMQP"[..], b"AMQP\x03\x01\x00\x00", b"GET /$servicebus/websocket HTTP/1.1\r\nHost: "] {
        let mut stranger = tokio::net::TcpStream::connect(stand.hubs.address()).await.unwrap();
        stranger.write_all(begun).await.unwrap();
        strangers.spawn(async move {
            let mut rest = Vec::new();
            stranger.read_to_end(&mut rest).await.unwrap();
        });
    }
    while let Some(closed) = strangers.join_next().await {
        closed.unwrap();
    }
    // By now the open one is older than their patience.
    let mut open = open;
    open.sender(0, "products/Partitions/0").await.unwrap();
    assert_eq!(open.send(0, &message("late")).await.0, 0x24);
    stand.hubs.stop().await;
}
