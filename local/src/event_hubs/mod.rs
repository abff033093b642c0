//! Event Hubs: an AMQP 1.0 server with a durable log per partition, and capture.
//!
//! Official clients work against it unchanged, in plain text and over TLS, and over WebSockets, on one port.
//! [`EventHubs::start`] serves a namespace; the other rooms of the stack read and append through [`Hub`] and [`Partition`]
//! without the wire between.
//!
//! | part | what it does |
//! | --- | --- |
//! | `amqp` | values, frames, performatives, message sections |
//! | `access` | keys and tokens, and what they open |
//! | `engine` | one connection: sessions, links, sending, receiving, `$cbs`, `$management` |
//! | `log` | the events of one partition in the store |
//! | `namespace`, `hub`, `receivers`, `epoch_receiver`, `position` | what a namespace and a hub are made of, epochs, start positions |
//! | `levers`, `switchboard` | what tests make go wrong; the open connections and links |
//! | `capture` | Avro files of what a hub received |

mod access;
mod amqp;
pub mod capture;
mod compose;
mod engine;
mod epoch_receiver;
mod error;
mod event;
mod hub;
pub mod levers;
mod log;
mod namespace;
mod position;
mod receivers;
mod switchboard;

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use self::{access::Access, namespace::Shared, switchboard::Switchboard};
use crate::{
    clock::Clock,
    identity::Identity,
    storage::Storage,
    topology,
    transport::{Accepted, AcceptedConnections, Hosts, QuickAck},
};
pub use access::Entity;
pub use amqp::{DecodeError, Value};
pub use capture::{CaptureError, CapturedFile};
pub use compose::Outgoing;
pub use epoch_receiver::{EpochReceiver, HigherEpoch};
pub use error::Error;
pub(crate) use event::{BodyKind, Ordered as OrderedEvent};
pub use event::{EventData, StoredEvent};
pub use hub::Hub;
pub use log::{Partition, PartitionState};
pub use namespace::EventHubs;
pub use position::Start;

/// Memory for the newest events of all partitions together, shared out evenly.
const TAIL_BYTES: usize = 64 << 20;

/// How often retention looks for what is past its time.
const RETENTION_PERIOD: Duration = Duration::from_secs(10);

/// Key of the rule `RootManageSharedAccessKey`: the one that official emulators use. It opens nothing outside this machine.
pub const SHARED_ACCESS_KEY: &str = "SAS_KEY_VALUE";

/// Silence after which a peer is dropped: what the service announces.
const IDLE_TIME_OUT: Duration = Duration::from_secs(240);

impl EventHubs {
    /// Serves the hubs of `topology` over AMQP on `listener`, in plain text and over TLS, as it is and over WebSockets. What `storage` holds of them is
    /// kept. Clients show tokens of `identity`, or the key of the rule `RootManageSharedAccessKey`.
    ///
    /// # Errors
    /// When the topology goes beyond the service's limits or changes a number of partitions, or the store fails.
    pub async fn start(
        topology: &topology::EventHubs,
        identity: &Identity,
        listener: TcpListener,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let incoming = AcceptedConnections::new("event hubs", listener, identity.tls()).map_err(Error::Listener)?;
        let partitions: usize = topology.hubs.iter().map(|hub| hub.partitions as usize).sum();
        let tail_bytes = (TAIL_BYTES / partitions.max(1)).clamp(1 << 20, 8 << 20);
        let mut hubs: Vec<Arc<Hub>> = Vec::new();
        for hub in &topology.hubs {
            if hubs.iter().any(|other| other.name().eq_ignore_ascii_case(&hub.name)) {
                return Err(Error::Topology { hub: hub.name.clone(), problem: "it is declared twice".to_owned() });
            }
            hubs.push(Arc::new(Hub::open(hub, storage, clock, tail_bytes)?));
        }
        let shared = Arc::new(Shared {
            namespace: topology.namespace.clone(),
            address: incoming.address(),
            hubs,
            access: Access::new(&topology.namespace, SHARED_ACCESS_KEY, identity),
            switchboard: Switchboard::default(),
            clock: clock.clone(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let this = Self::of(shared);
        this.shared.tasks.spawn(this.clone().accept(incoming, identity.tls().hosts().clone()));
        this.shared.tasks.spawn(this.clone().expire());
        Ok(this)
    }

    async fn accept(self, mut incoming: AcceptedConnections, hosts: Hosts) {
        let stopping = self.shared.stopping.clone();
        while let Some(accepted) = stopping.run_until_cancelled(incoming.next()).await {
            let Accepted { stream, peer, slot } = accepted;
            let (hubs, hosts) = (self.clone(), hosts.clone());
            let connection = engine::welcome(QuickAck::new(stream), slot, hubs, hosts, IDLE_TIME_OUT, stopping.clone());
            self.shared.tasks.spawn(async move {
                if let Err(error) = connection.await {
                    debug!(%peer, %error, "an AMQP connection broke");
                }
            });
        }
    }

    async fn expire(self) {
        let stopping = self.shared.stopping.clone();
        while stopping.run_until_cancelled(self.shared.clock.sleep(RETENTION_PERIOD)).await.is_some() {
            for partition in self.hubs().flat_map(Hub::partitions) {
                if let Err(error) = partition.expire() {
                    warn!(
                        ?partition,
                        error = &error as &dyn std::error::Error,
                        "retention failed; it will be tried again"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
