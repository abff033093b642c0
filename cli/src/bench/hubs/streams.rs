//! Events in and out at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use azure_messaging_eventhubs::StartLocation;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::{
    Plan,
    child::{Child, hub_of},
    client,
    figures::Stream,
};
use crate::{bench::process::cpu_time, clock};

/// Before the measurement, so that connections are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// Events that readers may be behind before senders wait for them.
const MAX_LAG: u64 = 50_000;
/// Between two looks of a sender that waits.
const LOOK: Duration = Duration::from_millis(1);

/// One combination of size, batch and partitions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// Bytes of an event's body.
    pub(super) size: usize,
    /// Events of a batch, where so many fit.
    pub(super) batch: u32,
    pub(super) partitions: u32,
}

impl Case {
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for size in [200, 1024] {
            for batch in [100, 1000] {
                all.extend([1, 4].map(|partitions| Self { size, batch, partitions }));
            }
        }
        all
    }
}

/// What senders and readers share.
#[derive(Default)]
struct Board {
    sent: AtomicU64,
    received: AtomicU64,
    over: AtomicBool,
}

impl Board {
    fn now(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }
}

pub(super) async fn measure(stack: &Child, plan: &Plan, case: Case) -> Result<Stream> {
    let board = Arc::new(Board::default());
    let hub = hub_of(case.partitions);
    let mut readers = JoinSet::new();
    for partition in 0..case.partitions {
        let (client, receiver) = client::receiver(&stack.endpoints, &hub, partition, StartLocation::Latest).await?;
        let board = board.clone();
        readers.spawn(async move {
            let mut events = receiver.stream_events();
            while let Some(event) = events.next().await {
                event?;
                board.received.fetch_add(1, Ordering::Relaxed);
            }
            drop(client);
            anyhow::Ok(())
        });
    }
    let mut senders = JoinSet::new();
    // One connection sends batch after batch; the next one is made while another is under way.
    for number in 0..case.partitions.max(2) {
        let producer = client::producer(&stack.endpoints, &hub).await?;
        let (board, body) = (board.clone(), vec![b'x'; case.size]);
        senders.spawn(async move {
            while !board.over.load(Ordering::Relaxed) {
                let (sent, received) = board.now();
                if sent.saturating_sub(received) > MAX_LAG {
                    clock::until_next_look(LOOK).await;
                    continue;
                }
                let added = client::send(&producer, number % case.partitions, &body, case.batch).await?;
                board.sent.fetch_add(added, Ordering::Relaxed);
            }
            producer.close().await?;
            anyhow::Ok(())
        });
    }
    clock::measured(WARM_UP).await;
    let cpu = || anyhow::Ok((stack.cpu_time()?, cpu_time(std::process::id())?));
    let (before, cpu_before, began) = (board.now(), cpu()?, Instant::now());
    tokio::select! {
        () = clock::measured(plan.duration) => {}
        Some(ended) = senders.join_next() => ended?.context("a sender failed")?,
        Some(ended) = readers.join_next() => ended?.context("a reader failed")?,
    }
    let (after, cpu_after, seconds) = (board.now(), cpu()?, began.elapsed().as_secs_f64());
    board.over.store(true, Ordering::Relaxed);
    while let Some(ended) = senders.join_next().await {
        ended?.context("a sender failed")?;
    }
    readers.shutdown().await;
    let share = |before: Duration, after: Duration| (after - before).as_secs_f64() / seconds;
    Ok(Stream {
        event_bytes: case.size,
        batch: case.batch,
        partitions: case.partitions,
        events_in_per_second: per_second(after.0 - before.0, seconds),
        events_out_per_second: per_second(after.1 - before.1, seconds),
        hubs_cores: share(cpu_before.0, cpu_after.0),
        clients_cores: share(cpu_before.1, cpu_after.1),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}
