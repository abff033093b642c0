//! A session: its windows and its links.

use std::collections::HashMap;

use super::link::Link;
use crate::event_hubs::amqp::answer::{FIRST_OUTGOING_ID, FlowState, LinkState};
use crate::event_hubs::amqp::performative::{Begin, Flow};

pub(super) struct Session {
    pub(super) next_incoming_id: u32,
    pub(super) window: Window,
    /// By handle. Names would not do: the Rust client uses one name on all its sessions.
    pub(super) links: HashMap<u32, Link>,
    /// We have ended it and wait for the peer's `end`.
    pub(super) ended: bool,
}

/// What the peer lets us send.
pub(super) struct Window {
    pub(super) next_outgoing_id: u32,
    left: u32,
    /// Deliveries have numbers of their own: one of several transfers counts once (part 2 §2.6.12), and a client that finds
    /// a gap hangs up.
    next_delivery_id: u32,
}

impl Window {
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
    fn update(&mut self, flow: &Flow) {
        let expected = flow.next_incoming_id.unwrap_or(FIRST_OUTGOING_ID);
        let under_way = self.next_outgoing_id.wrapping_sub(expected);
        self.left = flow.incoming_window.saturating_sub(under_way);
    }
}

impl Session {
    pub(super) fn new(begin: &Begin) -> Self {
        Self {
            next_incoming_id: begin.next_outgoing_id,
            window: Window {
                next_outgoing_id: FIRST_OUTGOING_ID,
                left: begin.incoming_window,
                next_delivery_id: FIRST_OUTGOING_ID,
            },
            links: HashMap::new(),
            ended: false,
        }
    }

    pub(super) fn update(&mut self, flow: &Flow) {
        self.window.update(flow);
    }

    /// What a flow says about the session, and about a link that is attached.
    pub(super) fn flow_state(&self, handle: Option<u32>) -> FlowState {
        let link = handle.and_then(|handle| {
            let (delivery_count, credit, drain) = match self.links.get(&handle)? {
                Link::Incoming(link) => (link.delivery_count, link.credit, false),
                Link::Outgoing(link) => (link.delivery_count, link.credit, link.drain),
                Link::Detaching => return None,
            };
            Some(LinkState { handle, delivery_count, credit, drain })
        });
        FlowState { next_incoming_id: self.next_incoming_id, next_outgoing_id: self.window.next_outgoing_id, link }
    }
}
