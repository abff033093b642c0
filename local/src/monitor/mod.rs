//! Azure Monitor, as far as the app asks it about deliveries: the log of failed deliveries, which Event Grid's diagnostic setting sends to
//! a Log Analytics workspace, and counts of events by minute.
//!
//! It answers one query and one call for metrics, those of our app, and refuses all others by name. What it tells comes from Event Grid's
//! real attempts. The log is kept in the store; counts are those since the stack's start.
//!
//! | module | holds |
//! | --- | --- |
//! | `failures` | the table `AegDeliveryFailureLogs` |
//! | `query` | the query, read |
//! | `logs` | the query endpoint of Log Analytics |
//! | `counts` | what is counted, by minute |
//! | `metrics` | the metrics call of Resource Manager |

mod counts;
mod failures;
mod logs;
mod metrics;
mod query;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use self::{counts::Counts, failures::Failures};
pub(crate) use self::{counts::Metric, failures::DeliveryFailure, logs::faults, metrics::MetricsRefusal};
use crate::{
    identity::Identity,
    storage::{Storage, StorageError},
};

/// What is known about deliveries; clones share it.
#[derive(Clone)]
pub struct Monitor {
    failures: Arc<Failures>,
    counts: Arc<Counts>,
}

impl Monitor {
    /// Opens the log in `storage`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open(storage: &Storage) -> Result<Self, StorageError> {
        Ok(Self { failures: Arc::new(Failures::open(storage)?), counts: Arc::default() })
    }

    /// Id of the workspace that the log is in, the same in every stack.
    #[must_use]
    pub fn workspace_id() -> Uuid {
        logs::workspace_id()
    }

    /// The query endpoint, `/v1/workspaces/<id>/query`.
    pub(crate) fn log_analytics(&self, identity: &Identity) -> Router {
        logs::router(self.failures.clone(), identity.clone())
    }

    /// Adds rows to the log. They can be asked for at once; in Azure it takes minutes.
    pub(crate) fn log(&self, failures: &[DeliveryFailure]) -> Result<(), StorageError> {
        self.failures.append(failures)
    }

    /// Counts `events` of the subscription `subscription` to the resource `topic`.
    pub(crate) fn count(&self, topic: &str, subscription: &str, metric: Metric, at: OffsetDateTime, events: usize) {
        self.counts.add(topic, subscription, metric, at, events);
    }

    /// Answers `GET <topic>/providers/Microsoft.Insights/metrics` with this query.
    pub(crate) fn metrics(&self, topic: &str, query: &[(String, String)]) -> Result<Value, MetricsRefusal> {
        metrics::answer(&self.counts, topic, query)
    }
}
