//! Levers of a running host: what an operator or a test moves by hand.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;

use super::{
    FunctionsHost,
    rewinds::{Levers, Rewind, RewindSender},
};

/// How long a lever waits for its listener.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lever could not be moved; nothing changed unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum LeverError {
    /// No enabled function of this name has such a trigger.
    #[error("{function} is not an enabled function with a {trigger}")]
    NoFunction {
        /// Name asked for.
        function: String,
        /// Trigger it should have.
        trigger: &'static str,
    },
    /// The function reads no such partition.
    #[error("{function} does not read partition {partition}")]
    NoPartition {
        /// The function.
        function: String,
        /// Partition asked for.
        partition: String,
    },
    /// The new position could not be stored, so the function goes on from the old one. Repeating is safe.
    #[error("cannot rewind {function}: {problem}; repeating is safe")]
    Store {
        /// The function.
        function: String,
        /// What the store said.
        problem: String,
    },
    /// The listener did not get round to it: its invocation takes long, or it was never allowed to start. It may still do
    /// it.
    #[error("{function} did not rewind within {PATIENCE:?}; it may still do so, and repeating is safe")]
    Busy {
        /// The function.
        function: String,
    },
    /// The host is stopping.
    #[error("the functions host is stopping")]
    Stopping,
}

impl FunctionsHost {
    /// Moves the checkpoint of an `eventHubTrigger` so that the event with this sequence number comes next, and all after
    /// it again. An invocation under way ends first, unacknowledged. Returns once the checkpoint is stored.
    ///
    /// # Errors
    /// When there is no such function or partition, another host reads it, the checkpoint cannot be stored, or the host is
    /// stopping.
    pub async fn rewind_hub(&self, function: &str, partition: &str, sequence: i64) -> Result<(), LeverError> {
        let hubs = &self.front.levers.hubs;
        let lever = hubs.get(function).ok_or_else(|| no_function(function, "eventHubTrigger"))?;
        if !lever.partitions.iter().any(|known| known == partition) {
            return Err(LeverError::NoPartition { function: function.to_owned(), partition: partition.to_owned() });
        }
        rewind(function, &lever.rewinds, (partition.to_owned(), sequence)).await
    }

    /// Moves every lease of a `cosmosDBTrigger` back, so that all changes after logical sequence number `lsn` of their
    /// range come again, the latest version of each item; 0 brings everything. An invocation under way ends first,
    /// unacknowledged. Returns once the leases are stored.
    ///
    /// # Errors
    /// When there is no such function, another host has a lease or it cannot be stored, or the host is stopping.
    pub async fn rewind_feed(&self, function: &str, lsn: u64) -> Result<(), LeverError> {
        let feeds = &self.front.levers.feeds;
        let lever = feeds.get(function).ok_or_else(|| no_function(function, "cosmosDBTrigger"))?;
        rewind(function, lever, lsn).await
    }
}

/// Where a stream goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redelivery {
    /// Partition of the hub; for a change feed none, since its ranges move together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Sequence number or LSN of the event that was asked for.
    pub from: i64,
}

impl FunctionsHost {
    /// Lets events of a hub or change feed trigger come again, from the one with the sequence number or LSN `from` on, or
    /// from the oldest; of a hub in one partition or in all. Returns once every new position is stored.
    ///
    /// # Errors
    /// As [`FunctionsHost::rewind_hub`] and [`FunctionsHost::rewind_feed`]; partitions before the one that failed have
    /// been moved.
    pub async fn redeliver(
        &self,
        function: &str,
        partition: Option<&str>,
        from: Option<i64>,
    ) -> Result<Vec<Redelivery>, LeverError> {
        let Levers { hubs, feeds } = &self.front.levers;
        if let Some(hub) = hubs.get(function) {
            let chosen: Vec<&str> = match partition {
                Some(partition) => vec![partition],
                None => hub.partitions.iter().map(String::as_str).collect(),
            };
            let from = from.unwrap_or(0);
            let mut moved = Vec::new();
            for partition in chosen {
                self.rewind_hub(function, partition, from).await?;
                moved.push(Redelivery { partition: Some(partition.to_owned()), from });
            }
            return Ok(moved);
        }
        if !feeds.contains_key(function) {
            return Err(no_function(function, "eventHubTrigger or cosmosDBTrigger"));
        }
        if let Some(partition) = partition {
            return Err(LeverError::NoPartition { function: function.to_owned(), partition: partition.to_owned() });
        }
        let from = from.unwrap_or(1).max(1);
        // A feed goes on after a position, a hub at one.
        self.rewind_feed(function, from.unsigned_abs() - 1).await?;
        Ok(vec![Redelivery { partition: None, from }])
    }
}

fn no_function(function: &str, trigger: &'static str) -> LeverError {
    LeverError::NoFunction { function: function.to_owned(), trigger }
}

async fn rewind<P>(function: &str, listener: &RewindSender<P>, position: P) -> Result<(), LeverError> {
    let (done, told) = oneshot::channel();
    let asked = async {
        listener.send(Rewind { position, done }).await.map_err(|_| LeverError::Stopping)?;
        told.await.map_err(|_| LeverError::Stopping)
    };
    let stored = tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| LeverError::Busy { function: function.to_owned() })??;
    stored.map_err(|problem| LeverError::Store { function: function.to_owned(), problem })
}
