//! Levers of a running host: what an operator or a test moves by hand.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::FunctionsHost;

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
    /// The host is stopping.
    #[error("the functions host is stopping")]
    Stopping,
}

/// Asks a listener to go on from another position.
pub(super) struct Rewind<P> {
    pub(super) position: P,
    /// Told once the position is stored and in force.
    pub(super) done: oneshot::Sender<Result<(), String>>,
}

/// Where the listener of one partition or range takes rewinds.
pub(super) type RewindSender<P> = mpsc::Sender<Rewind<P>>;

/// The listeners that can be rewound, by function and then by partition or range.
#[derive(Default)]
pub(super) struct Levers {
    /// Positions are sequence numbers.
    pub(super) hubs: BTreeMap<String, BTreeMap<String, RewindSender<i64>>>,
    /// Positions are logical sequence numbers of the range.
    pub(super) feeds: BTreeMap<String, BTreeMap<String, RewindSender<u64>>>,
}

impl FunctionsHost {
    /// Moves the checkpoint of an `eventHubTrigger` so that the event with this sequence number comes next, and all after
    /// it again. An invocation under way ends first. Returns once the checkpoint is stored.
    ///
    /// # Errors
    /// When there is no such function or partition, the checkpoint cannot be stored, or the host is stopping.
    pub async fn rewind_hub(&self, function: &str, partition: &str, sequence: i64) -> Result<(), LeverError> {
        let hubs = &self.front.levers.hubs;
        let partitions = hubs.get(function).ok_or_else(|| no_function(function, "eventHubTrigger"))?;
        let listener = partitions.get(partition).ok_or_else(|| LeverError::NoPartition {
            function: function.to_owned(),
            partition: partition.to_owned(),
        })?;
        rewind(function, listener, sequence).await
    }

    /// Moves every lease of a `cosmosDBTrigger` back, so that all changes after logical sequence number `lsn` of their
    /// range come again, the latest version of each item; 0 brings everything. An invocation under way ends first. Returns
    /// once the leases are stored.
    ///
    /// # Errors
    /// When there is no such function, a lease cannot be stored, or the host is stopping.
    pub async fn rewind_feed(&self, function: &str, lsn: u64) -> Result<(), LeverError> {
        let feeds = &self.front.levers.feeds;
        let ranges = feeds.get(function).ok_or_else(|| no_function(function, "cosmosDBTrigger"))?;
        for listener in ranges.values() {
            rewind(function, listener, lsn).await?;
        }
        Ok(())
    }
}

/// Where a stream goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redelivery {
    /// Partition of the hub, or range of the change feed.
    pub partition: String,
    /// Sequence number or LSN of the event that was asked for.
    pub from: i64,
}

impl FunctionsHost {
    /// Lets events of a hub or change feed trigger come again, from the one with the sequence number or LSN `from` on, or
    /// from the oldest; of one partition (feed range) or of all. Returns once every new position is stored.
    ///
    /// # Errors
    /// As [`FunctionsHost::rewind_hub`]; partitions before the one that failed have been moved.
    pub async fn redeliver(
        &self,
        function: &str,
        partition: Option<&str>,
        from: Option<i64>,
    ) -> Result<Vec<Redelivery>, LeverError> {
        let Levers { hubs, feeds } = &self.front.levers;
        let from_lsn = from.unwrap_or(1).max(1);
        match (hubs.get(function), feeds.get(function)) {
            (Some(partitions), _) => again(function, partitions, partition, from.unwrap_or(0), from.unwrap_or(0)).await,
            // A feed goes on after a position, a hub at one.
            (_, Some(ranges)) => again(function, ranges, partition, from_lsn, from_lsn.unsigned_abs() - 1).await,
            (None, None) => Err(no_function(function, "eventHubTrigger or cosmosDBTrigger")),
        }
    }
}

async fn again<P: Copy>(
    function: &str,
    listeners: &BTreeMap<String, RewindSender<P>>,
    partition: Option<&str>,
    from: i64,
    position: P,
) -> Result<Vec<Redelivery>, LeverError> {
    if let Some(partition) = partition.filter(|partition| !listeners.contains_key(*partition)) {
        return Err(LeverError::NoPartition { function: function.to_owned(), partition: partition.to_owned() });
    }
    let mut moved = Vec::new();
    for (id, listener) in listeners.iter().filter(|(id, _)| partition.is_none_or(|wanted| wanted == *id)) {
        rewind(function, listener, position).await?;
        moved.push(Redelivery { partition: id.clone(), from });
    }
    Ok(moved)
}

fn no_function(function: &str, trigger: &'static str) -> LeverError {
    LeverError::NoFunction { function: function.to_owned(), trigger }
}

async fn rewind<P>(function: &str, listener: &RewindSender<P>, position: P) -> Result<(), LeverError> {
    let (done, told) = oneshot::channel();
    listener.send(Rewind { position, done }).await.map_err(|_| LeverError::Stopping)?;
    let stored = told.await.map_err(|_| LeverError::Stopping)?;
    stored.map_err(|problem| LeverError::Store { function: function.to_owned(), problem })
}
