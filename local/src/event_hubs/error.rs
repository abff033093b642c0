//! Errors of Event Hubs.

use super::amqp::DecodeError;
use crate::storage::StorageError;

/// An operation on the event hubs failed. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The topology asks for something that the service does not have.
    #[error("event hub {hub}: {problem}")]
    Topology {
        /// Name of the hub.
        hub: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The number of partitions is fixed at creation.
    #[error(
        "event hub {hub} was created with {stored} partitions and cannot have {wanted}: keep the number or start with an empty data directory"
    )]
    PartitionsChanged {
        /// Name of the hub.
        hub: String,
        /// Number in the data directory.
        stored: u32,
        /// Number in the topology.
        wanted: u32,
    },
    /// A message to append is not AMQP; repeating it will fail again.
    #[error("append to event hub partition {partition}: message {index} of the publication is no AMQP message")]
    Malformed {
        /// Hub and partition.
        partition: String,
        /// Position in the publication.
        index: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A stored record cannot be read back: the data directory is damaged.
    #[error("event hub partition {partition}: the stored record at sequence number {sequence} is damaged")]
    Damaged {
        /// Hub and partition.
        partition: String,
        /// First sequence number of the record.
        sequence: i64,
    },
    /// An offset that this hub never gave.
    #[error("offset {0:?} is none of this partition's: use one that an event carried, -1 or @latest")]
    Offset(String),
    /// The store failed.
    #[error("event hub {entity}: {operation} failed")]
    Storage {
        /// Hub and partition.
        entity: String,
        /// What was tried.
        operation: &'static str,
        /// What the store said.
        source: StorageError,
    },
    /// The listener failed.
    #[error("the event hubs' listener failed")]
    Listener(#[source] std::io::Error),
}
