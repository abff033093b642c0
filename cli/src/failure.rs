//! Failures of calls to the running stack.

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// A call over HTTP did not do what it should. All calls of this program are safe to repeat.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer.
    #[error("cannot {operation}")]
    Send {
        /// What was tried, as in "register the schema x".
        operation: String,
        /// What the client said.
        source: reqwest::Error,
    },
    /// An answer that is no success.
    #[error("cannot {operation}: {status}: {detail}")]
    Refused {
        /// What was tried.
        operation: String,
        /// The status of the answer.
        status: StatusCode,
        /// What the answer says, in one line.
        detail: String,
    },
}

impl CallError {
    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Send { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
        }
    }
}

/// The error of an answer that is no success.
pub async fn refused(operation: String, response: Response) -> CallError {
    let status = response.status();
    let detail = match response.text().await {
        // The host refuses by the status alone.
        Ok(body) if status == StatusCode::UNAUTHORIZED && body.is_empty() => {
            "the key is missing or wrong; `contoso up --auth` prints keys, --key takes one".to_owned()
        }
        // The Functions host answers a failure by the status alone, as Azure's does, and logs the cause.
        Ok(body) if status.is_server_error() && body.trim().is_empty() => {
            "the answer says no more; the cause is in the log of `contoso up`".to_owned()
        }
        Ok(body) => detail(&body),
        Err(error) => error.to_string(),
    };
    CallError::Refused { operation, status, detail }
}

/// What a body says about an error: RFC 9457 problem details, Azure's error objects, or its first characters.
fn detail(body: &str) -> String {
    const SHOWN: usize = 300;
    let said = contoso_json::from_str::<Value>(body).ok().and_then(|body| {
        let texts = [&body["detail"], &body["error"]["message"], &body["title"], &body["message"]];
        let said = texts.into_iter().find_map(Value::as_str)?;
        // Where each part of a batch has reasons of its own, the first stands for all.
        let first = &body["refused"][0]["errors"][0];
        Some(match (first["field"].as_str(), first["message"].as_str()) {
            (Some(field), Some(message)) => format!("{said} The first: {field} {message}"),
            _ => said.to_owned(),
        })
    });
    let text = said.unwrap_or_else(|| body.to_owned());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "no details".to_owned(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_is_one_line_of_what_the_answer_says() {
        assert_eq!(detail(r#"{"title":"Bad","detail":"price.amount\nis negative"}"#), "price.amount is negative");
        assert_eq!(detail(r#"{"error":{"code":"Url validation","message":"no handshake"}}"#), "no handshake");
        let batch = r#"{"detail":"None.","refused":[{"index":0,"errors":[{"field":"id","message":"is short"}]}]}"#;
        assert_eq!(detail(batch), "None. The first: id is short");
        assert_eq!(detail("plain"), "plain");
        assert_eq!(detail(""), "no details");
        assert_eq!(detail(&"ä".repeat(400)).chars().count(), 301);
    }
}
