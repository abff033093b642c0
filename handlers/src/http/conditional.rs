//! Conditional requests and cacheable answers (RFC 9110 §13, RFC 9111): ETags, `If-Match`, `If-None-Match`, 304.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::domain::preconditions::{Preconditions, TagList};

/// Reads `If-Match` and `If-None-Match`.
pub(crate) fn preconditions(headers: &HeaderMap) -> Result<Preconditions, Problem> {
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

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Shared caches too.
    All,
    /// Only the reader's own browser: the answer is about that reader.
    One,
}

/// 200 with a validator, or 304 if the reader has it already. A validator that cannot be read is one that does not match.
///
/// Readers may keep the answer but must ask again each time (`no-cache`): what they show is then never older than the projection, and
/// asking costs a few bytes. The tag is made of the body, so that it changes with whatever is shown, whoever wrote it.
pub(crate) fn cacheable_for(
    audience: Audience,
    body: &impl Serialize,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer cannot be written: {error}."))
    })?;
    Ok(cacheable_json(audience, body, headers))
}

/// The same for JSON that is written already.
pub(crate) fn cacheable_json<B: AsRef<[u8]> + Into<Body>>(
    audience: Audience,
    body: B,
    headers: &HeaderMap,
) -> Response {
    let mut tag = String::with_capacity(32);
    for byte in &Sha256::digest(body.as_ref())[..16] {
        _ = write!(tag, "{byte:02x}");
    }
    let is_fresh = preconditions(headers).unwrap_or_default().is_fresh(&tag);
    let control = match audience {
        Audience::All => "public, no-cache",
        Audience::One => "private, no-cache",
    };
    let validators = [(ETAG, quoted(&tag)), (CACHE_CONTROL, HeaderValue::from_static(control))];
    if is_fresh {
        (StatusCode::NOT_MODIFIED, validators).into_response()
    } else {
        let body: Body = body.into();
        (validators, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// An entity tag in its quotes.
pub(crate) fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

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
