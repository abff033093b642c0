//! Kinds of operation, by which faults are chosen and costs are counted.

use serde::Deserialize;

use crate::cosmos::wire::request::{A_IM, Operation, Request, Write};

/// Kinds of operation, as a [`Fault`](super::levers::Fault) names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationKind {
    /// Point read of an item.
    Read,
    /// Query of items, and its plan.
    Query,
    /// Read of all items of a scope.
    Feed,
    /// Change feed.
    ChangeFeed,
    /// Create, upsert, replace, patch or delete of an item.
    Write,
    /// Transactional batch.
    Batch,
    /// Account, databases, containers, ranges, throughput.
    Metadata,
}

impl OperationKind {
    /// The kind of what `request` does.
    pub(in crate::cosmos) fn of(request: &Request) -> Self {
        match (request.operation(), request.segments().as_slice()) {
            (Operation::ChangeFeed, _) => Self::ChangeFeed,
            (Operation::Bulk | Operation::Write(Write::Batch), _) => Self::Batch,
            (Operation::Write(write), _) if write.is_item_write() => Self::Write,
            (Operation::Read, ["dbs", _, "colls", _, "docs", _]) => Self::Read,
            (Operation::Read, ["dbs", _, "colls", _, "docs"]) if request.method == http::Method::POST => Self::Query,
            (Operation::Read, ["dbs", _, "colls", _, "docs"]) if !request.headers.contains_key(&A_IM) => Self::Feed,
            _ => Self::Metadata,
        }
    }
}
