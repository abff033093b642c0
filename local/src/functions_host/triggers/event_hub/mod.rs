//! `eventHubTrigger`: a processor per function that shares the partitions with the processors of other hosts.
//!
//! Ownership lies in blobs and is renewed at every turn of [`Listener::run`]; a partition whose owner was silent for the
//! expiration interval goes to another. Who takes a partition over also displaces the reader that still has it, as an
//! epoch does in the service. What the loser has in flight ends without a checkpoint, so those events come again.

mod balance;
mod ownership;
mod pump;

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use self::{
    balance::{Ownership, next_claim},
    ownership::Ownerships,
};
use super::checkpoints::Checkpoint;
use crate::{
    blobs::{self, Blobs},
    event_hubs::{EventHubs, Partition},
    functions_host::{
        app::{EventHubOptions, EventHubTrigger, Function},
        invocation::Invoker,
        rewinds::Rewind,
    },
};

/// Consumes a hub for one function.
pub(crate) struct Listener {
    pub(crate) function: Arc<Function>,
    pub(crate) hubs: EventHubs,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) options: EventHubOptions,
    pub(crate) blobs: Blobs,
    pub(crate) invoker: Invoker,
    /// This host, as owner.
    pub(crate) owner: Uuid,
}

/// A partition that is being read.
struct Running {
    lost: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends the reading. An invocation under way is waited for; it is not acknowledged.
    async fn end(self) {
        self.lost.cancel();
        ended(self.task).await;
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        error!("the reader of a partition failed: {error}");
    }
}

impl Listener {
    /// Runs until the host stops, then gives back what it owns if the stop is orderly.
    pub(in crate::functions_host) async fn run(
        self,
        trigger: EventHubTrigger,
        mut rewinds: mpsc::Receiver<Rewind<(String, i64)>>,
    ) {
        let stopping = self.invoker.stopping.clone();
        let ownerships = Ownerships::new(&self.blobs, &trigger);
        let this = Arc::new(self);
        let trigger = Arc::new(trigger);
        let mut running = BTreeMap::<String, Running>::new();
        while !stopping.is_cancelled() {
            // Greedy: partitions are claimed until there is balance, not one at a turn.
            loop {
                match this.turn(&trigger, &ownerships, &mut running) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        error!("'Functions.{}' cannot balance its partitions: {error}", this.function.name);
                        break;
                    }
                }
            }
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                Some(Rewind { position: (partition, sequence), done }) = rewinds.recv() => {
                    let rewound = this.rewind(&trigger, &mut running, &partition, sequence).await;
                    // Who asked may not be waiting for the answer.
                    let _unheard = done.send(rewound);
                }
                () = this.invoker.clock.sleep(this.options.load_balancing_interval) => {}
            }
        }
        for (_, running) in running {
            ended(running.task).await;
        }
        if this.invoker.leaving.is_cancelled()
            && let Err(error) = this.give_back(&ownerships)
        {
            warn!("'Functions.{}' could not give its partitions back: {error}", this.function.name);
        }
    }

    /// Renews what this host owns, drops what it lost, and claims at most one partition; whether it claimed one.
    fn turn(
        self: &Arc<Self>,
        trigger: &Arc<EventHubTrigger>,
        ownerships: &Ownerships,
        running: &mut BTreeMap<String, Running>,
    ) -> Result<bool, blobs::Error> {
        let me = self.owner.to_string();
        running.retain(|_, running| !running.task.is_finished());
        let mut known = ownerships.list()?;
        let is_ours = |partition: &str| self.partitions.iter().any(|ours| ours.id() == partition);
        for ownership in known.iter_mut().filter(|known| is_ours(&known.partition)) {
            if ownership.owner == me && ownerships.write(&ownership.partition, Some(ownership), &me)? {
                ownership.modified = self.invoker.clock.now();
                self.start(trigger, &ownership.partition, running);
            } else if let Some(lost) = running.get(&ownership.partition)
                && !lost.lost.is_cancelled()
            {
                info!("'Functions.{}' lost partition {} to another host", self.function.name, ownership.partition);
                lost.lost.cancel();
            }
        }
        let ids: Vec<&str> = self.partitions.iter().map(Partition::id).collect();
        let now = self.invoker.clock.now();
        let Some(partition) = next_claim(&ids, &known, &me, now, self.options.ownership_expiration) else {
            return Ok(false);
        };
        let before = known.iter().find(|known| known.partition == partition);
        if ownerships.write(partition, before, &me)? {
            let from = before.map(|before| before.owner.as_str()).filter(|owner| !owner.is_empty());
            info!(
                "'Functions.{}' claimed partition {partition} of '{}'{}",
                self.function.name,
                trigger.hub,
                from.map(|owner| format!(" from {owner}")).unwrap_or_default()
            );
            self.start(trigger, partition, running);
        }
        Ok(true)
    }

    /// Starts reading a partition that is owned, unless it is being read; one that is just ending is left to the next
    /// turn.
    fn start(
        self: &Arc<Self>,
        trigger: &Arc<EventHubTrigger>,
        partition: &str,
        running: &mut BTreeMap<String, Running>,
    ) {
        let Some(partition) = self.partitions.iter().find(|ours| ours.id() == partition).cloned() else { return };
        running.entry(partition.id().to_owned()).or_insert_with(|| {
            let lost = CancellationToken::new();
            let pump = Arc::clone(self).pump(Arc::clone(trigger), partition, lost.clone());
            Running { lost, task: tokio::spawn(pump) }
        });
    }

    /// Moves a checkpoint while nobody reads the partition. The error is for people.
    async fn rewind(
        self: &Arc<Self>,
        trigger: &Arc<EventHubTrigger>,
        running: &mut BTreeMap<String, Running>,
        partition: &str,
        sequence: i64,
    ) -> Result<(), String> {
        let found = self.partitions.iter().find(|ours| ours.id() == partition).ok_or("there is no such partition")?;
        let reading = running.remove(partition).ok_or("another host reads the partition")?;
        reading.end().await;
        let rewound =
            self.checkpoint(trigger, found).and_then(|checkpoint| checkpoint.rewind(found, sequence)).map(drop);
        self.start(trigger, partition, running);
        rewound.map_err(|error| error.to_string())
    }

    fn checkpoint(&self, trigger: &EventHubTrigger, partition: &Partition) -> Result<Checkpoint, blobs::Error> {
        let EventHubTrigger { namespace, hub, consumer_group, .. } = trigger;
        Checkpoint::open(&self.blobs, namespace, hub, consumer_group, partition.id(), self.owner)
    }

    fn give_back(&self, ownerships: &Ownerships) -> Result<(), blobs::Error> {
        let me = self.owner.to_string();
        let mine = |known: &Ownership| known.owner == me;
        for ownership in ownerships.list()?.into_iter().filter(mine) {
            ownerships.write(&ownership.partition, Some(&ownership), "")?;
        }
        Ok(())
    }
}
