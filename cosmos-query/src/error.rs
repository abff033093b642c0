//! Why a query is refused.

use std::fmt;

use serde_json::{Value, json};

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
        let all: Vec<Value> = std::iter::once(self).chain(&self.more).map(QueryError::fault).collect();
        json!({ "errors": all })
    }

    fn fault(&self) -> Value {
        let code = self.code.parse::<u32>().map_or_else(|_| json!(self.code), |number| json!(number));
        match self.location {
            Some((start, end)) => {
                let location = json!({"start": start, "end": end});
                json!({"severity": "Error", "location": location, "code": code, "message": self.message})
            }
            None => json!({"severity": "Error", "code": code, "message": self.message}),
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.to_json())
    }
}
