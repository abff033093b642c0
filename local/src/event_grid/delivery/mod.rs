//! Delivery: one worker per subscription takes what is due from the queue and sends it.
//!
//! Workers share nothing but the HTTP client, so a dead partner delays nobody else. A worker has a bounded number of
//! requests under way, and only their events are in memory.

mod attempt;
pub(crate) mod client;
mod outcome;
pub(crate) mod request;
mod route;
mod worker;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use self::client::HttpClient;
use super::{Options, error::Error, queue::Queue, registry::Subscription, schedule::Schedule};
use crate::{blobs::Blobs, clock::Clock, event_hubs::EventHubs, queues::Queues};

/// How long an endpoint has to answer. Real time: stepping the clock must not cut an answer off.
pub(crate) const RESPONSE_LIMIT: Duration = Duration::from_secs(30);

/// What all workers share.
pub(crate) struct Delivery {
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    pub(crate) http: HttpClient,
    /// Base of the functions host, once it runs. Deliveries to functions wait for it.
    pub(crate) function_app: watch::Sender<Option<Url>>,
    schedule: Schedule,
    dead_letters: Blobs,
    queues: Queues,
    event_hubs: EventHubs,
    workers: TaskTracker,
    stopping: CancellationToken,
}

impl Delivery {
    pub(crate) fn new(clock: &Clock, queue: Queue, options: Options) -> Result<Self, Error> {
        let http = HttpClient::new().map_err(|source| Error::Network { operation: "make its HTTP client", source })?;
        Ok(Self {
            clock: clock.clone(),
            queue,
            http,
            function_app: watch::Sender::new(None),
            schedule: Schedule::new(options.jitter_seed),
            dead_letters: options.dead_letters,
            queues: options.queues,
            event_hubs: options.event_hubs,
            workers: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Starts the worker of `subscription`; it ends when the subscription is deleted or the service stops.
    pub(crate) fn serve(self: &Arc<Self>, subscription: Arc<Subscription>) {
        let delivery = self.clone();
        self.workers.spawn(async move { worker::run(delivery, subscription).await });
    }

    pub(crate) fn dead_letters(&self) -> &Blobs {
        &self.dead_letters
    }

    /// Ends all workers. Requests under way get a moment to finish; what does not is delivered again after the restart.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.workers.close();
        self.workers.wait().await;
    }
}
