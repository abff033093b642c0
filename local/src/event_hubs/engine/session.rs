//! A session: its windows and its links.

use std::collections::HashMap;

use super::{link::Link, window::Window};
use crate::event_hubs::amqp::{
    answer::{FlowState, LinkState},
    performative::{Begin, Flow},
};

pub(super) struct Session {
    pub(super) next_incoming_id: u32,
    pub(super) window: Window,
    /// By handle. Names would not do: the Rust client uses one name on all its sessions.
    pub(super) links: HashMap<u32, Link>,
    /// We have ended it and wait for the peer's `end`.
    pub(super) ended: bool,
}

impl Session {
    pub(super) fn new(begin: &Begin) -> Self {
        Self {
            next_incoming_id: begin.next_outgoing_id,
            window: Window::new(begin.incoming_window),
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
