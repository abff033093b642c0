use std::collections::BTreeMap;

use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

fn named(output: &str) -> Result<HttpResult, String> {
    let outputs = BTreeMap::from([("res".to_owned(), raw(output))]);
    http_result(&InvocationAnswer { outputs, ..InvocationAnswer::default() }, Some("res"))
}

fn returning(value: &str, binding: Option<&str>) -> HttpResult {
    let answer = InvocationAnswer { return_value: Some(raw(value)), ..InvocationAnswer::default() };
    http_result(&answer, binding).unwrap_or_else(|problem| panic!("{value}: {problem}"))
}

fn body(result: &HttpResult) -> &str {
    std::str::from_utf8(&result.body).expect("UTF-8")
}

const INDENTED: &str = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": 1\n}";

#[test]
fn a_named_output_is_an_object_in_whatever_case() {
    for (output, status, expected) in [
        (r#"{"statusCode":"201","body":{"b":[1,{}],"a":1}}"#, 201, INDENTED),
        (r#"{"body":{"b":[1,{}],"a":1},"headers":{"content-type":"application/json"}}"#, 200, INDENTED),
        (r#"{"StatusCode":201,"Body":"x","Headers":{"X-A":"b"}}"#, 201, "x"),
        (r#""{\"statusCode\":202,\"body\":\"as text\"}""#, 202, "as text"),
        (r#"{"statusCode":"abc","body":"x"}"#, 200, "x"),
        (r#"{"statusCode":true,"body":"x"}"#, 200, "x"),
        (r#"{"status":404}"#, 200, ""),
        (r#"{"body":true}"#, 200, "True"),
        (r#"{"body":1.50}"#, 200, "1.5"),
        (r#"{"body":"2026-01-02T03:04:05Z"}"#, 200, "01/02/2026 03:04:05"),
        (r#"{"body":{"t":"2026-01-02T03:04:05.1230000Z"}}"#, 200, "{\n  \"t\": \"2026-01-02T03:04:05.123Z\"\n}"),
    ] {
        let result = named(output).expect(output);
        assert_eq!((result.status, body(&result)), (status, expected), "{output}");
    }
    for output in [
        "null",
        r#""text""#,
        "[]",
        "5",
        r#"{"statusCode":{}}"#,
        r#"{"statusCode":99}"#,
        r#"{"headers":[]}"#,
        r#"{"headers":{"x":null}}"#,
        r#"{"headers":{"Content-Type":null}}"#,
    ] {
        assert!(named(output).is_err(), "{output}");
    }
    let typed = named(r#"{"headers":{"X-A":true,"x-b":{},"Content-Type":"application/json"}}"#).expect("usable");
    assert_eq!(
        typed.headers,
        [("X-A", "True"), ("x-b", "{}")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(typed.content_type.as_deref(), Some("application/json; charset=utf-8"));
    assert_eq!(named("{}").expect("usable").content_type.as_deref(), Some("text/plain; charset=utf-8"));
}

#[test]
fn without_the_output_it_is_an_empty_object_and_without_a_returned_value_204() {
    let nothing = InvocationAnswer::default();
    let named = http_result(&nothing, Some("res")).expect("usable");
    assert_eq!((named.status, body(&named)), (200, "{}"));
    for binding in [Some("$return"), None] {
        assert_eq!(http_result(&nothing, binding).expect("usable").status, 204);
    }
    let merged = returning(r#"{"res":{"body":{"a":1},"status":201}}"#, Some("res"));
    assert_eq!((merged.status, body(&merged)), (201, r#"{"a":1}"#));
}

#[test]
fn a_returned_object_with_a_body_is_a_response_and_anything_else_is_the_body() {
    for (value, status, expected) in [
        (r#"{"status":404,"body":"gone!"}"#, 404, "gone!"),
        (r#"{"body":{"a":1}}"#, 200, r#"{"a":1}"#),
        (r#"{"Body":"x","Status":201}"#, 201, "x"),
        (r#"{"body":[1,2]}"#, 200, "System.Collections.Generic.List`1[System.Object]"),
        (r#"{"status":404}"#, 200, "{\n  \"status\": 404\n}"),
        (r#""{\"statusCode\":201,\"body\":\"js\"}""#, 201, "js"),
        (r#""\"q\"""#, 200, "q"),
        ("true", 200, "True"),
        (r#""not base64!""#, 200, "not base64!"),
        (r#""2026-01-02T03:04:05Z""#, 200, "01/02/2026 03:04:05"),
    ] {
        let result = returning(value, Some("$return"));
        assert_eq!((result.status, body(&result)), (status, expected), "{value}");
    }
    for (value, bytes) in
        [(r#""test""#, &b"\xb5\xeb\x2d"[..]), (r#""no go""#, b"\x9e\x88\x28"), (r#""ab==""#, b"i"), (r#""""#, b"")]
    {
        let result = returning(value, Some("$return"));
        assert_eq!(
            (&result.body[..], result.content_type.as_deref()),
            (bytes, Some("application/octet-stream")),
            "{value}"
        );
    }
}

#[test]
fn without_any_http_output_the_returned_value_is_written_as_an_object() {
    let (text, json) = ("text/plain; charset=utf-8", "application/json; charset=utf-8");
    for (value, expected, content_type) in [
        (r#"{"a": 1}"#, r#"{"a":1}"#, json),
        (r#""test""#, "test", text),
        ("7", "7", json),
        (r#""2026-01-02T03:04:05.10Z""#, r#""2026-01-02T03:04:05.1Z""#, json),
    ] {
        let result = returning(value, None);
        assert_eq!((body(&result), result.content_type.as_deref()), (expected, Some(content_type)), "{value}");
    }
}
