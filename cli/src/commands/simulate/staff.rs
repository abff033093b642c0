//! Staff at work: changes of products at a steady rate, through the public API.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};

use super::{MAX_IN_FLIGHT, change::Mix, report::Call};
use crate::products::Products;

/// Sends changes when they are due, whether earlier ones are answered or not, as independent people would.
pub(super) async fn drive(door: Products, mut mix: Mix, rate: f64, duration: Duration, calls: mpsc::Sender<Call>) {
    let room = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut in_flight = JoinSet::new();
    let started = Instant::now();
    for number in 0_u32.. {
        let due = Duration::from_secs_f64(f64::from(number) / rate);
        if due >= duration {
            break;
        }
        let due = started + due;
        tokio::time::sleep_until(due).await;
        // Never closed, so there is always a permit to come.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let change = mix.next();
        let (door, calls) = (door.clone(), calls.clone());
        in_flight.spawn(async move {
            let result = door.patch(&change.product, &change.body).await;
            drop(permit);
            // Nobody counts any more once the run has ended.
            drop(calls.send(Call { kind: change.kind, latency: due.elapsed(), result }).await);
        });
        while in_flight.try_join_next().is_some() {}
    }
    in_flight.join_all().await;
}
