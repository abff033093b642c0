//! Request bodies, keys and queries as every part of the port reads them, and the answers that they share.

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::transport::Peer;

/// Largest request body, `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` of the real host.
pub(super) const BODY_LIMIT: usize = 104_857_600;
/// Bytes beyond it that are read and dropped.
const DRAIN: usize = BODY_LIMIT;

/// A body that cannot be used. The real host counts it as a failed run of the function, so the caller gets 500 and no 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFailure {
    /// Beyond the limit.
    #[error("Request body too large. The max request body size is {BODY_LIMIT} bytes.")]
    TooLarge,
    /// The caller went away.
    #[error("the request's body broke off")]
    BrokenOff,
}

impl BodyFailure {
    pub(super) fn answer(self) -> Response {
        text(StatusCode::INTERNAL_SERVER_ERROR, "")
    }
}

/// Reads a body up to the host's limit. What goes beyond is read on and dropped, up to [`DRAIN`], since a client that sends
/// all of it before it reads would otherwise find the connection reset instead of the answer.
pub(super) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, BodyFailure> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut fits = length.is_none_or(|length| length <= BODY_LIMIT);
    if !fits && headers.contains_key(header::EXPECT) {
        // Who waits for `100 Continue` sends nothing.
        return Err(BodyFailure::TooLarge);
    }
    let mut whole = BytesMut::new();
    let mut received = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| BodyFailure::BrokenOff)?;
        if received == 0 && fits {
            // Not before: the first piece waits for its room in the memory that there is for bodies.
            whole.reserve(length.unwrap_or_default());
        }
        received += piece.len();
        if received > BODY_LIMIT && fits {
            (fits, whole) = (false, BytesMut::new());
        }
        match fits {
            true => whole.extend_from_slice(&piece),
            false if received > BODY_LIMIT + DRAIN => break,
            false => {}
        }
    }
    if fits { Ok(whole.freeze()) } else { Err(BodyFailure::TooLarge) }
}

/// The key of `x-functions-key` or `?code=`.
pub(super) fn presented_key(request: &Request) -> Option<String> {
    let header = request.headers().get("x-functions-key").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or_else(|| query(request.uri().query(), "code"))
}

/// The first value of a query parameter, its name in whatever case.
pub(super) fn query(query: Option<&str>, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

/// Scheme and host under which the request came.
pub(super) fn origin(extensions: &Extensions, headers: &HeaderMap) -> String {
    let is_secure = extensions.get::<ConnectInfo<Peer>>().is_some_and(|ConnectInfo(peer)| peer.secure);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{}://{host}", if is_secure { "https" } else { "http" })
}

pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

/// Headers that belong to one connection and are not passed on (RFC 9110 §7.6.1).
pub(super) fn is_hop_by_hop(name: &header::HeaderName, headers: &HeaderMap) -> bool {
    const FIXED: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let named = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|list| list.split(',').any(|entry| entry.trim().eq_ignore_ascii_case(name.as_str())))
    };
    FIXED.contains(&name.as_str()) || headers.get_all(header::CONNECTION).iter().any(named)
}

/// 200 with a JSON document.
pub(super) fn json_answer(value: &impl Serialize) -> Response {
    // Strings and numbers: there is nothing in it that could fail.
    let mut response = text(StatusCode::OK, serde_json::to_vec(value).unwrap_or_default());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
