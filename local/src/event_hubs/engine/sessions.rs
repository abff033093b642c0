//! What the peer's performatives do to sessions and links.

use bytes::Bytes;

use super::{fault::Fault, link::Link, machine::Machine, session::Session};
use crate::event_hubs::amqp::{
    answer::{CHANNEL_MAX, put_begin, put_detach, put_end, put_flow},
    condition::{Condition, Refusal},
    performative::{Begin, Detach, Flow, Transfer},
};

/// Deliveries of one connection that may be incomplete at once, which bounds what a peer makes us keep.
const MAX_PARTIAL: usize = 64;

impl Machine {
    pub(super) fn begin(&mut self, channel: u16, begin: &Begin) -> Result<(), Fault> {
        if channel > CHANNEL_MAX || self.sessions.contains_key(&channel) {
            return Err(Fault::connection(
                Condition::FramingError,
                "The channel is above the announced channel-max, or in use.",
            ));
        }
        self.sessions.insert(channel, Session::new(begin));
        put_begin(&mut self.out, channel);
        Ok(())
    }

    pub(super) fn session(&mut self, channel: u16) -> Result<&mut Session, Fault> {
        self.sessions
            .get_mut(&channel)
            .ok_or_else(|| Fault::connection(Condition::FramingError, "No session has begun on the channel."))
    }

    pub(super) fn flow(&mut self, channel: u16, flow: &Flow) -> Result<(), Fault> {
        let session = self.session(channel)?;
        session.update(flow);
        if let Some(link) = &flow.link {
            match session.links.get_mut(&link.handle) {
                Some(Link::Outgoing(outgoing)) => {
                    if let Some(credit) = link.credit {
                        let limit = link.delivery_count.unwrap_or(0).wrapping_add(credit);
                        let left = limit.wrapping_sub(outgoing.delivery_count);
                        // A credit that was withdrawn may lie behind what has been sent.
                        outgoing.credit = if left > u32::MAX / 2 { 0 } else { left };
                    }
                    outgoing.drain = link.drain;
                }
                Some(Link::Incoming(_) | Link::Detaching) => {}
                None => return Err(unattached()),
            }
        }
        // The session's window may have been what held any of its links back.
        let handles: Vec<u32> = session.links.keys().copied().collect();
        for handle in handles {
            self.pump(channel, handle);
        }
        if flow.echo {
            self.send_flow(channel, flow.link.map(|link| link.handle));
        }
        Ok(())
    }

    pub(super) fn send_flow(&mut self, channel: u16, handle: Option<u32>) {
        if let Some(session) = self.sessions.get(&channel) {
            put_flow(&mut self.out, channel, &session.flow_state(handle));
        }
    }

    pub(super) fn transfer(&mut self, channel: u16, transfer: &Transfer, payload: Bytes) -> Result<(), Fault> {
        let partial = if transfer.more { self.partial_deliveries() } else { 0 };
        let session = self.session(channel)?;
        session.next_incoming_id = session.next_incoming_id.wrapping_add(1);
        let link = match session.links.get_mut(&transfer.handle) {
            Some(Link::Incoming(link)) => link,
            Some(Link::Detaching) => return Ok(()),
            Some(Link::Outgoing(_)) | None => return Err(unattached()),
        };
        if partial >= MAX_PARTIAL && !link.is_receiving() {
            return Err(Fault::connection(
                Condition::ResourceLimitExceeded,
                "Too many deliveries of the connection are incomplete.",
            ));
        }
        let delivery = match link.transfer(transfer, payload) {
            Ok(delivery) => delivery,
            Err(refusal) => {
                self.detach_link(channel, transfer.handle, &refusal);
                return Ok(());
            }
        };
        let (purpose, listed, top_up) = (link.purpose.clone(), link.listed.clone(), link.top_up());
        if let Some(delivery) = delivery {
            self.deliver(channel, &purpose, listed.as_ref().map(|listed| &listed.entity), delivery);
        }
        if top_up {
            self.send_flow(channel, Some(transfer.handle));
        }
        Ok(())
    }

    /// Number of links in the middle of a delivery of several frames.
    fn partial_deliveries(&self) -> usize {
        let links = self.sessions.values().flat_map(|session| session.links.values());
        links.filter(|link| matches!(link, Link::Incoming(link) if link.is_receiving())).count()
    }

    pub(super) fn link_count(&self) -> usize {
        self.sessions.values().map(|session| session.links.len()).sum()
    }

    /// Channel and handle of the link with this number.
    pub(super) fn find_link(&self, id: u64) -> Option<(u16, u32)> {
        let links = self
            .sessions
            .iter()
            .flat_map(|(channel, session)| session.links.iter().map(move |(handle, link)| ((*channel, *handle), link)));
        let mut found = links.filter(|(_, link)| link.listed().is_some_and(|listed| listed.id() == id));
        found.next().map(|(place, _)| place)
    }

    /// Detaches a link for a reason of ours.
    pub(super) fn detach_link(&mut self, channel: u16, handle: u32, refusal: &Refusal) {
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        let Some(link) = session.links.get_mut(&handle).filter(|link| !matches!(link, Link::Detaching)) else { return };
        *link = Link::Detaching;
        put_detach(&mut self.out, channel, handle, true, Some(refusal));
    }

    pub(super) fn detach(&mut self, channel: u16, detach: &Detach) -> Result<(), Fault> {
        let session = self.session(channel)?;
        let link = session.links.remove(&detach.handle);
        if !session.links.values().any(|link| matches!(link, Link::Incoming(_))) {
            self.delayed.forget(channel);
        }
        match link {
            None => Err(unattached()),
            Some(Link::Detaching) => Ok(()),
            Some(Link::Incoming(_) | Link::Outgoing(_)) if self.is_rust_client() => {
                self.delayed.detach(self.now, channel, detach.handle, detach.closed);
                Ok(())
            }
            Some(Link::Incoming(_) | Link::Outgoing(_)) => {
                put_detach(&mut self.out, channel, detach.handle, detach.closed, None);
                Ok(())
            }
        }
    }

    pub(super) fn end(&mut self, channel: u16) -> Result<(), Fault> {
        let ended = self.session(channel)?.ended;
        self.sessions.remove(&channel);
        self.delayed.end(channel);
        self.delays.end(channel);
        if !ended {
            put_end(&mut self.out, channel, None);
        }
        Ok(())
    }

    pub(super) fn end_session(&mut self, channel: u16, refusal: &Refusal) {
        if let Some(session) = self.sessions.get_mut(&channel) {
            session.ended = true;
            session.links.clear();
            self.delayed.end(channel);
            self.delays.end(channel);
            put_end(&mut self.out, channel, Some(refusal));
        }
    }
}

fn unattached() -> Fault {
    Fault::session(Condition::UnattachedHandle, "No link of this kind is attached to the handle.")
}
