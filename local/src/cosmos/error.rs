//! Why the account cannot start or answer.

use http::StatusCode;

use crate::storage::StorageError;

/// Why the account cannot start or answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The emulator refused its configuration or failed outside a response.
    #[error("the Cosmos emulator failed at {operation}: {reason}; repeating does not help")]
    Emulator {
        /// What was asked of it.
        operation: String,
        /// What it said.
        reason: String,
    },
    /// An entry of the journal cannot be read.
    #[error("entry {sequence} of the Cosmos journal is unreadable ({reason}); start with an empty data directory")]
    Unreadable {
        /// Its number.
        sequence: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry of the journal did not do again what it did before, so LSNs and ids would no longer be the same.
    #[error(
        "entry {sequence} of the Cosmos journal ({operation}) did not repeat: {difference}; \
         the data directory was written by another version, start with an empty one"
    )]
    Diverged {
        /// Its number.
        sequence: u64,
        /// Method and path.
        operation: String,
        /// Expected and found.
        difference: String,
    },
    /// A database or container of the topology cannot be made as described.
    #[error("cannot create {resource}: {reason}; correct the topology or start with an empty data directory")]
    Topology {
        /// Its path.
        resource: String,
        /// What the service said.
        reason: String,
    },
    /// A request of the in-process door was refused; the service's own error.
    #[error("{operation} was answered {status}: {message}")]
    Refused {
        /// What was asked.
        operation: String,
        /// HTTP status.
        status: StatusCode,
        /// The service's message.
        message: String,
    },
}
