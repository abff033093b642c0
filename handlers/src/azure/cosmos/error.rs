//! Errors of Cosmos DB: why a call failed, and what the caller may do about it.

use std::{error::Error, fmt};

use azure_core::http::StatusCode;

/// A call to Cosmos DB failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {id}: {kind}")]
pub struct CosmosError {
    pub(super) operation: &'static str,
    pub(super) id: String,
    /// What the caller may do about it.
    pub kind: CosmosErrorKind,
    #[source]
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CosmosErrorKind {
    /// The document exists already, or changed since it was read. Read again and decide anew.
    Conflict,
    /// There is no such document to replace or delete.
    NotFound,
    /// The document is larger than Cosmos DB stores (2 MB). Repeating is of no use.
    TooLarge,
    /// Throttled, out of reach, out of time, or not allowed yet. Repeating may help.
    Transient,
    /// The request is malformed. Repeating is of no use.
    Refused,
}

impl fmt::Display for CosmosErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "another writer was there first; read again",
            Self::NotFound => "there is no such document",
            Self::TooLarge => "the document is too large; repeating is of no use",
            Self::Transient => "the service did not do it; repeating is safe",
            Self::Refused => "the service refused it; repeating is of no use",
        })
    }
}

impl CosmosError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind == CosmosErrorKind::Transient
    }

    /// Whether another writer was there first, or what was to be replaced is gone: what is stored now is to be read, and decided on anew.
    pub fn is_lost_race(&self) -> bool {
        matches!(self.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound)
    }

    pub(super) fn is(&self, kind: CosmosErrorKind) -> bool {
        self.kind == kind
    }
}

/// Sub-status under which the client reports, as a 500 of its own, that an answer has not the shape it was to be read as.
const UNREADABLE: u16 = 20_020;

pub(super) fn kind_of(error: &azure_data_cosmos::CosmosError) -> CosmosErrorKind {
    if error.status().sub_status().is_some_and(|sub_status| sub_status.value() == UNREADABLE) {
        return CosmosErrorKind::Refused;
    }
    match error.status().status_code() {
        StatusCode::Conflict | StatusCode::PreconditionFailed => CosmosErrorKind::Conflict,
        StatusCode::NotFound if error.status().is_not_found() => CosmosErrorKind::NotFound,
        StatusCode::PayloadTooLarge => CosmosErrorKind::TooLarge,
        StatusCode::BadRequest => CosmosErrorKind::Refused,
        _ => CosmosErrorKind::Transient,
    }
}
