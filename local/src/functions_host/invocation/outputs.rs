//! The `http` output of a function whose request was not forwarded.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    json::{Compact, Dates, Indented, JsonText as _},
    judge::InvocationAnswer,
    metadata::Members,
};

const TEXT: &str = "text/plain; charset=utf-8";

/// The response the caller gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct HttpResult {
    pub(crate) status: u16,
    /// Headers the handler set.
    pub(crate) headers: Vec<(String, String)>,
    /// Content type that follows from the body, unless a header says another.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

/// A response in an output.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: Option<Value>,
    status: Option<Value>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    headers: Option<Members<Value>>,
}

/// Builds the response out of `binding`, the name of the `http` output, or of nothing. Without the output it is an empty
/// object; without a `$return` it is nothing, 204.
///
/// # Errors
/// A sentence, where the value cannot be used; the caller gets 500.
pub(crate) fn http_result(answer: &InvocationAnswer, binding: Option<&str>) -> Result<HttpResult, String> {
    match binding {
        None => Ok(HttpResult { status: 200, ..HttpResult::default() }),
        Some("$return") => match &answer.return_value {
            None => Ok(HttpResult { status: 204, ..HttpResult::default() }),
            Some(value) => returned(value),
        },
        Some(name) => {
            let merged = merged(answer, name);
            match answer.outputs.get(name).map(|value| value.as_ref()).or(merged.as_deref()) {
                None => with_body(200, Some("{}"), false),
                Some(response) if is_object(response) => respond(response, false),
                Some(_) => Err(format!("output '{name}' must be an object")),
            }
        }
    }
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Without a `$return` binding the members of a returned object count as outputs.
fn merged(answer: &InvocationAnswer, name: &str) -> Option<Box<RawValue>> {
    let returned = answer.return_value.as_ref().filter(|value| is_object(value))?;
    let members: Members<Box<RawValue>> = contoso_json::from_str(returned.get()).ok()?;
    members.0.into_iter().find_map(|(known, value)| (known == name).then_some(value))
}

fn returned(value: &RawValue) -> Result<HttpResult, String> {
    let written = || contoso_json::from_str::<Written<'_>>(value.get()).ok();
    if is_object(value) && written().is_some_and(|written| written.body.is_some()) {
        return respond(value, true);
    }
    let text: Option<String> = contoso_json::from_str(value.get()).ok();
    match text.and_then(|text| guess_base64(&text)) {
        Some(body) => Ok(HttpResult {
            status: 200,
            content_type: Some("application/octet-stream"),
            body,
            ..HttpResult::default()
        }),
        None => with_body(200, Some(value.get()), false),
    }
}

/// `status` counts only in `$return`; elsewhere a handler that says `status` alone gets 200.
fn respond(response: &RawValue, status_counts: bool) -> Result<HttpResult, String> {
    let written: Written<'_> = contoso_json::from_str(response.get()).map_err(|error| error.to_string())?;
    let status = written.status_code.or(written.status.filter(|_| status_counts));
    let status = match status {
        None | Some(Value::Null) => 200,
        Some(Value::String(text)) => parse_status(&text)?,
        Some(other) => parse_status(&other.to_string())?,
    };
    let headers = written.headers.map(|headers| headers.0).unwrap_or_default();
    let is_typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let mut result = with_body(status, written.body.map(RawValue::get), is_typed)?;
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    result.headers = headers.into_iter().map(|(name, value)| (name, text(value))).collect();
    Ok(result)
}

fn parse_status(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
        .ok_or_else(|| format!("'{text}' is not a status code"))
}

/// A response with a JSON text for a body. A string is its content. What is no string and has a content type is written as
/// JSON; without one the real host makes a text of it first, which is indented.
fn with_body(status: u16, body: Option<&str>, is_typed: bool) -> Result<HttpResult, String> {
    let Some(body) = body.filter(|body| *body != "null") else {
        return Ok(HttpResult { status, ..HttpResult::default() });
    };
    let body = match contoso_json::from_str::<String>(body) {
        Ok(text) => text.into_bytes(),
        Err(_) => {
            let mut compact = Vec::new();
            let read = Compact::new(body, Dates::Verbatim).map_err(|error| error.to_string())?;
            let written = if is_typed { read.write(&mut compact) } else { Indented(read).write(&mut compact) };
            written.map_err(|error| error.to_string())?;
            compact
        }
    };
    Ok(HttpResult { status, headers: Vec::new(), content_type: Some(TEXT), body })
}

/// The host's guess: a returned string that decodes as base64 is replaced by its bytes, "test" and "" included.
fn guess_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    fn named(output: &str) -> Result<HttpResult, String> {
        let outputs = BTreeMap::from([("res".to_owned(), raw(output))]);
        http_result(&InvocationAnswer { outputs, ..InvocationAnswer::default() }, Some("res"))
    }

    fn body(result: &HttpResult) -> &str {
        std::str::from_utf8(&result.body).expect("UTF-8")
    }

    #[test]
    fn a_named_output_is_an_object_and_only_status_code_counts() {
        let result = named(r#"{"statusCode":"201","body":{"b":[1,{}],"a":1},"headers":{"X-A":"1"}}"#).expect("usable");
        let indented = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": 1\n}";
        assert_eq!((result.status, body(&result), result.content_type), (201, indented, Some(TEXT)));
        assert_eq!(result.headers, [("X-A".to_owned(), "1".to_owned())]);
        let typed = named(r#"{"body":{"b":1, "a":2},"headers":{"content-type":"application/json"}}"#).expect("usable");
        assert_eq!(body(&typed), r#"{"b":1,"a":2}"#);
        assert_eq!(named(r#"{"status":404}"#).expect("usable").status, 200);
        assert!(named(r#""text""#).is_err());
    }

    #[test]
    fn without_the_output_it_is_an_empty_object_and_without_a_returned_value_204() {
        let nothing = InvocationAnswer::default();
        let named = http_result(&nothing, Some("res")).expect("usable");
        assert_eq!((named.status, body(&named), named.content_type), (200, "{}", Some(TEXT)));
        assert_eq!(http_result(&nothing, Some("$return")).expect("usable").status, 204);
    }

    #[test]
    fn a_returned_object_with_a_body_is_a_response_and_anything_else_is_the_body() {
        let returned = |value: &str| {
            let answer = InvocationAnswer { return_value: Some(raw(value)), ..InvocationAnswer::default() };
            http_result(&answer, Some("$return")).expect("usable")
        };
        assert_eq!(returned(r#"{"status":404,"body":"gone!"}"#).status, 404);
        let plain = returned(r#"{"status":404}"#);
        assert_eq!((plain.status, body(&plain)), (200, "{\n  \"status\": 404\n}"));
        assert_eq!(returned(r#""test""#).body, STANDARD.decode("test").expect("base64"));
        assert_eq!(returned(r#""not base64!""#).body, b"not base64!");
    }
}
