//! Bodies of requests, which are JSON objects, and answers.

use axum::{
    Json,
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    domain::mismatch::mismatch,
    http::{Problem, json_body},
};

/// The largest body of a request.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// What the body of a `POST` may be.
pub(in crate::functions) const JSON: [&str; 1] = ["application/json"];
/// RFC 7396 has a media type of its own, which few clients know.
const PATCH: [&str; 2] = ["application/merge-patch+json", "application/json"];

/// The body of a `POST`: an object.
pub(super) async fn object(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    members(json_body(headers, body, &JSON, MAX_BODY).await?)
}

/// The body of a `POST`, which may be absent where nothing in it is required.
pub(super) async fn object_or_empty(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body must not be larger than {MAX_BODY} bytes."))
    })?;
    if bytes.trim_ascii().is_empty() { Ok(Map::new()) } else { object(headers, Body::from(bytes)).await }
}

/// The body of a `PATCH`: an object.
pub(super) async fn patch(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    members(json_body(headers, body, &PATCH, MAX_BODY).await?)
}

fn members(body: Value) -> Result<Map<String, Value>, Problem> {
    match body {
        Value::Object(members) => Ok(members),
        other => Err(Problem::field("", mismatch("the body must be a JSON object", &other))),
    }
}

/// An answer about a partner, which nobody else may keep.
pub(in crate::functions) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

/// The answer to what made something, or is making it.
pub(super) fn made(status: StatusCode, location: &str, body: &impl Serialize) -> Response {
    let location = HeaderValue::try_from(location).ok().map(|location| (LOCATION, location));
    (AppendHeaders(location), answer(status, body)).into_response()
}
