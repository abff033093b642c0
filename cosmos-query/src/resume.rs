//! Where the next page begins, in terms that survive changes of what was paged.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Position, QueryError};

/// Where the next page of a query begins: never a count of rows, but the last document or the last values that were returned. It is the
/// store's to hand it to clients, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Position>,
}

/// The place from which a store iterates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start<'r> {
    pub position: &'r Position,
    /// Whether the document at this place is needed once more: a query may have returned a part of what it makes of it.
    pub inclusive: bool,
}

impl Resume {
    /// From which document on the next page needs the documents; `None`: from the first, since the order of the result is another one
    /// (ORDER BY, GROUP BY, DISTINCT, aggregates). It is an economy: documents before it do no harm.
    pub fn start(&self) -> Option<Start<'_>> {
        self.after.as_ref().map(|position| Start { position, inclusive: false })
    }

    /// From `resumeFilter` in the body of a request, with which the .NET client resumes an ORDER BY:
    /// `{"value": [last sort values], "rid": "of the last document", "exclude": whether that document was seen}`.
    ///
    /// # Errors
    /// If it has another form.
    pub fn from_filter(_filter: &Value) -> Result<Resume, QueryError> {
        Err(QueryError::whole("SC2990", "resumeFilter is not served."))
    }
}
