//! Queries of Azure Cosmos DB for NoSQL over documents that a store hands in: reads the text, says what a client needs to run it over
//! several partitions, and answers a page at a time. No input or output, no clock.
//!
//! Not served, and refused by name: user-defined functions (planned, not run), ORDER BY RANK with `FullTextScore` and `RRF`, `ST_AREA`,
//! the later functions (`SUBSTRINGAFTER`, `LASTINDEXOF`, `ARRAY_SUM`, `DateTimeFormat`, `REGEXEXTRACT` and their kin), patterns of
//! `REGEXMATCH` with look-around, references back or what else the regex package does not read, ORDER BY of anything but paths and
//! `VectorDistance`, subqueries beside aggregates, patterns of more than 8 KiB; what does more work in one page than
//! [`PageLimits::work`] (`SC3020`) or holds more than [`PageLimits::memory`] (`SC3021`), and an ORDER BY whose next page would begin behind
//! values that no continuation can carry (`SC3022`). TOP, ORDER BY and OFFSET LIMIT in subqueries are refused because the service refuses
//! them. Otherwise than in the service: arrays and objects sort by their contents, not by a hash; words of full text have no stems; `NaN` and
//! `Infinity` are undefined but for `ToString`, as is what calculations make of them.

mod base64_bytes;
mod computed;
mod document;
pub mod effective_partition_key;
mod error;
mod evaluate;
mod functions;
mod murmur;
mod order_by;
mod page;
mod plan;
mod resolve;
mod resolved;
mod resume;
mod rid;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

pub use self::{
    computed::{ComputedBudget, ComputedProperty},
    document::{Context, Document, Page, PageLimits, Parameters, Position, Row},
    error::QueryError,
    order_by::OrderBy,
    plan::Plan,
    resume::{Resume, Start},
};

/// A query that was read and whose names were resolved.
#[derive(Debug, Clone)]
pub struct Query {
    select: syntax::Select,
    rows: resolved::Rows,
    /// Parameters that expressions name.
    parameters: Vec<String>,
    /// Whether user-defined functions are called: they can be planned but not run.
    user_defined: bool,
}

impl Query {
    /// Reads a query. What cannot be run is refused here, before any document is looked at: syntax, unknown functions, wrong numbers of
    /// arguments, names that nothing has.
    ///
    /// # Errors
    /// The first fault, with all others of its kind.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        let select = syntax::parse(text)?;
        let resolved = resolve::resolve(text, &select)?;
        let resolve::Resolved { rows, parameters, user_defined } = resolved;
        Ok(Query { select, rows, parameters, user_defined })
    }
}
