//! Delivery: one worker per subscription takes what is due from the queue and sends it.
//!
//! Workers share nothing but the HTTP client, so a dead partner delays nobody else. A worker has a bounded number of
//! requests under way, and only their events are in memory.

mod addresses;
mod attempt;
pub(crate) mod client;
mod context;
mod diagnostics;
mod in_process;
mod outcome;
pub(crate) mod request;
mod route;
mod worker;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

pub(crate) use self::context::Delivery;
use super::registry::Subscription;

/// The workers, one per subscription.
pub(crate) struct Workers {
    delivery: Arc<Delivery>,
    tasks: TaskTracker,
}

impl Workers {
    pub(crate) fn new(delivery: Arc<Delivery>) -> Self {
        Self { delivery, tasks: TaskTracker::new() }
    }

    /// Starts the worker of `subscription`; it ends when the subscription is deleted or the service stops.
    pub(crate) fn serve(&self, subscription: Arc<Subscription>) {
        let delivery = self.delivery.clone();
        self.tasks.spawn(async move { worker::run(delivery, subscription).await });
    }

    /// Ends all workers. Requests under way get a moment to finish; what does not is delivered again after the restart.
    pub(crate) async fn stop(&self) {
        self.delivery.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
