//! Partition pump: the loop over one partition, with one batch in flight, and a checkpoint that moves on after
//! failures too.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{
    super::{
        checkpoints::{Checkpoint, first_sequence},
        event_hub_payload::{Context, Event, payload},
    },
    Listener,
};
use crate::{
    blobs,
    event_hubs::{EpochReceiver, Partition, Start, StoredEvent},
    functions_host::{
        app::{Cardinality, EventHubTrigger, InitialOffset},
        invocation::{Failure, Outcome},
    },
};

/// Largest batch in bytes. The real host has no such limit, but a partial batch is always allowed, and 500 events of
/// 1 MiB would not pass any handler.
const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;
/// Pause after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// The epoch of a processor's readers: each new one displaces the one before.
const EPOCH: i64 = 0;

impl Listener {
    /// Reads a partition until it is `lost` or the host stops.
    pub(super) async fn pump(
        self: Arc<Self>,
        trigger: Arc<EventHubTrigger>,
        partition: Partition,
        lost: CancellationToken,
    ) {
        let reading = self.read(&trigger, &partition, &lost);
        let stopping = &self.invoker.stopping;
        // Within an invocation the invoker itself heeds the stop; between two a stop is harmless.
        if stopping.run_until_cancelled(reading).await.is_none() {
            debug!("'Functions.{}' stopped reading partition {}", self.function.name, partition.id());
        }
    }

    async fn read(&self, trigger: &EventHubTrigger, partition: &Partition, lost: &CancellationToken) {
        let Some(_receiver) = self.become_receiver(trigger, partition, lost) else { return };
        let opened = lost.run_until_cancelled(self.until_stored(partition, || self.open(trigger, partition)));
        let Some((checkpoint, mut next)) = opened.await else { return };
        let mut batches: u64 = 0;
        while let Some(batch) = lost.run_until_cancelled(self.next_batch(trigger, partition, next)).await {
            let Some(last) = batch.last() else { continue };
            if lost.is_cancelled() {
                return;
            }
            let (offset, sequence) = (last.offset, last.sequence);
            batches += 1;
            let checkpoints = batches.is_multiple_of(self.options.batch_checkpoint_frequency);
            let outcome = self.invoke(trigger, partition, batch, checkpoints, lost).await;
            if matches!(outcome, Outcome::Cancelled) || lost.is_cancelled() {
                // Not acknowledged: the events come again, here or at the new owner.
                return;
            }
            if let Outcome::Failed(_) = outcome {
                warn!(
                    "'Functions.{}': the batch up to sequence number {sequence} of partition {} is lost; the checkpoint moves on",
                    self.function.name,
                    partition.id()
                );
            }
            if checkpoints {
                // Going on without it would only make the replay after a restart longer, but silently.
                let written = self.until_stored(partition, || checkpoint.write(offset, sequence));
                if lost.run_until_cancelled(written).await.is_none() {
                    return;
                }
            }
            next = sequence + 1;
        }
    }

    fn become_receiver(
        &self,
        trigger: &EventHubTrigger,
        partition: &Partition,
        lost: &CancellationToken,
    ) -> Option<EpochReceiver> {
        let hub = self.hubs.hub(&trigger.hub)?;
        hub.receive_with_epoch(&trigger.consumer_group, partition, EPOCH, lost.clone())
            .inspect_err(|occupied| {
                warn!("'Functions.{}' cannot read partition {}: {occupied}", self.function.name, partition.id());
            })
            .ok()
    }

    /// Tries until the store plays along.
    async fn until_stored<T>(&self, partition: &Partition, attempt: impl Fn() -> Result<T, blobs::Error>) -> T {
        loop {
            match attempt() {
                Ok(done) => return done,
                Err(error) => error!(
                    "'Functions.{}' cannot read or write its checkpoint of partition {}: {error}",
                    self.function.name,
                    partition.id()
                ),
            }
            crate::clock::pause(STORE_PAUSE).await;
        }
    }

    fn open(&self, trigger: &EventHubTrigger, partition: &Partition) -> Result<(Checkpoint, i64), blobs::Error> {
        let checkpoint = self.checkpoint(trigger, partition)?;
        let start = checkpoint.read()?.unwrap_or(match self.options.initial_offset {
            InitialOffset::Start => Start::Earliest,
            InitialOffset::End => Start::Latest { inclusive: false },
            InitialOffset::EnqueuedTime(time) => Start::EnqueuedTime {
                millis: i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX),
                inclusive: true,
            },
        });
        let next = first_sequence(partition, &start);
        debug!("'Functions.{}' reads partition {} from {next}", self.function.name, partition.id());
        Ok((checkpoint, next))
    }

    /// Waits for events; with a minimum batch size above 1 also for more of them, up to `maxWaitTime`.
    async fn next_batch(&self, trigger: &EventHubTrigger, partition: &Partition, next: i64) -> Vec<StoredEvent> {
        partition.grown_past(next - 1).await;
        let (minimum, maximum) = match trigger.cardinality {
            Cardinality::One => (1, 1),
            Cardinality::Many => (self.options.min_event_batch_size, self.options.max_event_batch_size),
        };
        if minimum > 1 {
            let wanted = next + i64::try_from(minimum).unwrap_or(i64::MAX) - 2;
            tokio::select! {
                () = partition.grown_past(wanted) => {}
                () = self.invoker.clock.sleep(self.options.max_wait_time) => {}
            }
        }
        match partition.read(next, maximum, MAX_BATCH_BYTES) {
            Ok(events) => events,
            Err(error) => {
                error!("cannot read partition {}: {error}", partition.id());
                crate::clock::pause(STORE_PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn invoke(
        &self,
        trigger: &EventHubTrigger,
        partition: &Partition,
        batch: Vec<StoredEvent>,
        checkpoints: bool,
        lost: &CancellationToken,
    ) -> Outcome {
        let binding = |problem: String| Failure::Binding { parameter: self.function.binding.clone(), problem };
        let context = Context {
            namespace: &trigger.namespace,
            hub: &trigger.hub,
            consumer_group: &trigger.consumer_group,
            partition: partition.id(),
            checkpoints,
        };
        let events: Vec<Event> = batch.iter().map(Event::decode).collect();
        let payload = payload(&self.function.binding, trigger, &context, &events).map_err(binding);
        self.invoker.run_while(&self.function, "(null)", payload, lost).await
    }
}
