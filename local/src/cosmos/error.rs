//! Errors: why the account cannot start or answer.

use http::StatusCode;

use crate::storage::StorageError;

/// Why the account cannot start or answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A port cannot be used.
    #[error("Cosmos cannot listen: {0}")]
    Listening(#[source] std::io::Error),
    /// An operation of the account did not come to its end.
    #[error("Cosmos was interrupted at {operation}: {reason}")]
    Interrupted {
        /// What it was.
        operation: String,
        /// Why.
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

impl Error {
    /// Whether all that is missing is room on the disk; then nothing was written.
    pub(in crate::cosmos) fn is_full(&self) -> bool {
        matches!(self, Self::Storage(StorageError::Full { .. }))
    }
}
