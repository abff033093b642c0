//! Usage metrics: what requests cost, by container: Azure Monitor's metrics `TotalRequests` and `TotalRequestUnits`,
//! as far as benchmarks ask.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::Response;

use crate::cosmos::wire::{
    operation_kind::OperationKind,
    request::{ContainerName, Request},
};

/// Requests on the items of one container since the start, whatever they answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Writes, a transactional batch counting as one.
    pub writes: u64,
    /// Point reads.
    pub reads: u64,
    /// Queries, pages of feeds and reads of the change feed.
    pub queries: u64,
    /// What the answers charged, in request units.
    pub request_units: f64,
}

/// The usage of every container.
#[derive(Clone, Default)]
pub(in crate::cosmos) struct Meter(Arc<Mutex<HashMap<ContainerName, Usage>>>);

impl Meter {
    /// Counts one answered request.
    pub(in crate::cosmos) fn count(&self, request: &Request, kind: OperationKind, response: &Response<Bytes>) {
        let Some(name) = request.container() else { return };
        let charge = response.headers().get("x-ms-request-charge").and_then(|charge| charge.to_str().ok());
        let mut containers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = containers.entry(name).or_default();
        match kind {
            OperationKind::Write | OperationKind::Batch => usage.writes += 1,
            OperationKind::Read => usage.reads += 1,
            OperationKind::Query | OperationKind::Feed | OperationKind::ChangeFeed => usage.queries += 1,
            OperationKind::Metadata => return,
        }
        usage.request_units += charge.and_then(|charge| charge.parse::<f64>().ok()).unwrap_or(0.0);
    }

    /// The usage of one container so far.
    pub(in crate::cosmos) fn of(&self, database: &str, container: &str) -> Usage {
        let containers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        containers.get(&ContainerName::new(database, container)).copied().unwrap_or_default()
    }
}
