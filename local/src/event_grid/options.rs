//! Options: what the service needs beside its topology.

use url::Url;

use crate::{blobs::Blobs, event_hubs::EventHubs, monitor::Monitor, queues::Queues};

/// What the service needs beside its topology.
#[derive(Clone)]
pub struct Options {
    /// Storage for dead letters; its account is the source of `BlobCreated`.
    pub dead_letters: Blobs,
    /// Queues that are destinations.
    pub queues: Queues,
    /// Hubs that are destinations; the namespace is part of resource ids.
    pub event_hubs: EventHubs,
    /// What hears of deliveries, and answers who asks about them.
    pub monitor: Monitor,
    /// Azure subscription in resource ids.
    pub subscription_id: String,
    /// Resource group in resource ids.
    pub resource_group: String,
    /// The functions host beside the stack: scheme, name and port, and a `code` in the query that its webhooks ask for. `None` where
    /// [`EventGrid::set_function_app`](super::EventGrid::set_function_app) tells once the stack's own runs.
    pub external_functions: Option<Url>,
    /// Decides the jitter of the retry schedule.
    pub jitter_seed: u64,
}

impl Options {
    /// The names a local stack uses, and a jitter that repeats.
    #[must_use]
    pub fn new(dead_letters: Blobs, queues: Queues, event_hubs: EventHubs, monitor: Monitor) -> Self {
        Self {
            dead_letters,
            queues,
            event_hubs,
            monitor,
            subscription_id: "00000000-0000-0000-0000-000000000000".to_owned(),
            resource_group: "local".to_owned(),
            external_functions: None,
            jitter_seed: 0,
        }
    }
}
