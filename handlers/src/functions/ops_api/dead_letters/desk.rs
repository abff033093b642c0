//! What the routes of dead letters share: how a request is read, and how it is refused.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ORIGIN, RETRY_AFTER},
    },
};
use serde::de::DeserializeOwned;

use crate::{
    app::App,
    azure::blobs::BlobError,
    dead_letters::stored::Read,
    domain::{dead_letter::LetterId, product_body::FieldError},
    http::{Problem, json_body},
    outcome::Cause,
};

/// Bytes of a request: a thousand ids, each as long as it may be.
const LARGEST_BODY: usize = 1_200_000;
/// Bytes of who does something, and of the reason.
pub(super) const LONGEST_NAME: usize = 100;
pub(super) const LONGEST_REASON: usize = 500;

/// What the routes share; cloning shares what was read.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) read: Arc<Read>,
}

/// The address of a letter.
pub(super) fn address(id: &LetterId) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("/api/ops/dead-letters/letter?{}", query.append_pair("id", id.text()).finish())
}

pub(super) fn letter_id(text: &str) -> Result<LetterId, Problem> {
    text.parse().map_err(|error| Problem::field("id", error))
}

pub(super) fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such letter: it was dropped or replayed, or has expired.")
}

pub(super) fn unavailable(error: BlobError) -> Problem {
    let cause = Cause::from_error("serve dead letters", error).chain();
    tracing::warn!(cause, "blob storage did not answer");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Dead letters cannot be read or dropped just now; try again.")
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

impl Desk {
    /// What a request wishes. Our pages send it as text: JSON would need a preflight, which has no key and is refused by the platform. So could
    /// any page, without a key where none is asked for; hence its origin must be one of ours.
    pub(super) async fn wish<T: DeserializeOwned>(&self, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
        let is_ours = |origin: &HeaderValue| self.app.settings().site.origins.allow(origin);
        if headers.get(ORIGIN).is_some_and(|origin| !is_ours(origin)) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "Pages of this origin may not do that."));
        }
        let body = json_body(headers, body, &["application/json", "text/plain"], LARGEST_BODY).await?;
        serde_json::from_value(body).map_err(|error| Problem::field("", error))
    }
}

/// A text that stands in the log.
pub(super) fn stated(field: &'static str, text: &str, longest: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() || text.len() > longest || text.chars().any(char::is_control) {
        return Err(FieldError::new(field, format!("must be a text of 1 to {longest} bytes in one line")));
    }
    Ok(text.to_owned())
}
