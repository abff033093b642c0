//! Invocation response: what an answer of the handler means to the host.

use std::time::Duration;

use serde_json::{Map, Value};

/// An answer that completes the invocation.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct InvocationAnswer {
    /// Values for output bindings, by name, case-sensitive.
    pub(crate) outputs: Map<String, Value>,
    /// Lines for the function's log.
    pub(crate) logs: Vec<String>,
    /// Feeds the binding `$return`.
    pub(crate) return_value: Value,
}

/// The invocation failed; what the trigger makes of it depends on its kind and its retry policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A status other than 2xx. Body, outputs and logs are discarded.
    #[error("the handler answered {0}")]
    Status(u16),
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

/// Judges an answer by status, content type and body.
pub(crate) fn judge(status: u16, content_type: Option<&str>, body: &[u8]) -> Result<InvocationAnswer, Failure> {
    if !(200..300).contains(&status) {
        return Err(Failure::Status(status));
    }
    if body.is_empty() {
        return Err(Failure::Hang(status));
    }
    let media_type = content_type.and_then(|text| text.split(';').next()).map(str::trim).unwrap_or_default();
    if !["application/json", "text/json"].iter().any(|json| media_type.eq_ignore_ascii_case(json)) {
        let shown = if media_type.is_empty() { "(none)" } else { media_type };
        return Err(Failure::NotJson(status, shown.to_owned()));
    }
    match contoso_json::from_slice(body) {
        Ok(Value::Null) => Err(Failure::Hang(status)),
        Ok(Value::Object(members)) => answer(members),
        Ok(_) => Err(Failure::Malformed("it is JSON, but not an object".to_owned())),
        Err(error) => Err(Failure::Malformed(format!("it is not JSON: {error}"))),
    }
}

/// Top-level names match without regard to case; unknown ones are ignored.
fn answer(members: Map<String, Value>) -> Result<InvocationAnswer, Failure> {
    let mut answer = InvocationAnswer::default();
    for (name, value) in members {
        match (name.to_lowercase().as_str(), value) {
            ("outputs" | "logs", Value::Null) => {}
            ("outputs", Value::Object(outputs)) => answer.outputs = outputs,
            ("outputs", _) => return Err(Failure::Malformed("Outputs is not an object".to_owned())),
            ("logs", Value::Array(lines)) => {
                answer.logs = lines
                    .into_iter()
                    .map(|line| match line {
                        Value::String(text) => Ok(text),
                        Value::Array(_) | Value::Object(_) => {
                            Err(Failure::Malformed("Logs holds something else than strings".to_owned()))
                        }
                        scalar => Ok(scalar.to_string()),
                    })
                    .collect::<Result<_, _>>()?;
            }
            ("logs", _) => return Err(Failure::Malformed("Logs is not an array".to_owned())),
            ("returnvalue", value) => answer.return_value = value,
            _ => {}
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the protocol's answers, line by line.
    #[test]
    fn answers_are_judged_as_the_host_judges_them() {
        let json = Some("application/json; charset=utf-8");
        assert_eq!(judge(200, json, b"{}"), Ok(InvocationAnswer::default()));
        assert!(judge(201, Some("text/json"), br#"{"anything":1}"#).is_ok());
        for (status, content_type, body) in
            [(200, json, &b""[..]), (204, None, b""), (200, json, b"null"), (200, None, b"")]
        {
            assert_eq!(judge(status, content_type, body), Err(Failure::Hang(status)));
        }
        for content_type in [Some("text/plain"), None, Some("application/problem+json")] {
            assert!(matches!(judge(200, content_type, b"{}"), Err(Failure::NotJson(200, _))));
        }
        for body in [&b"ok"[..], b"[]", b"\"ok\"", br#"{"Outputs":[]}"#, br#"{"Logs":"line"}"#] {
            assert!(matches!(judge(200, json, body), Err(Failure::Malformed(_))));
        }
        for status in [304, 400, 429, 500, 503] {
            assert_eq!(judge(status, json, b"{}"), Err(Failure::Status(status)));
        }
    }

    #[test]
    fn top_level_names_match_without_regard_to_case() {
        let body = br#"{"OUTPUTS":{"res":{"statusCode":"201"}},"logs":["stored",1],"returnValue":7}"#;
        let answer = judge(200, Some("application/json"), body).expect("success");
        assert_eq!(answer.outputs["res"]["statusCode"], "201");
        assert_eq!(answer.logs, ["stored", "1"]);
        assert_eq!(answer.return_value, 7);
    }
}
