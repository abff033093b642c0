//! Errors: why the account cannot start or answer.

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
    /// Something stored cannot be read.
    #[error("{what} in the Cosmos store is unreadable ({reason}); start with an empty data directory")]
    Unreadable {
        /// What it is.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store holds a journal of all writes, as earlier versions kept it.
    #[error("the data directory was written by a version that kept Cosmos data otherwise; start with an empty one")]
    Outdated,
    /// The emulator made a write of which it is unclear what has to be stored; nothing is written any more.
    #[error("the Cosmos account takes no more writes ({reason}); restart the stack, which goes back to what is stored")]
    Broken {
        /// What happened.
        reason: String,
    },
    /// Something stored did not do again what it did before, so ids would no longer be the same.
    #[error(
        "{what} in the Cosmos store ({operation}) did not repeat: {difference}; start with an empty data directory"
    )]
    Diverged {
        /// What it is.
        what: String,
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
    /// A request of the in-process API was refused; the service's own error.
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
