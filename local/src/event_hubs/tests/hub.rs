use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{Stand, topology};
use crate::{
    clock::Clock,
    event_hubs::{Error, EventHubs, amqp::condition::Refusal},
    identity::Identity,
    storage::{Storage, Sync},
};

#[tokio::test]
async fn a_topology_that_cannot_be_served_is_refused() {
    let directory = TempDir::new().unwrap();
    let storage = Storage::open(directory.path(), Sync::Process).unwrap();
    let start = async |partitions| {
        let mut topology = topology();
        topology.hubs[0].partitions = partitions;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        EventHubs::start(&topology, &Identity::sample().await, listener, &storage, &Clock::default()).await
    };
    assert!(matches!(start(0).await, Err(Error::Topology { .. })));
    assert!(matches!(start(33).await, Err(Error::Topology { .. })));
    start(4).await.unwrap().stop().await;
    assert!(matches!(start(5).await, Err(Error::PartitionsChanged { stored: 4, wanted: 5, .. })));
}

#[tokio::test]
async fn receivers_give_way_by_epoch() {
    let stand = Stand::new().await;
    let (hub, partition) = (stand.hub(), &stand.hub().partitions()[0]);
    let (displaced, mut log) = tokio::sync::mpsc::unbounded_channel();
    let admit = |group, epoch| {
        let displaced = displaced.clone();
        hub.receivers().admit(group, partition, epoch, move |receiver, _| displaced.send(receiver).unwrap())
    };
    let without: Vec<_> = (0..5).map(|_| admit("site", None).ok().unwrap()).collect();
    let condition = |refusal: Refusal| refusal.condition.symbol().to_owned();
    let refused = |group, epoch| admit(group, epoch).err().map(condition);
    assert_eq!(refused("site", None).as_deref(), Some("amqp:resource-limit-exceeded"));

    let first = admit("SITE", Some(1)).ok().unwrap();
    for lease in &without {
        assert_eq!(log.try_recv(), Ok(lease.id()));
    }
    drop(without);
    assert_eq!(refused("site", None).as_deref(), Some("amqp:link:stolen"));
    assert_eq!(refused("site", Some(0)).as_deref(), Some("amqp:link:stolen"));
    assert_eq!(refused("$Default", None), None);

    let second = admit("site", Some(1)).ok().unwrap();
    assert_eq!(log.try_recv(), Ok(first.id()));
    // The loser's end must not free the winner's partition.
    drop(first);
    assert_eq!(refused("site", None).as_deref(), Some("amqp:link:stolen"));
    drop(second);
    assert_eq!(refused("site", None), None);
    stand.hubs.stop().await;
}
