//! Errors at the start of a stack.

use std::path::PathBuf;

use super::PortError;
use crate::{
    blobs, clock::ClockError, cosmos, event_grid, event_hubs, files::TooFewFiles, functions_host, identity, queues,
    schema_registry, storage::StorageError,
};

/// The stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Too few files may be open.
    #[error(transparent)]
    Files(#[from] TooFewFiles),
    /// A port is taken.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The data directory cannot be created.
    #[error("cannot create the data directory {path}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An app for a stack whose functions host is an external one.
    #[error("the functions of this stack run on a host beside it")]
    ExternalHost,
    /// The topology has no Event Grid topic, which the endpoints name.
    #[error("the topology names no Event Grid topic")]
    NoTopic,
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The clock.
    #[error("the clock cannot be set")]
    Clock(#[from] ClockError),
    /// Identity.
    #[error("the authority for identities cannot start")]
    Identity(#[from] identity::Error),
    /// Event Hubs.
    #[error("Event Hubs cannot start")]
    EventHubs(#[from] event_hubs::Error),
    /// Capture.
    #[error("Event Hubs Capture cannot start")]
    Capture(#[source] event_hubs::CaptureError),
    /// Blob Storage.
    #[error("Blob Storage cannot start")]
    Blobs(#[from] blobs::Error),
    /// Queue Storage.
    #[error("Queue Storage cannot start")]
    Queues(#[from] queues::Error),
    /// Cosmos DB.
    #[error("Cosmos DB cannot start")]
    Cosmos(#[from] cosmos::Error),
    /// Event Grid.
    #[error("Event Grid cannot start")]
    EventGrid(#[from] event_grid::Error),
    /// Schema registry.
    #[error("the schema registry cannot start")]
    SchemaRegistry(#[from] schema_registry::Error),
    /// OpenTelemetry.
    #[error("the receiver of telemetry cannot start")]
    Telemetry(#[source] std::io::Error),
    /// The app; the message names the file.
    #[error(transparent)]
    Host(#[from] functions_host::Error),
}
