//! Errors: for the program that starts the service, and for the client of a request.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{causes::chain, faults::Faults, identity::Forbidden, storage::StorageError};

/// The service could not start, or could not store an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The topology describes something that this service cannot be.
    #[error("the topology's {what} is not usable: {reason}; correct the topology file")]
    Topology {
        /// Topic or subscription, by name.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The socket or the HTTP client failed.
    #[error("Event Grid cannot {operation}; nothing was started, repeating is safe")]
    Network {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store failed.
    #[error("Event Grid cannot {operation}")]
    Storage {
        /// What was tried.
        operation: &'static str,
        /// Why it failed, and whether repeating is safe.
        source: StorageError,
    },
    /// A stored record cannot be read back.
    #[error(
        "Event Grid cannot read its stored {what} `{id}`; repeating does not help, start on a fresh data directory"
    )]
    Damaged {
        /// Kind of record.
        what: &'static str,
        /// Its key.
        id: String,
        /// What the decoder said.
        source: serde_json::Error,
    },
}

impl Error {
    /// Wraps a failure of the store in the name of `operation`.
    pub(crate) fn storage<E: Into<StorageError>>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Storage { operation, source: source.into() }
    }
}

/// A request that is refused, in the error shape that the data plane and Resource Manager share.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    /// A role is missing; the code is that of Resource Manager, which the data plane shares.
    pub(crate) fn forbidden(forbidden: &Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", forbidden.to_string())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// Names an operation that Azure has and this stack has not.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotSupportedLocally",
            format!("The local stack does not support {what}."),
        )
    }
}

/// `{"error":{"code","message","details":[…]}}`.
fn body(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "details": [{ "code": code, "message": message }] } })
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "Event Grid could not store");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            format!("{}; see the log of the local stack", chain(&error)),
        )
    }
}

/// Faults that answer as the data plane and Resource Manager do.
pub(crate) fn faults() -> Faults {
    Faults::new(|_, refusal| {
        let code = refusal.code_or(match refusal.status {
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            StatusCode::UNAUTHORIZED => "Unauthorized",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::CONFLICT => "Conflict",
            status if status.is_server_error() => "InternalServerError",
            _ => "BadRequest",
        });
        (refusal.status, Json(body(code, refusal.text()))).into_response()
    })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(body(self.code, &self.message))).into_response()
    }
}
