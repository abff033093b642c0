//! The `http` output of a function whose request was not forwarded.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::judge::InvocationAnswer;

/// The response the caller gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpResult {
    pub(crate) status: u16,
    /// Headers the handler set.
    pub(crate) headers: Vec<(String, String)>,
    /// Content type that follows from the body, unless a header says another.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

/// Builds the response out of `binding`, the name of the `http` output, or of nothing.
///
/// # Errors
/// A sentence, where the value cannot be used; the caller gets 500.
pub(crate) fn http_result(answer: &InvocationAnswer, binding: Option<&str>) -> Result<HttpResult, String> {
    match binding {
        None => Ok(empty(200)),
        Some("$return") => returned(&answer.return_value),
        Some(name) => match answer.outputs.get(name).or_else(|| merged(answer, name)) {
            None => Ok(empty(200)),
            Some(Value::Object(response)) => respond(response, &["statusCode"]),
            Some(_) => Err(format!("output '{name}' must be an object")),
        },
    }
}

/// Without a `$return` binding the members of a returned object count as outputs.
fn merged<'a>(answer: &'a InvocationAnswer, name: &str) -> Option<&'a Value> {
    answer.return_value.as_object()?.get(name)
}

fn returned(value: &Value) -> Result<HttpResult, String> {
    match value {
        Value::Object(response) if response.contains_key("body") => respond(response, &["statusCode", "status"]),
        Value::String(text) => Ok(match guess_base64(text) {
            Some(bytes) => HttpResult { content_type: Some("application/octet-stream"), body: bytes, ..empty(200) },
            None => with_body(200, value),
        }),
        value => Ok(with_body(200, value)),
    }
}

/// `status` alone counts only in `$return`; elsewhere a handler that says `status` gets 200.
fn respond(response: &Map<String, Value>, status_names: &[&str]) -> Result<HttpResult, String> {
    let status = match status_names.iter().find_map(|name| response.get(*name)) {
        None | Some(Value::Null) => 200,
        Some(Value::String(text)) => parse_status(text)?,
        Some(other) => parse_status(&other.to_string())?,
    };
    let mut result = with_body(status, response.get("body").unwrap_or(&Value::Null));
    if let Some(Value::Object(headers)) = response.get("headers") {
        for (name, value) in headers {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            result.headers.push((name.clone(), value));
        }
    }
    Ok(result)
}

fn parse_status(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
        .ok_or_else(|| format!("'{text}' is not a status code"))
}

fn empty(status: u16) -> HttpResult {
    with_body(status, &Value::Null)
}

fn with_body(status: u16, body: &Value) -> HttpResult {
    let (content_type, body) = match body {
        Value::Null => (None, Vec::new()),
        Value::String(text) => (Some("text/plain; charset=utf-8"), text.clone().into_bytes()),
        other => (Some("application/json; charset=utf-8"), other.to_string().into_bytes()),
    };
    HttpResult { status, headers: Vec::new(), content_type, body }
}

/// The host's guess: a returned string that decodes as base64 is replaced by its bytes, "test" and "" included.
fn guess_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(output: Value) -> Result<HttpResult, String> {
        let answer =
            InvocationAnswer { outputs: Map::from_iter([("res".to_owned(), output)]), ..InvocationAnswer::default() };
        http_result(&answer, Some("res"))
    }

    #[test]
    fn a_named_output_is_an_object_and_only_status_code_counts() {
        let result = named(json!({"statusCode": "201", "body": {"a": 1}, "headers": {"X-A": "1"}})).expect("usable");
        assert_eq!((result.status, result.body.as_slice()), (201, br#"{"a":1}"#.as_slice()));
        assert_eq!(result.headers, [("X-A".to_owned(), "1".to_owned())]);
        assert_eq!(named(json!({"status": 404})).expect("usable").status, 200);
        assert!(named(json!("text")).is_err());
    }

    #[test]
    fn a_returned_object_with_a_body_is_a_response_and_anything_else_is_the_body() {
        let returned = |value: Value| {
            let answer = InvocationAnswer { return_value: value, ..InvocationAnswer::default() };
            http_result(&answer, Some("$return")).expect("usable")
        };
        assert_eq!(returned(json!({"status": 404, "body": "gone!"})).status, 404);
        let plain = returned(json!({"status": 404}));
        assert_eq!((plain.status, plain.body.as_slice()), (200, br#"{"status":404}"#.as_slice()));
        assert_eq!(returned(json!("test")).body, STANDARD.decode("test").expect("base64"));
        assert_eq!(returned(json!("not base64!")).body, b"not base64!");
    }
}
