//! Queries of Azure Cosmos DB for NoSQL over documents that a store hands in: reads the text, says what a client needs to run it over
//! several partitions, and answers a page at a time. No input or output, no clock.

mod base64_bytes;
mod document;
pub mod effective_partition_key;
mod error;
mod murmur;
mod plan;
mod resume;

pub use self::{
    document::{Context, Document, Page, PageLimits, Parameters, Position, Row},
    error::QueryError,
    plan::Plan,
    resume::{Resume, Start},
};

/// A query that was read and whose names were resolved.
#[derive(Debug, Clone)]
pub struct Query {}

impl Query {
    /// Reads a query. What cannot be run is refused here, before any document is looked at: syntax, unknown functions, wrong numbers of
    /// arguments, names that nothing has.
    ///
    /// # Errors
    /// The first fault, or all of one kind.
    pub fn parse(_text: &str) -> Result<Query, QueryError> {
        Ok(Query {})
    }

    /// One page. `documents` come in the order of their positions, from where [`Resume::start`] says on; all of one range of partition
    /// keys, or of one partition key, or of the container.
    ///
    /// # Errors
    /// What only shows while it runs: a parameter without a value, a count that is no number, a result too large to be held.
    pub fn page<'d>(
        &self,
        _context: &Context,
        _documents: impl Iterator<Item = Document<'d>>,
        _limits: PageLimits,
        _resume: Option<&Resume>,
    ) -> Result<Page, QueryError> {
        Err(QueryError::whole("SC2990", "Queries are not served yet."))
    }
}
