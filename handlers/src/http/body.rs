//! Request bodies: media type, size and coding are checked before a body is read.

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
    },
};
use contoso_json::UniqueError;
use serde_json::{Value, error::Category};

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

/// Reads a JSON body of at most `limit` bytes whose media type is one of `accepted`. A name that comes twice in an object is refused: which of
/// the two would count is nobody's guess (RFC 8259 §4).
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
    // RFC 8259 §8.1: senders must not add one, and some do.
    if [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark)) {
        let said = "the body begins with a byte order mark; it must be JSON in UTF-8, without one";
        return Err(Problem::field("", said));
    }
    contoso_json::unique(&bytes).map_err(|error| match error {
        UniqueError::Twice(name) => {
            let name: String = name.chars().take(60).collect();
            Problem::field("", format!("the body has the name {name:?} twice in one object"))
        }
        UniqueError::Json(error) => Problem::field("", not_json(&error)),
    })
}

/// Where a body is no JSON. A parser's own words are of its making, and say little to whoever wrote the body in another language.
fn not_json(error: &serde_json::Error) -> String {
    let at = format!("line {}, column {}", error.line(), error.column());
    let said = error.to_string();
    match error.classify() {
        // It is looked for before anything is read, so there is no place.
        _ if said.contains("is reserved") => {
            "the body has a member whose name is reserved; no object may have it".to_owned()
        }
        Category::Eof => format!("the body ends within its JSON, at {at}"),
        _ if said.starts_with("number out of range") => {
            format!("the body has a number at {at} that is larger than programs can hold")
        }
        _ if said.starts_with("recursion limit exceeded") => {
            format!("the body has lists or objects within each other at {at} that are deeper than is read")
        }
        _ if ["surrogate", "code point", "hex escape"].iter().any(|word| said.contains(word)) => {
            format!("the body has a string at {at} that is no Unicode")
        }
        _ if said.starts_with("trailing characters") => format!("the body has more behind its JSON, from {at} on"),
        _ => format!("the body is not JSON, from {at} on"),
    }
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
        for wrong in
            [r#"{"a":1,"a":2}"#, r#"[{"":{"b":1,"b":1}}]"#, r#"{"a":"\ud800"}"#, r#"{"\udc00":1}"#, &"[".repeat(20_000)]
        {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let read = json_body(&headers, Body::from(wrong.to_owned()), &["application/json"], 1 << 20).await;
            assert_eq!(read.map_err(|problem| problem.status), Err(StatusCode::BAD_REQUEST), "{wrong:.40}");
        }
        for (wrong, said) in [
            ("{\"a\"", "the body ends within its JSON, at line 1, column 4"),
            ("{\n 'a': 1}", "the body is not JSON, from line 2, column 2 on"),
            ("{} {}", "the body has more behind its JSON, from line 1, column 4 on"),
            ("[NaN]", "the body is not JSON, from line 1, column 2 on"),
            ("\u{feff}{}", "the body begins with a byte order mark"),
            (r#"[{"$serde_json::private::Number":"5"}]"#, "a member whose name is reserved"),
            (r#"["\ud800"]"#, "that is no Unicode"),
            (&"[".repeat(20_000), "deeper than is read"),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let read = json_body(&headers, Body::from(wrong.to_owned()), &["application/json"], 1 << 20).await;
            let problem = format!("{:?}", read.unwrap_err());
            assert!(problem.contains(said), "{wrong:.40}: {problem}");
        }
        for empty in ["", " \r\n\t"] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            let problem = json_body(&headers, Body::from(empty), &["application/json"], 10).await.unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST);
            let said = format!("{problem:?}");
            assert!(said.contains("the body is empty"), "{said}");
        }
    }
}
