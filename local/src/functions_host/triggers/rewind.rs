//! The lever that makes events come again: moves what a stream's trigger remembers.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// Asks the trigger of one partition or feed range to go elsewhere.
pub(crate) struct Rewind {
    /// Sequence number or LSN of the next event to deliver; the oldest where absent.
    pub(crate) from: Option<i64>,
    stored: oneshot::Sender<i64>,
}

impl Rewind {
    /// Says that the new position is stored, and which event comes next.
    pub(crate) fn done(self, next: i64) {
        // Who asked may not be waiting for the answer.
        let _unheard = self.stored.send(next);
    }
}

/// Where a stream goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redelivery {
    /// Partition of the hub, or range of the change feed.
    pub partition: String,
    /// Sequence number or LSN of the first event that is delivered next, if there is one.
    pub from: i64,
}

/// There is nothing to deliver again.
#[derive(Debug, thiserror::Error)]
#[error("{0}; nothing was moved")]
pub struct NoStream(String);

/// The levers of all streams of an app.
#[derive(Default)]
pub(crate) struct Rewinds {
    /// By function, then in the order of the partitions.
    streams: BTreeMap<String, Vec<(String, mpsc::Sender<Rewind>)>>,
}

impl Rewinds {
    /// Adds a stream; the receiver is for its trigger.
    pub(crate) fn add(&mut self, function: &str, partition: &str) -> mpsc::Receiver<Rewind> {
        let (sender, receiver) = mpsc::channel(1);
        self.streams.entry(function.to_owned()).or_default().push((partition.to_owned(), sender));
        receiver
    }

    /// Moves one stream of a function, or all, and waits until every position is stored.
    pub(crate) async fn redeliver(
        &self,
        function: &str,
        partition: Option<&str>,
        from: Option<i64>,
    ) -> Result<Vec<Redelivery>, NoStream> {
        let streams = self.streams.get(function);
        let streams = streams.ok_or_else(|| NoStream(format!("{function} has no hub or change feed that runs")))?;
        let chosen: Vec<_> = streams.iter().filter(|(id, _)| partition.is_none_or(|wanted| wanted == id)).collect();
        if chosen.is_empty() {
            let known: Vec<_> = streams.iter().map(|(id, _)| id.as_str()).collect();
            return Err(NoStream(format!("{function} has no such partition; it has {}", known.join(", "))));
        }
        let stopping = || NoStream("the functions host is stopping".to_owned());
        // All are asked before any is waited for, since each first ends the invocation that it is in.
        let mut waiting = Vec::new();
        for (id, stream) in chosen {
            let (stored, next) = oneshot::channel();
            stream.send(Rewind { from, stored }).await.map_err(|_| stopping())?;
            waiting.push((id.clone(), next));
        }
        let mut moved = Vec::new();
        for (partition, next) in waiting {
            moved.push(Redelivery { partition, from: next.await.map_err(|_| stopping())? });
        }
        Ok(moved)
    }
}
