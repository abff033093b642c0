//! `eventHubTrigger`: one loop per partition, one batch in flight, and a checkpoint that moves on after failures too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{debug, error, warn};
use uuid::Uuid;

use super::checkpoints::{Checkpoint, first_sequence};
use super::event_hub_payload::{Context, Event, payload};
use crate::blobs::{self, Blobs};
use crate::event_hubs::{Partition, Start, StoredEvent};
use crate::functions_host::app::{Cardinality, EventHubOptions, EventHubTrigger, Function, InitialOffset};
use crate::functions_host::invocation::{Failure, Invoker, Outcome};
use crate::functions_host::levers::Rewind;

/// Largest batch in bytes. The real host has no such limit, but a partial batch is always allowed, and 500 events of
/// 1 MiB would not pass any handler.
const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// Pause after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Consumes one partition for one function.
pub(crate) struct Listener {
    pub(crate) function: Arc<Function>,
    pub(crate) partition: Partition,
    pub(crate) options: EventHubOptions,
    pub(crate) blobs: Blobs,
    pub(crate) invoker: Invoker,
    pub(crate) owner: Uuid,
}

impl Listener {
    /// Runs until the host stops.
    pub(in crate::functions_host) async fn run(
        self,
        trigger: &EventHubTrigger,
        mut rewinds: mpsc::Receiver<Rewind<i64>>,
    ) {
        let stopping = self.invoker.stopping.clone();
        let (checkpoint, mut next) = loop {
            match self.open(trigger) {
                Ok(opened) => break opened,
                Err(error) => {
                    error!("'Functions.{}' cannot open its checkpoint: {error}", self.function.name);
                    if stopping.run_until_cancelled(tokio::time::sleep(STORE_PAUSE)).await.is_none() {
                        return;
                    }
                }
            }
        };
        let mut batches: u64 = 0;
        loop {
            let rewind = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                Some(rewind) = rewinds.recv() => Err(rewind),
                batch = self.next_batch(trigger, next) => Ok(batch),
            };
            let batch = match rewind {
                Ok(batch) => batch,
                Err(Rewind { position, done }) => {
                    let stored = checkpoint.rewind(&self.partition, position);
                    next = stored.as_ref().map_or(next, |first| *first);
                    // Who asked may not be waiting for the answer.
                    let _unheard = done.send(stored.map(drop).map_err(|error| error.to_string()));
                    continue;
                }
            };
            let Some(last) = batch.last() else { continue };
            let (offset, sequence) = (last.offset, last.sequence);
            batches += 1;
            let checkpoints = batches.is_multiple_of(self.options.batch_checkpoint_frequency);
            match self.invoke(trigger, batch, checkpoints).await {
                // Not acknowledged: the events come again.
                Outcome::Cancelled => return,
                Outcome::Succeeded(_) => {}
                Outcome::Failed(_) => warn!(
                    "'Functions.{}': the batch up to sequence number {sequence} of partition {} is lost; the checkpoint moves on",
                    self.function.name,
                    self.partition.id()
                ),
            }
            if checkpoints {
                self.write(&checkpoint, offset, sequence).await;
            }
            next = sequence + 1;
        }
    }

    fn open(&self, trigger: &EventHubTrigger) -> Result<(Checkpoint, i64), blobs::Error> {
        let checkpoint = Checkpoint::open(
            &self.blobs,
            &trigger.namespace,
            &trigger.hub,
            &trigger.consumer_group,
            self.partition.id(),
            self.owner,
        )?;
        let start = checkpoint.read()?.unwrap_or(match self.options.initial_offset {
            InitialOffset::Start => Start::Earliest,
            InitialOffset::End => Start::Latest,
            InitialOffset::EnqueuedTime(time) => Start::EnqueuedTime {
                millis: i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX),
                inclusive: true,
            },
        });
        let next = first_sequence(&self.partition, &start);
        debug!("'Functions.{}' reads partition {} from {next}", self.function.name, self.partition.id());
        Ok((checkpoint, next))
    }

    /// Waits for events; with a minimum batch size above 1 also for more of them, up to `maxWaitTime`.
    async fn next_batch(&self, trigger: &EventHubTrigger, next: i64) -> Vec<StoredEvent> {
        self.partition.grown_past(next - 1).await;
        let (minimum, maximum) = match trigger.cardinality {
            Cardinality::One => (1, 1),
            Cardinality::Many => (self.options.min_event_batch_size, self.options.max_event_batch_size),
        };
        if minimum > 1 {
            let wanted = next + i64::try_from(minimum).unwrap_or(i64::MAX) - 2;
            tokio::select! {
                () = self.partition.grown_past(wanted) => {}
                () = self.invoker.clock.sleep(self.options.max_wait_time) => {}
            }
        }
        match self.partition.read(next, maximum, MAX_BATCH_BYTES) {
            Ok(events) => events,
            Err(error) => {
                error!("cannot read partition {}: {error}", self.partition.id());
                tokio::time::sleep(STORE_PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn invoke(&self, trigger: &EventHubTrigger, batch: Vec<StoredEvent>, checkpoints: bool) -> Outcome {
        let binding = |problem: String| Failure::Binding { parameter: self.function.binding.clone(), problem };
        let context = Context {
            namespace: &trigger.namespace,
            hub: &trigger.hub,
            consumer_group: &trigger.consumer_group,
            partition: self.partition.id(),
            checkpoints,
        };
        let events: Vec<Event> = batch.iter().map(Event::decode).collect();
        let payload = payload(&self.function.binding, trigger, &context, &events).map_err(binding);
        self.invoker.run(&self.function, "(null)", payload).await
    }

    /// A checkpoint that cannot be written is tried again until the host stops: going on without it would only make the
    /// replay after a restart longer, but silently.
    async fn write(&self, checkpoint: &Checkpoint, offset: i64, sequence: i64) {
        while let Err(error) = checkpoint.write(offset, sequence) {
            error!("cannot write the checkpoint of partition {}: {error}", self.partition.id());
            let pause = self.invoker.stopping.run_until_cancelled(tokio::time::sleep(STORE_PAUSE));
            if pause.await.is_none() {
                return;
            }
        }
    }
}
