//! Delays: deliveries and dispositions that levers of tests hold back, with the time at which each goes on.

use tokio::time::Instant;

use crate::event_hubs::amqp::answer::DeliveryState;

/// What waits for its time.
#[derive(Default)]
pub(super) struct Delays {
    pub(super) dispositions: Vec<DelayedDisposition>,
    /// Links with deliveries, and when they go on.
    pub(super) links: Vec<(Instant, u16, u32)>,
}

/// The answer to a delivery, to be given later.
pub(super) struct DelayedDisposition {
    pub(super) due: Instant,
    pub(super) channel: u16,
    pub(super) delivery: u32,
    pub(super) outcome: DeliveryState,
}

/// A round of deliveries that waits.
#[derive(Clone, Copy)]
pub(super) struct Round {
    due: Instant,
    /// Sequence number behind the last event of the round.
    end: i64,
}

impl Delays {
    pub(super) fn next_due(&self) -> Option<Instant> {
        let dispositions = self.dispositions.iter().map(|delayed| delayed.due);
        dispositions.chain(self.links.iter().map(|(due, ..)| *due)).min()
    }

    /// Whether a link may not deliver the event with sequence number `next` yet, where `end` is behind the last event there
    /// is. `round` is the link's own note.
    pub(super) fn delay_delivery(
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
        self.dispositions.retain(|delayed| delayed.channel != channel);
        self.links.retain(|(_, other, _)| *other != channel);
    }
}
