//! The release of what levers of tests hold back.

use tokio::time::Instant;

use super::{delays::DelayedDisposition, link::Link, machine::Machine};
use crate::event_hubs::{access::Entity, amqp::answer::DeliveryState};

impl Machine {
    /// Holds a disposition back where a lever says so, and says whether it did.
    pub(super) fn delay_disposition(
        &mut self,
        channel: u16,
        delivery: u32,
        entity: &Entity,
        outcome: &DeliveryState,
    ) -> bool {
        let delay = self.hubs.switchboard().disposition_delay(entity);
        let Some(due) = delay.and_then(|delay| self.now.checked_add(delay)) else { return false };
        let outcome = outcome.clone();
        self.delays.dispositions.push(DelayedDisposition { due, channel, delivery, outcome });
        true
    }

    /// Lets go what is due; all of it where the levers have changed.
    pub(super) fn release_delayed(&mut self, all: bool) {
        let now = self.now;
        if all {
            for link in self.sessions.values_mut().flat_map(|session| session.links.values_mut()) {
                if let Link::Outgoing(link) = link {
                    link.round = None;
                }
            }
        }
        let is_due = |due: Instant| all || due <= now;
        for delayed in self.delays.dispositions.extract_if(.., |delayed| is_due(delayed.due)).collect::<Vec<_>>() {
            self.settle_now(delayed.channel, delayed.delivery, &delayed.outcome);
        }
        for (_, channel, handle) in self.delays.links.extract_if(.., |(due, ..)| is_due(*due)).collect::<Vec<_>>() {
            self.pump(channel, handle);
        }
    }
}
