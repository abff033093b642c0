//! Rewinds of checkpoints and leases, as the listeners of hubs and feeds take them.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

/// Asks a listener to go on from another position.
pub(super) struct Rewind<P> {
    pub(super) position: P,
    /// Told once the position is stored and in force.
    pub(super) done: oneshot::Sender<Result<(), String>>,
}

/// Where a listener takes rewinds.
pub(super) type RewindSender<P> = mpsc::Sender<Rewind<P>>;

/// The listeners that can be rewound, by function.
#[derive(Default)]
pub(super) struct Levers {
    pub(super) hubs: BTreeMap<String, HubLever>,
    /// Positions are logical sequence numbers of each range.
    pub(super) feeds: BTreeMap<String, RewindSender<u64>>,
}

/// A hub's listener.
pub(super) struct HubLever {
    pub(super) partitions: Vec<String>,
    /// Positions are partition and sequence number.
    pub(super) rewinds: RewindSender<(String, i64)>,
}
