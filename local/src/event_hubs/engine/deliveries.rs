//! Deliveries in both directions: what a received one asks for, and what goes out.

use super::{
    cbs,
    link::{Delivery, Feed, Link, Node, Purpose, push_reply},
    machine::{HIGH_WATER, Machine},
    mail::Mail,
    management,
    publish::publish,
    request::Request,
};
use crate::event_hubs::{
    access::Entity,
    amqp::{
        answer::{DeliveryState, put_disposition, put_flow},
        condition::{Condition, Refusal},
    },
};

impl Machine {
    /// Does what a whole delivery asks for, and settles it.
    pub(super) fn deliver(&mut self, channel: u16, purpose: &Purpose, listed: Option<&Entity>, delivery: Delivery) {
        let (id, settled) = (delivery.id, delivery.settled);
        match purpose {
            Purpose::Publish { hub, partition } => {
                let outcome = publish(self.hubs.switchboard(), hub, partition.as_ref(), delivery);
                let held =
                    !settled && listed.is_some_and(|listed| self.delay_disposition(channel, id, listed, &outcome));
                if !held {
                    self.settle(channel, id, settled, &outcome);
                }
            }
            Purpose::Request(node) => match delivery.message.as_deref().map(Request::decode) {
                Some(Ok(request)) => {
                    self.settle(channel, id, settled, &DeliveryState::Accepted);
                    self.reply(channel, *node, &request);
                }
                Some(Err(_)) | None => {
                    let refusal = Refusal::new(Condition::DecodeError, "The request is malformed or too large.");
                    self.settle(channel, id, settled, &DeliveryState::Rejected(refusal));
                }
            },
        }
    }

    fn settle(&mut self, channel: u16, delivery: u32, settled: bool, outcome: &DeliveryState) {
        if !settled {
            self.settle_now(channel, delivery, outcome);
        }
    }

    pub(super) fn settle_now(&mut self, channel: u16, delivery: u32, outcome: &DeliveryState) {
        if self.is_rust_client() {
            self.delayed.settle(&mut self.out, self.now, channel, delivery, outcome);
        } else {
            put_disposition(&mut self.out, channel, (delivery, delivery), outcome, true);
        }
    }

    /// Answers on the session's link for replies of the node; where there are several, on the one that was asked for.
    fn reply(&mut self, channel: u16, node: Node, request: &Request) {
        let response = match node {
            Node::Cbs => cbs::answer(request, self),
            Node::Management => management::answer(request, &self.hubs, &mut self.claims, self.now),
        };
        let reply = response.encode(&request.message_id);
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        let candidates = session.links.iter_mut().filter_map(|(handle, link)| match link {
            Link::Outgoing(outgoing) => match &mut outgoing.feed {
                Feed::Replies { node: theirs, target, waiting } if *theirs == node => {
                    Some((*target == request.reply_to, *handle, waiting))
                }
                _ => None,
            },
            _ => None,
        });
        let Some((_, handle, waiting)) = candidates.max_by_key(|(named, handle, _)| (*named, *handle)) else {
            tracing::debug!(?node, "a request came without a link for its reply");
            return;
        };
        push_reply(waiting, reply);
        self.pump(channel, handle);
    }

    /// Delivers on a link as far as credit, window and output allow.
    pub(super) fn pump(&mut self, channel: u16, handle: u32) {
        let max_frame_size = self.max_frame_size();
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        let Some(Link::Outgoing(link)) = session.links.get_mut(&handle) else { return };
        loop {
            if self.out.len() >= HIGH_WATER {
                if !self.ready.contains(&(channel, handle)) {
                    self.ready.push_back((channel, handle));
                }
                return;
            }
            if link.is_sending() && !link.write(&mut self.out, &mut session.window, (channel, handle), max_frame_size) {
                return;
            }
            if link.credit == 0 {
                return;
            }
            if let (Feed::Events(receiver), Some(listed)) = (&link.feed, &link.listed) {
                let delay = self.hubs.switchboard().delivery_delay(&listed.entity);
                let due = delay.and_then(|delay| self.now.checked_add(delay));
                let wait = due.is_some_and(|due| {
                    let (next, end) = receiver.ahead();
                    let times = (self.now, due);
                    next < end && self.delays.delay_delivery(times, (channel, handle), &mut link.round, (next, end))
                });
                if wait {
                    return;
                }
            }
            let next = match &mut link.feed {
                Feed::Replies { waiting, .. } => Ok(waiting.pop_front()),
                Feed::Events(receiver) => receiver.next(self.hubs.clock().now_millis()),
            };
            match next {
                Ok(Some(message)) => link.send(message),
                Ok(None) => break,
                Err(refusal) => return self.detach_link(channel, handle, &refusal),
            }
        }
        if link.drain {
            link.finish_drain();
            let state = session.flow_state(Some(handle));
            put_flow(&mut self.out, channel, &state);
        } else if let Feed::Events(receiver) = &link.feed {
            let mailbox = self.mailbox.clone();
            // A connection that is gone needs no waking.
            receiver.wake(move || drop(mailbox.send(Mail::Wake { channel, handle })));
        }
    }

    /// Whether the link is that of the receiver with this number.
    pub(super) fn reads(&self, channel: u16, handle: u32, receiver: u64) -> bool {
        let link = self.sessions.get(&channel).and_then(|session| session.links.get(&handle));
        matches!(link, Some(Link::Outgoing(link)) if matches!(&link.feed, Feed::Events(feed) if feed.id() == receiver))
    }
}
