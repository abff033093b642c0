//! What attempts to deliver share: clock, queue, HTTP client, and the other services of the stack.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::client::HttpClient;
use crate::{
    blobs::Blobs,
    clock::Clock,
    event_grid::{error::Error, options::Options, queue::Queue, schedule::Schedule},
    event_hubs::EventHubs,
    queues::Queues,
};

/// What all attempts to deliver share.
pub(crate) struct Delivery {
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    pub(crate) http: HttpClient,
    /// Base of the functions host, once it runs. Deliveries to functions wait for it.
    pub(crate) function_app: watch::Sender<Option<Url>>,
    pub(super) schedule: Schedule,
    dead_letters: Blobs,
    pub(super) queues: Queues,
    pub(super) event_hubs: EventHubs,
    pub(super) stopping: CancellationToken,
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
            stopping: CancellationToken::new(),
        })
    }

    pub(crate) fn dead_letters(&self) -> &Blobs {
        &self.dead_letters
    }
}
