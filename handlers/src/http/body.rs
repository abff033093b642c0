//! Request bodies: media type, size and coding are checked before a body is read.

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
    },
};
use serde_json::Value;

use super::problem::Problem;

/// Refuses a body that is compressed: what it unpacks to could be of any size.
pub(crate) fn check_uncompressed(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.");
    Err(problem.with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// Refuses a body with nothing in it, or nothing but white space: a parser would only say that it came to the end.
pub(crate) fn check_not_empty(body: &[u8]) -> Result<(), Problem> {
    let is_empty = body.trim_ascii().is_empty();
    if is_empty { Err(Problem::field("", "the body is empty; it must be JSON")) } else { Ok(()) }
}

/// Reads a JSON body of at most `limit` bytes whose media type is one of `accepted`.
pub(crate) async fn json_body(
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
    check_not_empty(&bytes)?;
    contoso_json::from_slice(&bytes).map_err(|error| Problem::field("", format!("the body is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_checked_before_they_are_read() {
        let read = async |content_type: &'static str, body: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            json_body(&headers, Body::from(body), &["application/json"], 10).await.map_err(|problem| problem.status)
        };
        assert_eq!(read("application/json; charset=utf-8", "{}").await, Ok(Value::Object(serde_json::Map::new())));
        assert_eq!(read("text/plain", "{}").await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(read("application/json", "{\"a\":123456}").await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(read("application/json", "{\"a\"").await, Err(StatusCode::BAD_REQUEST));
        for empty in ["", " \r\n\t"] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let problem = json_body(&headers, Body::from(empty), &["application/json"], 10).await.unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST);
            let said = format!("{problem:?}");
            assert!(said.contains("the body is empty"), "{said}");
        }
    }
}
