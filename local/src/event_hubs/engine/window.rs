//! The window of a session: how many transfers the peer still takes, and their numbers.

use crate::event_hubs::amqp::{answer::FIRST_OUTGOING_ID, performative::Flow};

/// What the peer lets us send.
pub(super) struct Window {
    pub(super) next_outgoing_id: u32,
    left: u32,
    /// Deliveries have numbers of their own: one of several transfers counts once (part 2 §2.6.12), and a client that finds
    /// a gap hangs up.
    next_delivery_id: u32,
}

impl Window {
    /// Of a session that has just begun, with room for `left` transfers.
    pub(super) fn new(left: u32) -> Self {
        Self { next_outgoing_id: FIRST_OUTGOING_ID, left, next_delivery_id: FIRST_OUTGOING_ID }
    }

    /// Takes room for one more transfer; false while the window is closed.
    pub(super) fn take(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        self.next_outgoing_id = self.next_outgoing_id.wrapping_add(1);
        true
    }

    /// The id of one more delivery.
    pub(super) fn next_delivery(&mut self) -> u32 {
        let id = self.next_delivery_id;
        self.next_delivery_id = id.wrapping_add(1);
        id
    }

    /// Adopts the peer's view (part 2 §2.5.6), less what it cannot have seen yet.
    pub(super) fn update(&mut self, flow: &Flow) {
        let expected = flow.next_incoming_id.unwrap_or(FIRST_OUTGOING_ID);
        let under_way = self.next_outgoing_id.wrapping_sub(expected);
        self.left = flow.incoming_window.saturating_sub(under_way);
    }
}
