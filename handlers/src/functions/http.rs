//! What the HTTP functions share: problem documents (RFC 9457), conditional requests and cacheable answers (RFC 9110, RFC 9111).

use std::{fmt::Write as _, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER,
        },
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{
    azure::cosmos::{CosmosError, CosmosErrorKind},
    domain::{
        preconditions::{Preconditions, TagList},
        product_body::FieldError,
    },
    outcome::Cause,
    settings::Origins,
};

/// An answer that says what is wrong.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// Members beyond those that every problem has (RFC 9457 §3.2).
    members: Map<String, Value>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), header: None, members: Map::new() }
    }

    /// 400, naming each field and what is wrong with it.
    pub(super) fn fields(errors: Vec<FieldError>) -> Self {
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

    /// 400 about one field.
    pub(super) fn field(field: &str, message: impl std::fmt::Display) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    pub(super) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    pub(super) fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            // With this type, the title is the status' own (RFC 9457 §4.2.1).
            r#type: "about:blank",
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

/// Reads `If-Match` and `If-None-Match`.
pub(super) fn preconditions(headers: &HeaderMap) -> Result<Preconditions, Problem> {
    let list = |name: HeaderName| -> Result<Option<TagList>, Problem> {
        // A header may come in several lines, which mean one list (RFC 9110 §5.3).
        let lines: Result<Vec<&str>, _> = headers.get_all(&name).iter().map(HeaderValue::to_str).collect();
        match lines.as_deref() {
            Ok([]) => Ok(None),
            Ok(lines) => lines.join(", ").parse().map(Some).map_err(|error| Problem::field(name.as_str(), error)),
            Err(error) => Err(Problem::field(name.as_str(), error)),
        }
    };
    Ok(Preconditions { if_match: list(IF_MATCH)?, if_none_match: list(IF_NONE_MATCH)? })
}

/// Refuses a body that is compressed: what it unpacks to could be of any size.
pub(super) fn check_uncompressed(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.");
    Err(problem.with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// Reads a JSON body of at most `limit` bytes whose media type is one of `accepted`.
pub(super) async fn json_body(
    headers: &HeaderMap,
    body: Body,
    accepted: &[&str],
    limit: usize,
) -> Result<Value, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !accepted.contains(&media_type.as_str()) {
        let detail = format!("The body must be {}, and Content-Type must say so.", accepted.join(" or "));
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    check_uncompressed(headers)?;
    // A caller that hangs up ends here too; it does not see the answer.
    let bytes = to_bytes(body, limit).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body must not be larger than {limit} bytes."))
    })?;
    contoso_json::from_slice(&bytes).map_err(|error| Problem::field("", format!("the body is not JSON: {error}")))
}

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Shared caches too.
    All,
    /// Only the reader's own browser: the answer is about that reader.
    One,
}

/// 200 with a validator, or 304 if the reader has it already. A validator that cannot be read is one that does not match.
///
/// Readers may keep the answer but must ask again each time (`no-cache`): what they show is then never older than the projection, and
/// asking costs a few bytes. The tag is made of the body, so that it changes with whatever is shown, whoever wrote it.
pub(super) fn cacheable_for(
    audience: Audience,
    body: &impl Serialize,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer cannot be written: {error}."))
    })?;
    let mut tag = String::with_capacity(32);
    for byte in &Sha256::digest(&body)[..16] {
        _ = write!(tag, "{byte:02x}");
    }
    let is_fresh = preconditions(headers).unwrap_or_default().is_fresh(&tag);
    let control = match audience {
        Audience::All => "public, no-cache",
        Audience::One => "private, no-cache",
    };
    let validators = [(ETAG, quoted(&tag)), (CACHE_CONTROL, HeaderValue::from_static(control))];
    Ok(if is_fresh {
        (StatusCode::NOT_MODIFIED, validators).into_response()
    } else {
        (validators, [(CONTENT_TYPE, "application/json")], body).into_response()
    })
}

/// What browsers ask before pages of other origins may read and post (the Fetch standard's CORS protocol). No credentials: nothing
/// here depends on cookies.
pub(super) fn cors(origins: &Origins) -> CorsLayer {
    let origins = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Some(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // Mirrored rather than listed: CloudEvents in binary mode come with headers of any name.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([ETAG, RETRY_AFTER])
        .max_age(Duration::from_secs(7200))
}

/// `OPTIONS` that is no preflight, which [`cors`] answers. As a route of its own it stays with its function where another function
/// serves the same path.
pub(super) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// An entity tag in its quotes.
pub(super) fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn json(response: Response) -> Value {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[tokio::test]
    async fn a_problem_names_its_fields() {
        let response = Problem::fields(vec![FieldError::new("name", "is required")]).into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let document = json(response).await;
        assert_eq!(document["status"], 400);
        assert_eq!(document["errors"][0]["field"], "name");
        assert_eq!(document["detail"], "name is required");
    }

    #[tokio::test]
    async fn bodies_are_checked_before_they_are_read() {
        let read = async |content_type: &'static str, body: &'static str| {
            let headers = headers(CONTENT_TYPE, content_type);
            json_body(&headers, Body::from(body), &["application/json"], 10).await.map_err(|problem| problem.status)
        };
        assert_eq!(read("application/json; charset=utf-8", "{}").await, Ok(Value::Object(serde_json::Map::new())));
        assert_eq!(read("text/plain", "{}").await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(read("application/json", "{\"a\":123456}").await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(read("application/json", "{\"a\"").await, Err(StatusCode::BAD_REQUEST));
    }

    #[tokio::test]
    async fn a_reader_that_has_it_is_told_so() {
        let first = cacheable_for(Audience::All, &"x", &HeaderMap::new()).expect("an answer");
        let tag = first.headers()[ETAG].clone();
        let again = HeaderMap::from_iter([(IF_NONE_MATCH, tag.clone())]);
        assert_eq!(cacheable_for(Audience::One, &"x", &again).expect("an answer").status(), StatusCode::NOT_MODIFIED);
        let changed = cacheable_for(Audience::One, &"y", &again).expect("an answer");
        assert_eq!(changed.status(), StatusCode::OK);
        assert_ne!(changed.headers()[ETAG], tag);
        assert_eq!(first.headers()[CACHE_CONTROL], "public, no-cache");
        assert_eq!(changed.headers()[CACHE_CONTROL], "private, no-cache");
    }
}
