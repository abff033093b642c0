//! A peer's breach of the protocol, by what it ends.

use crate::event_hubs::amqp::condition::{Condition, Refusal};

/// A peer's fault that is more than one link's affair.
pub(super) enum Fault {
    Connection(Refusal),
    Session(Refusal),
}

impl Fault {
    pub(super) fn connection(condition: Condition, description: &str) -> Self {
        Self::Connection(Refusal::new(condition, description))
    }

    pub(super) fn session(condition: Condition, description: &str) -> Self {
        Self::Session(Refusal::new(condition, description))
    }
}
