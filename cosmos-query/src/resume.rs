//! Where the next page begins, in terms that survive changes of what was paged.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Position, QueryError, rid, value::Sorted};

/// Where the next page of a query begins: never a count of rows, but the last document or the last values that were returned. It is the
/// store's to hand it to clients, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    #[serde(rename = "a")]
    pub(crate) at: At,
    /// Rows that OFFSET still leaves out.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub(crate) skip: u64,
    /// Rows that TOP or LIMIT still lets through.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) take: Option<u64>,
}

/// What was returned last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum At {
    /// This document, or so many of the rows that it becomes.
    #[serde(rename = "d")]
    Document(Position, Option<u64>),
    /// A row with these values of ORDER BY.
    #[serde(rename = "o")]
    Sorted(Vec<Sorted>, Tie),
    /// The group, or the distinct row, of this hash.
    #[serde(rename = "h")]
    Hash(#[serde(with = "hexadecimal")] u128),
}

/// Which of the rows that have the same values of ORDER BY.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tie {
    /// All up to a row of a document.
    #[serde(rename = "r")]
    Row(Option<u64>, Position, u64),
    /// As a client says it: before or behind the document of this number, or before or behind all of them.
    #[serde(rename = "f")]
    Filter { rid: Option<u64>, exclude: bool },
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
        match &self.at {
            At::Document(position, rows) => Some(Start { position, inclusive: rows.is_some() }),
            At::Sorted(..) | At::Hash(_) => None,
        }
    }

    /// From `resumeFilter` in the body of a request, with which the .NET client resumes an ORDER BY in its place of a continuation:
    /// `{"value": [last sort values], "rid": "of the last document", "exclude": whether that one is left out}`; an undefined value is
    /// `[]`. TOP and OFFSET begin anew with it, as the client counts them itself.
    ///
    /// # Errors
    /// If it has another form, or a value is an array or an object, of which the client sends a hash.
    pub fn from_filter(filter: &Value) -> Result<Resume, QueryError> {
        let refuse = |message: &str| QueryError::whole("SC2990", message);
        let values = filter.get("value").and_then(Value::as_array);
        let values = values.ok_or_else(|| refuse("A resumeFilter has an array 'value'."))?;
        let value = |value: &Value| match value {
            Value::Array(none) if none.is_empty() => Ok(Sorted(None)),
            Value::Array(_) | Value::Object(_) => Err(refuse("A resumeFilter after arrays or objects is not served.")),
            value => Ok(Sorted(Some(value.clone()))),
        };
        let values = values.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let rid = match filter.get("rid") {
            None | Some(Value::Null) => None,
            Some(rid) => {
                let number = rid.as_str().and_then(rid::parse);
                Some(number.ok_or_else(|| refuse("The 'rid' of a resumeFilter is the id of a document."))?)
            }
        };
        let exclude = filter.get("exclude").and_then(Value::as_bool).unwrap_or(false);
        Ok(Resume { at: At::Sorted(values, Tie::Filter { rid, exclude }), skip: 0, take: None })
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{hash:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
