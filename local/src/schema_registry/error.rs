//! Errors: what the registry refuses, and why.

use http::StatusCode;

use crate::{
    identity::{Forbidden, InvalidToken},
    storage::StorageError,
};

/// Why a request was not carried out.
///
/// Codes and statuses are those that official clients test for, except that of an incompatible schema, which is
/// documented nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    InvalidRequest(String),
    #[error("the api-version {0:?} is not one of {known}", known = super::http::API_VERSIONS.join(", "))]
    ApiVersion(String),
    #[error("{0} does not exist")]
    NotFound(String),
    #[error("the schema type {0:?} cannot be used: this registry's groups hold Avro schemas")]
    SchemaType(String),
    #[error("the schema is not compatible with version {version}: {reason}")]
    Incompatible { version: u32, reason: String },
    #[error("the schema exceeds {0} bytes")]
    TooLarge(usize),
    #[error("{0} is not an operation of the schema registry")]
    UnknownOperation(String),
    #[error("The request has no bearer token; the schema registry knows no keys.")]
    NoToken,
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("a stored schema cannot be read")]
    Corrupt(#[from] serde_json::Error),
    #[error("the stack is stopping")]
    Stopping,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) | Self::ApiVersion(_) => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::SchemaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Incompatible { .. } => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownOperation(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Storage(_) | Self::Corrupt(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// `x-ms-error-code`.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::ApiVersion(_) => "InvalidRequest",
            Self::NoToken | Self::Token(_) => "Unauthorized",
            Self::Forbidden(_) => "Forbidden",
            Self::NotFound(_) => "ItemNotFound",
            Self::SchemaType(_) => "InvalidSchemaType",
            Self::Incompatible { .. } => "IncompatibleSchema",
            Self::TooLarge(_) => "RequestTooLarge",
            Self::UnknownOperation(_) => "MethodNotAllowed",
            Self::Storage(_) | Self::Corrupt(_) => "InternalServerError",
            Self::Stopping => "ServerBusy",
        }
    }
}

impl From<fjall::Error> for Refusal {
    fn from(error: fjall::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// The registry could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The local store failed.
    #[error("cannot open the schema registry's store")]
    Storage(#[from] StorageError),
    /// The listener has no address.
    #[error("cannot learn the schema registry's address")]
    Listener(#[source] std::io::Error),
}
