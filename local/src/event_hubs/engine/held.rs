//! What levers of tests have a connection hold back.

use tokio::time::Instant;

use super::link::Link;
use super::machine::Machine;
use crate::event_hubs::access::Entity;
use crate::event_hubs::amqp::answer::Outcome;

/// What waits for its time.
#[derive(Default)]
pub(super) struct Held {
    dispositions: Vec<HeldDisposition>,
    /// Links with deliveries, and when they go on.
    links: Vec<(Instant, u16, u32)>,
}

struct HeldDisposition {
    due: Instant,
    channel: u16,
    delivery: u32,
    outcome: Outcome,
}

/// A round of deliveries that waits.
#[derive(Clone, Copy)]
pub(super) struct Round {
    due: Instant,
    /// Sequence number behind the last event of the round.
    end: i64,
}

impl Held {
    pub(super) fn next_due(&self) -> Option<Instant> {
        let dispositions = self.dispositions.iter().map(|held| held.due);
        dispositions.chain(self.links.iter().map(|(due, ..)| *due)).min()
    }

    /// Whether a link may not deliver the event with sequence number `next` yet, where `end` is behind the last event there
    /// is. `round` is the link's own note.
    pub(super) fn hold_delivery(
        &mut self,
        (now, due): (Instant, Instant),
        (channel, handle): (u16, u32),
        round: &mut Option<Round>,
        (next, end): (i64, i64),
    ) -> bool {
        let current = round.filter(|round| next < round.end).unwrap_or(Round { due, end });
        *round = Some(current);
        let wait = current.due > now;
        if wait && !self.links.contains(&(current.due, channel, handle)) {
            self.links.push((current.due, channel, handle));
        }
        wait
    }

    /// Forgets what was held for a session that has ended.
    pub(super) fn end(&mut self, channel: u16) {
        self.dispositions.retain(|held| held.channel != channel);
        self.links.retain(|(_, other, _)| *other != channel);
    }
}

impl Machine {
    /// Holds a disposition back where a lever says so, and says whether it did.
    pub(super) fn hold_disposition(&mut self, channel: u16, delivery: u32, entity: &Entity, outcome: &Outcome) -> bool {
        let delay = self.hubs.switchboard().disposition_delay(entity);
        let Some(due) = delay.and_then(|delay| self.now.checked_add(delay)) else { return false };
        let outcome = outcome.clone();
        self.held.dispositions.push(HeldDisposition { due, channel, delivery, outcome });
        true
    }

    /// Lets go what is due; all of it where the levers have changed.
    pub(super) fn release_held(&mut self, all: bool) {
        let now = self.now;
        if all {
            for link in self.sessions.values_mut().flat_map(|session| session.links.values_mut()) {
                if let Link::Outgoing(link) = link {
                    link.round = None;
                }
            }
        }
        let is_due = |due: Instant| all || due <= now;
        for held in self.held.dispositions.extract_if(.., |held| is_due(held.due)).collect::<Vec<_>>() {
            self.settle_now(held.channel, held.delivery, &held.outcome);
        }
        for (_, channel, handle) in self.held.links.extract_if(.., |(due, ..)| is_due(*due)).collect::<Vec<_>>() {
            self.pump(channel, handle);
        }
    }
}
