//! Services of the stack, as the triggers of an app have them.

use crate::{blobs::Blobs, cosmos::Cosmos, event_hubs::EventHubs, queues::Queues};

/// The services that triggers listen to.
#[derive(Clone)]
pub struct Services {
    /// Hubs.
    pub event_hubs: EventHubs,
    /// Change feeds and their leases.
    pub cosmos: Cosmos,
    /// `AzureWebJobsStorage`: checkpoints, timer status, keys.
    pub blobs: Blobs,
    /// Queues that triggers take messages from.
    pub queues: Queues,
}
