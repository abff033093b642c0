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
}

impl Window {
    /// The id for one more transfer; nothing while the window is closed.
    pub(super) fn take(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let id = self.next_outgoing_id;
        self.next_outgoing_id = id.wrapping_add(1);
        Some(id)
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
            window: Window { next_outgoing_id: FIRST_OUTGOING_ID, left: begin.incoming_window },
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
