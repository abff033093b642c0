//! Why a query is refused.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

/// A fault with its members in the service's order, since texts of errors are compared as texts.
#[derive(Serialize)]
struct Fault<'a> {
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    code: Value,
    message: &'a str,
}

#[derive(Serialize)]
struct Location {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct Faults<'a> {
    errors: Vec<Fault<'a>>,
}

/// A refusal, with the code and the place that the service's own planner gives where they are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct QueryError {
    /// `SC1001` for syntax, `SC2001` for a name that cannot be resolved, and so on; digits alone (`2206`) where the service has a number;
    /// empty where the service gives a sentence without a code.
    pub code: &'static str,
    /// The sentence, as clients show it.
    pub message: String,
    /// First character and the one after the last, counted in UTF-16 units from 0, as .NET counts.
    pub location: Option<(usize, usize)>,
    /// Further faults of the same kind, such as each property that no GROUP BY has.
    pub more: Vec<QueryError>,
}

impl QueryError {
    pub(crate) fn new(code: &'static str, location: (usize, usize), message: impl Into<String>) -> QueryError {
        QueryError { code, message: message.into(), location: Some(location), more: Vec::new() }
    }

    /// A sentence for the whole query, which has no place.
    pub(crate) fn whole(code: &'static str, message: impl Into<String>) -> QueryError {
        QueryError { code, message: message.into(), location: None, more: Vec::new() }
    }

    /// What the service refuses as `{"errors":[{"severity","location":{"start","end"},"code","message"}]}`, or, without a code, as
    /// `{"Errors":[message]}`.
    pub fn to_json(&self) -> Value {
        if self.code.is_empty() {
            return json!({"Errors": [self.message]});
        }
        json!(self.faults())
    }

    fn faults(&self) -> Faults<'_> {
        Faults { errors: std::iter::once(self).chain(&self.more).map(QueryError::fault).collect() }
    }

    fn fault(&self) -> Fault<'_> {
        let code = self.code.parse::<u32>().map_or_else(|_| json!(self.code), |number| json!(number));
        let location = self.location.map(|(start, end)| Location { start, end });
        Fault { severity: "Error", location, code, message: &self.message }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            if self.code.is_empty() { Ok(self.to_json().to_string()) } else { serde_json::to_string(&self.faults()) };
        formatter.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_its_members_in_the_order_of_the_service() {
        let error = QueryError::new("SC2001", (22, 23), "Identifier 'a' could not be resolved.");
        let text = r#"{"errors":[{"severity":"Error","location":{"start":22,"end":23},"code":"SC2001","#;
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(QueryError::whole("", "Why").to_string(), r#"{"Errors":["Why"]}"#);
    }
}
