//! What the webhooks of a benchmark have in common.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

/// Agrees to the handshake of Event Grid, and to that of the app before it.
pub(super) async fn agree(headers: HeaderMap) -> Response {
    match headers.get("webhook-request-origin") {
        Some(origin) => ([("webhook-allowed-origin", origin.clone())], [("webhook-allowed-rate", "*")]).into_response(),
        None => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}
