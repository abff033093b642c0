//! Errors of the Blob service.

use http::StatusCode;

pub use crate::storage_account::Code;
use crate::{
    storage::StorageError,
    storage_account::{Refusal, work},
};

/// Why an operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request was refused as the service would; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The local store failed; repeating is safe.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What the store holds cannot be read; repeating does not help.
    #[error("the stored {what} cannot be read")]
    Corrupt {
        /// Which record.
        what: String,
        /// The reader's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The blob is stored, but one who must hear of it could not take the news; repeating is safe.
    #[error("the blob is stored but its BlobCreated event could not be handed on; repeating is safe")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller went away before the whole body had arrived; nothing was stored.
    #[error("the body broke off; nothing was stored")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The source of a copy cannot be read.
    #[error("{code}: {0}", code = Code::CannotVerifyCopySource)]
    Source(#[source] Box<Failure>),
    /// The source of a copy is longer than the operation takes. The service says so with the code of a source that
    /// cannot be read, too.
    #[error("{code}: the source is longer than the {most} bytes that this operation copies", code = Code::CannotVerifyCopySource)]
    SourceTooLong {
        /// Most bytes.
        most: u64,
    },
    /// The range starts behind the end of the blob.
    #[error("{}: the blob has {length} bytes", Code::InvalidRange)]
    Range {
        /// Length of the blob in bytes.
        length: u64,
    },
    /// The reader has the present version already (`304`).
    #[error("the blob has not changed")]
    NotModified,
    /// The task that worked on the store was cancelled because the stack is stopping.
    #[error(transparent)]
    Stopping(#[from] work::Stopping),
}

impl Failure {
    pub(super) fn refused(code: Code, detail: impl Into<String>) -> Self {
        Refusal::new(code, detail).into()
    }

    /// The status of the answer: that of its code, but for a copy the one that reading the source would have had.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::Source(cause) => cause.status(),
            Self::SourceTooLong { .. } => StatusCode::CONFLICT,
            _ => self.code().status(),
        }
    }

    /// The service's code for this failure.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Source(_) | Self::SourceTooLong { .. } => Code::CannotVerifyCopySource,
            Self::Range { .. } => Code::InvalidRange,
            Self::NotModified => Code::ConditionNotMet,
            Self::Storage(_) | Self::Corrupt { .. } | Self::Observer(_) | Self::Body(_) | Self::Stopping(_) => {
                Code::InternalError
            }
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Refusal::from(code).into()
    }
}

impl From<fjall::Error> for Failure {
    fn from(error: fjall::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// An operation of the in-process API failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {resource}")]
pub struct Error {
    operation: &'static str,
    resource: String,
    #[source]
    cause: Box<Failure>,
}

impl Error {
    pub(super) fn new(operation: &'static str, resource: impl Into<String>, cause: impl Into<Failure>) -> Self {
        Self { operation, resource: resource.into(), cause: Box::new(cause.into()) }
    }

    /// The service's code, such as [`Code::ConditionNotMet`] for a lost race.
    #[must_use]
    pub fn code(&self) -> Code {
        self.cause.code()
    }
}
