//! Invocation response: what an answer of the handler means to the host.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, value::RawValue};

use super::{byte_order::text_of, call::Response};

/// An answer that completes the invocation. Its values are kept as text, for their members go on in the handler's order.
#[derive(Debug, Default)]
pub(crate) struct InvocationAnswer {
    /// Values for output bindings, by name, case-sensitive.
    pub(crate) outputs: BTreeMap<String, Box<RawValue>>,
    /// Lines for the function's log.
    pub(crate) logs: Vec<String>,
    /// Feeds the binding `$return`; `None` where it is null too.
    pub(crate) return_value: Option<Box<RawValue>>,
}

/// The invocation failed; what the trigger makes of it depends on its kind and its retry policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A status other than 2xx. Body, outputs and logs are discarded.
    #[error("Response status code does not indicate success: {status}{}.", in_brackets(reason))]
    Status {
        /// The status.
        status: u16,
        /// What the handler calls it.
        reason: String,
    },
    /// 2xx without a value.
    #[error(
        "the handler answered {0} with an empty body: AZURE NEVER COMPLETES SUCH AN INVOCATION, it hangs until functionTimeout and \
         the handler is then killed; answer with a JSON object, `{{}}` is enough (failed at once here instead)"
    )]
    Hang(u16),
    /// No formatter for the content type.
    #[error(
        "Invalid HttpResponseMessage: the handler answered {0} with content type {1}, the host reads application/json only"
    )]
    NotJson(u16, String),
    /// Not a JSON object of the expected shape.
    #[error("the handler's answer cannot be read: {0}")]
    Malformed(String),
    /// A request that cannot be sent on, so the handler was not called.
    #[error("{0}")]
    Unsent(String),
    /// No answer.
    #[error("the handler cannot be reached: {0}")]
    Unreachable(String),
    /// Longer than `functionTimeout`.
    #[error("Timeout value of {0:?} was exceeded; the handler was killed")]
    TimedOut(Duration),
    /// The value could not be bound, so the handler was not called.
    #[error("Exception binding parameter '{parameter}': {problem}")]
    Binding {
        /// Name of the trigger binding.
        parameter: String,
        /// What the host could not do.
        problem: String,
    },
}

fn in_brackets(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// Judges an answer by status, content type and body.
pub(crate) fn judge(answer: &Response) -> Result<InvocationAnswer, Failure> {
    let status = answer.status.as_u16();
    if !answer.status.is_success() {
        return Err(Failure::Status { status, reason: answer.reason.clone() });
    }
    if answer.body.is_empty() {
        return Err(Failure::Hang(status));
    }
    let content_type = answer.content_type.as_deref();
    let media_type = content_type.and_then(|text| text.split(';').next()).map(str::trim).unwrap_or_default();
    if !["application/json", "text/json"].iter().any(|json| media_type.eq_ignore_ascii_case(json)) {
        let shown = if media_type.is_empty() { "(none)" } else { media_type };
        return Err(Failure::NotJson(status, shown.to_owned()));
    }
    let not_json = |error: serde_json::Error| Failure::Malformed(format!("it is not JSON: {error}"));
    let body = text_of(&answer.body);
    if body.is_empty() {
        return Err(Failure::Hang(status));
    }
    let whole: &RawValue = contoso_json::from_str(&body).map_err(not_json)?;
    match whole.get().as_bytes().first() {
        Some(b'{') => members(contoso_json::from_str(whole.get()).map_err(not_json)?),
        Some(b'n') => Err(Failure::Hang(status)),
        _ => Err(Failure::Malformed("it is JSON, but not an object".to_owned())),
    }
}

/// Top-level names match without regard to case; unknown ones are ignored.
fn members(members: BTreeMap<String, Box<RawValue>>) -> Result<InvocationAnswer, Failure> {
    let mut answer = InvocationAnswer::default();
    for (name, value) in members {
        let is_null = value.get() == "null";
        match name.to_lowercase().as_str() {
            _ if is_null => {}
            "outputs" => {
                answer.outputs = contoso_json::from_str(value.get())
                    .map_err(|_| Failure::Malformed("Outputs is not an object".to_owned()))?;
            }
            "logs" => answer.logs = logs(&value)?,
            "returnvalue" => answer.return_value = Some(value),
            _ => {}
        }
    }
    Ok(answer)
}

fn logs(value: &RawValue) -> Result<Vec<String>, Failure> {
    let malformed = |problem: &str| Failure::Malformed(problem.to_owned());
    let lines: Vec<Value> = contoso_json::from_str(value.get()).map_err(|_| malformed("Logs is not an array"))?;
    let line = |line| match line {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err(malformed("Logs holds something else than strings")),
        scalar => Ok(scalar.to_string()),
    };
    lines.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;

    fn judged(status: u16, content_type: Option<&str>, body: &'static [u8]) -> Result<InvocationAnswer, Failure> {
        let status = StatusCode::from_u16(status).expect("a status");
        let content_type = content_type.map(str::to_owned);
        judge(&Response { status, reason: "X".to_owned(), content_type, body: Bytes::from_static(body) })
    }

    /// The table of the protocol's answers, line by line.
    #[test]
    fn answers_are_judged_as_the_host_judges_them() {
        let json = Some("application/json; charset=utf-8");
        assert!(judged(200, json, b"{}").is_ok_and(|answer| answer.outputs.is_empty()));
        assert!(judged(200, json, b"\xef\xbb\xbf{}").is_ok());
        assert!(judged(201, Some("text/json"), br#"{"anything":1}"#).is_ok());
        for (status, content_type, body) in
            [(200, json, &b""[..]), (204, None, b""), (200, json, b"null"), (200, None, b"")]
        {
            assert_eq!(judged(status, content_type, body).err(), Some(Failure::Hang(status)));
        }
        for content_type in [Some("text/plain"), None, Some("application/problem+json")] {
            assert!(matches!(judged(200, content_type, b"{}"), Err(Failure::NotJson(200, _))));
        }
        for body in [&b"ok"[..], b"[]", b"\"ok\"", br#"{"Outputs":[]}"#, br#"{"Logs":"line"}"#] {
            assert!(matches!(judged(200, json, body), Err(Failure::Malformed(_))));
        }
        for status in [304, 400, 429, 500, 503] {
            let failure = judged(status, json, b"{}").expect_err("no success");
            assert_eq!(failure.to_string(), format!("Response status code does not indicate success: {status} (X)."));
        }
    }

    #[test]
    fn top_level_names_match_without_regard_to_case() {
        let body = br#"{"OUTPUTS":{"res":{"statusCode":"201"}},"logs":["stored",1],"returnValue":7}"#;
        let answer = judged(200, Some("application/json"), body).expect("success");
        assert_eq!(answer.outputs["res"].get(), r#"{"statusCode":"201"}"#);
        assert_eq!(answer.logs, ["stored", "1"]);
        assert_eq!(answer.return_value.expect("a value").get(), "7");
    }
}
