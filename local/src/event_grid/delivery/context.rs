//! What attempts to deliver share: clock, queue, HTTP client, and the other services of the stack.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    client::{HttpClient, Recipient},
    route::Route,
};
use crate::{
    blobs::Blobs,
    clock::Clock,
    event_grid::{
        error::Error, names::Names, options::Options, queue::Queue, schedule::Schedule, subscription::Destination,
    },
    event_hubs::EventHubs,
    monitor::Monitor,
    queues::Queues,
    topology::WebhookEgress,
};

/// What all attempts to deliver share.
pub(crate) struct Delivery {
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    pub(super) names: Names,
    pub(crate) monitor: Monitor,
    pub(crate) http: HttpClient,
    /// Base of the functions host, once it runs. Deliveries to functions wait for it.
    pub(crate) function_app: watch::Sender<Option<Url>>,
    /// Whether that host is one beside the stack, of which nobody tells when it runs.
    has_external_functions: bool,
    pub(super) schedule: Schedule,
    dead_letters: Blobs,
    pub(super) queues: Queues,
    pub(super) event_hubs: EventHubs,
    pub(super) stopping: CancellationToken,
}

impl Delivery {
    pub(crate) fn new(
        clock: &Clock,
        queue: Queue,
        names: Names,
        options: Options,
        egress: WebhookEgress,
    ) -> Result<Self, Error> {
        let http =
            HttpClient::new(egress).map_err(|source| Error::Network { operation: "make its HTTP client", source })?;
        Ok(Self {
            clock: clock.clone(),
            queue,
            names,
            monitor: options.monitor,
            http,
            has_external_functions: options.external_functions.is_some(),
            function_app: watch::Sender::new(options.external_functions),
            schedule: Schedule::new(options.jitter_seed),
            dead_letters: options.dead_letters,
            queues: options.queues,
            event_hubs: options.event_hubs,
            stopping: CancellationToken::new(),
        })
    }

    /// The address that must agree before anything is delivered to `destination`: that of a webhook, and of a function on
    /// a host beside the stack, which may not run yet. Azure asks no function; there the app's resource says that it exists.
    pub(crate) fn asked_first(&self, destination: &Destination) -> Option<(Url, Recipient)> {
        match (destination, self.function_app.borrow().as_ref()) {
            (Destination::WebHook(url), _) => Some((url.clone(), Recipient::WebHook)),
            (Destination::AzureFunction(_) | Destination::FunctionApp(_), Some(base))
                if self.has_external_functions =>
            {
                match Route::to(destination, Some(base))? {
                    Route::Http(url, recipient) => Some((url, recipient)),
                    Route::Queue { .. } | Route::EventHub(_) => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a host beside the stack answers for `destination`.
    pub(crate) fn is_external(&self, destination: &Destination) -> bool {
        !matches!(destination, Destination::WebHook(_)) && self.asked_first(destination).is_some()
    }

    pub(crate) fn dead_letters(&self) -> &Blobs {
        &self.dead_letters
    }
}
