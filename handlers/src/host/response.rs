//! Answers to the host.

use axum::{
    Json,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// The invocation succeeded; the host writes `log` under the invocation's own id.
pub(super) fn success(log: &str) -> Response {
    Json(json!({ "Outputs": {}, "Logs": [log], "ReturnValue": null })).into_response()
}

/// The invocation failed; members as in RFC 9457. The media type is plain JSON, since the host parses no other.
pub(super) fn problem(status: u16, title: &str, detail: &str) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, Json(members(code, title, detail))).into_response()
}

/// The same for callers of HTTP functions, with the media type of RFC 9457.
pub(super) fn problem_document(status: StatusCode, title: &str, detail: &str) -> Response {
    (status, [(CONTENT_TYPE, "application/problem+json")], members(status, title, detail).to_string()).into_response()
}

fn members(status: StatusCode, title: &str, detail: &str) -> serde_json::Value {
    json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail })
}
