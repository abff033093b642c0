//! Services of the stack, as the triggers of an app have them.

use crate::blobs::Blobs;
use crate::cosmos::Cosmos;
use crate::event_hubs::EventHubs;
use crate::queues::Queues;

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
