//! Problem documents (RFC 9457): answers that say what is wrong.

use std::borrow::Cow;

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    azure::cosmos::{CosmosError, CosmosErrorKind},
    domain::product_body::FieldError,
    outcome::Cause,
};

/// An answer that says what is wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(super) status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
    errors: Vec<FieldError>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// Members beyond those that every problem has (RFC 9457 §3.2).
    members: Map<String, Value>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: Cow<'static, str>,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into(), errors: Vec::new(), header: None, members: Map::new() }
    }

    /// The same, with a type that callers tell it from others by: `/problems/<kind>`.
    pub(crate) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// 400, naming each field and what is wrong with it.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let wrong: Vec<String> = errors
            .iter()
            .map(
                |FieldError { field, message }| {
                    if field.is_empty() { message.clone() } else { format!("{field} {message}") }
                },
            )
            .collect();
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, wrong.join("; ")) }
    }

    /// 422, naming each field and what is wrong with it: the body is JSON of the right form, but can't be done.
    pub(crate) fn unprocessable(errors: Vec<FieldError>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::fields(errors) }
    }

    /// 400 about one field.
    pub(crate) fn field(field: &str, message: impl std::fmt::Display) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    /// 400 about a member of the query that came more than once. The Functions host hands it on once, with a comma between the values.
    pub(crate) fn repeated(name: &str) -> Self {
        Self::field(name, "came more than once in the query, or has a comma; it takes one value")
    }

    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            // With the type `about:blank`, the title is the status' own (RFC 9457 §4.2.1).
            r#type: self.kind.map_or(Cow::Borrowed("about:blank"), |kind| format!("/problems/{kind}").into()),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            members: &self.members,
        };
        let mut response = (self.status, axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.header.map(|header| *header));
        response
    }
}

impl From<CosmosError> for Problem {
    fn from(error: CosmosError) -> Self {
        let kind = error.kind;
        // For the log only: callers are not told what is behind us.
        let cause = Cause::from_error("serve the request", error).chain();
        match kind {
            CosmosErrorKind::Transient => {
                tracing::warn!(cause, "the store did not answer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The store did not answer; send the request again later.")
                    .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
            }
            CosmosErrorKind::TooLarge => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The document is too large to be stored.")
            }
            _ => {
                tracing::error!(cause, "the store refused");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "What is stored there is not as it should be; operators can see why.",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_problem_names_its_fields() {
        let response = Problem::fields(vec![FieldError::new("name", "is required")]).into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(document["status"], 400);
        assert_eq!(document["errors"][0]["field"], "name");
        assert_eq!(document["detail"], "name is required");
    }
}
