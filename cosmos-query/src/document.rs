//! What goes into a page of a query and what comes out.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{QueryError, Resume};

/// Where a document stands in its store: bytes that sort as the store iterates, and that no two documents share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(#[serde(with = "crate::base64_bytes")] pub Vec<u8>);

/// A document as the store hands it in: its value has the members that the service adds (`_rid`, `_ts`, `_etag`, `_self`).
#[derive(Debug, Clone)]
pub struct Document<'d> {
    pub position: Position,
    pub value: Cow<'d, Value>,
}

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// The whole document at this place, for `SELECT *` and `SELECT VALUE c`: the store writes it as it has it.
    Document(Position),
    Value(Value),
}

/// How much one page may have and do. A page ends at whichever comes first; each page has at least one step forward.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits {
    /// Most rows; at least 1.
    pub rows: usize,
    /// Most bytes of JSON, unless the first row alone has more. Documents of [`Row::Document`] count too.
    pub bytes: usize,
    /// Documents that a plain query (no ORDER BY, GROUP BY, DISTINCT or aggregate) looks at before it answers with what it has.
    pub documents: usize,
    /// Work, in units of about a nanosecond of an optimised build: a byte that is read, compared or written, a 32nd of a node of an
    /// expression. Beyond it the query is refused with `SC3020`; a plain query ends its page behind a document when half of it is spent.
    pub work: u64,
    /// Bytes of memory that values may take which a query builds or gathers, beside the documents and the page's own rows. Beyond it the
    /// query is refused with `SC3021`. Rows that are sorted may take half as much again, but are never refused for it: a page has fewer.
    pub memory: u64,
}

impl PageLimits {
    /// Whether a row has no place behind so many others, with which it would have so many bytes.
    pub(crate) fn is_full(&self, rows: usize, bytes: usize) -> bool {
        rows > 0 && (rows >= self.rows || bytes > self.bytes)
    }
}

impl Default for PageLimits {
    fn default() -> PageLimits {
        PageLimits { rows: 1000, bytes: 4 << 20, documents: 100_000, work: 4 << 30, memory: 128 << 20 }
    }
}

/// One page of a result.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` after the last one. A page may be empty and yet have a next one.
    pub next: Option<Resume>,
    /// Documents that were looked at.
    pub read: usize,
}

/// What a query is run with beside the documents.
#[derive(Debug, Clone)]
pub struct Context {
    pub parameters: Parameters,
    /// What `GetCurrentDateTime` and its kin say, one time for the whole page.
    pub now: OffsetDateTime,
    /// Where the numbers of `RAND` begin; the same seed gives the same numbers.
    pub seed: u64,
}

/// The values of a query's parameters, by name with the `@`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(BTreeMap<String, Option<Value>>);

impl Parameters {
    pub(crate) const fn new(all: BTreeMap<String, Option<Value>>) -> Parameters {
        Parameters(all)
    }

    /// From what stands in a request beside `query`: `[{"name": "@n", "value": 1}]`, or nothing.
    ///
    /// # Errors
    /// If it is something else, or an element has no name that begins with `@`.
    pub fn from_json(list: Option<&Value>) -> Result<Parameters, QueryError> {
        let refuse = |message: &str| Err(QueryError::whole("SC1010", message));
        let list = match list {
            None | Some(Value::Null) => return Ok(Parameters::default()),
            Some(Value::Array(list)) => list,
            Some(_) => return refuse("The parameters of a query are an array of objects with name and value."),
        };
        let mut all = BTreeMap::new();
        for parameter in list {
            let Some(name) = parameter.get("name").and_then(Value::as_str).filter(|name| name.starts_with('@')) else {
                return refuse("A parameter of a query has a name that begins with '@'.");
            };
            // A client that leaves the value out means undefined.
            all.insert(name.to_owned(), parameter.get("value").cloned());
        }
        Ok(Parameters(all))
    }

    /// The value of a parameter, unless it is undefined or missing.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)?.as_ref()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl FromIterator<(String, Value)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(all: I) -> Parameters {
        Parameters(all.into_iter().map(|(name, value)| (name, Some(value))).collect())
    }
}
