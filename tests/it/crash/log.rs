//! The hub's log, as a killed stack leaves it.

use std::path::Path;

use contoso_local::{
    event_hubs::{Partition, StoredEvent},
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::Topology,
    transport::Hosts,
};
use tempfile::TempDir;

/// Every event of the hub, by partition.
#[derive(Default)]
pub(super) struct Log(Vec<Vec<StoredEvent>>);

impl Log {
    /// What a killed stack left, read from a copy so that nothing of it is delivered.
    pub(super) async fn of(data_dir: &Path) -> Self {
        let copy = TempDir::new().expect("a temporary folder");
        let status = std::process::Command::new("cp").arg("-r").arg(data_dir).arg(copy.path().join("data")).status();
        assert!(status.expect("cp runs").success());
        let topology = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
        let options = StackOptions {
            topology: Topology::read(topology.as_ref()).expect("a topology"),
            data_dir: copy.path().join("data"),
            ports: Ports::auto(),
            sync: Sync::Process,
            hosts: Hosts::default(),
        };
        let stack = Box::pin(Stack::start(options, &|_| {})).await.expect("a stack starts on what was left");
        let hub = stack.event_hubs().hub("products").expect("the hub");
        let all = |partition: &Partition| partition.read(0, usize::MAX, usize::MAX).expect("a log");
        let log = hub.partitions().iter().map(all).collect();
        stack.stop().await;
        Self(log)
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// The events of a partition; the index of each is its sequence number.
    pub(super) fn partition(&self, id: usize) -> &[StoredEvent] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// Takes a later state, in which every event must be where it was, without gaps. The sequence number in each partition
    /// from which on it is new.
    pub(super) fn grew_into(&mut self, later: Self, round: usize) -> Vec<usize> {
        for (partition, events) in later.0.iter().enumerate() {
            for (expected, event) in (0..).zip(events) {
                assert_eq!(event.sequence, expected, "round {round}: partition {partition} has a gap");
            }
            let before = self.partition(partition);
            assert!(before.len() <= events.len(), "round {round}: partition {partition} lost events");
            for (old, new) in before.iter().zip(events) {
                assert_eq!(old.message, new.message, "round {round}: partition {partition} at {}", old.sequence);
            }
        }
        let new_from = self.0.iter().map(Vec::len).collect();
        *self = later;
        new_from
    }
}
