//! Memory of the hubs against the number of events they retain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use azure_messaging_eventhubs::StartLocation;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::{
    Plan,
    child::{Child, hub_of},
    client,
    figures::{MemoryAt, Retained},
};
use crate::clock;

/// Bytes of an event's body.
const EVENT: usize = 200;
const BATCH: u32 = 1000;
const PARTITIONS: u32 = 4;
/// Time without work before memory is read.
const REST: Duration = Duration::from_secs(2);
/// Memory is read after these shares of the events, in percent.
const SHARES: [u64; 4] = [10, 25, 50, 100];

pub(super) async fn measure(plan: &Plan) -> Result<Retained> {
    let stack = Child::start(plan).await?;
    clock::measured(REST).await;
    let mut memory = vec![at(&stack, 0)?];
    let mut events = 0;
    for share in SHARES {
        events = fill(&stack, events, plan.retained * share / 100).await?;
        clock::measured(REST).await;
        memory.push(at(&stack, events)?);
    }
    let peak_bytes = stack.memory()?.peak;
    let stack = stack.restart(plan).await?;
    clock::measured(REST).await;
    let after_restart_bytes = stack.memory()?.now;
    read_all(&stack, events).await?;
    let after_reading_all_bytes = stack.memory()?.now;
    stack.stop().await?;
    Ok(Retained { event_bytes: EVENT, memory, peak_bytes, after_restart_bytes, after_reading_all_bytes })
}

fn at(stack: &Child, events: u64) -> Result<MemoryAt> {
    Ok(MemoryAt { events, bytes: stack.memory()?.now })
}

/// Sends until the hub holds `goal` events, all partitions alike; says how many it holds.
async fn fill(stack: &Child, held: u64, goal: u64) -> Result<u64> {
    let held = Arc::new(AtomicU64::new(held));
    let mut senders = JoinSet::new();
    for partition in 0..PARTITIONS {
        let producer = client::producer(&stack.endpoints, &hub_of(PARTITIONS)).await?;
        let held = held.clone();
        senders.spawn(async move {
            let body = vec![b'x'; EVENT];
            while held.fetch_add(BATCH.into(), Ordering::Relaxed) < goal {
                client::send(&producer, partition, &body, BATCH).await?;
            }
            held.fetch_sub(BATCH.into(), Ordering::Relaxed);
            producer.close().await?;
            anyhow::Ok(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended?.context("a sender failed")?;
    }
    Ok(held.load(Ordering::Relaxed))
}

/// Reads everything from the beginning.
async fn read_all(stack: &Child, events: u64) -> Result<()> {
    let read = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for partition in 0..PARTITIONS {
        let hub = hub_of(PARTITIONS);
        let (client, receiver) = client::receiver(&stack.endpoints, &hub, partition, StartLocation::Earliest).await?;
        let read = read.clone();
        readers.spawn(async move {
            let mut stream = receiver.stream_events();
            while let Some(event) = stream.next().await {
                event?;
                read.fetch_add(1, Ordering::Relaxed);
            }
            drop(client);
            anyhow::Ok(())
        });
    }
    while read.load(Ordering::Relaxed) < events {
        tokio::select! {
            () = clock::until_next_look(Duration::from_millis(20)) => {}
            Some(ended) = readers.join_next() => ended?.context("a reader failed")?,
        }
    }
    readers.shutdown().await;
    Ok(())
}
