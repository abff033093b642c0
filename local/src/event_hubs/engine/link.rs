//! Links: what one is for, and how far it is.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{delays::Round, receive::Receiver, window::Window};
use crate::event_hubs::{
    amqp::{
        answer::MAX_MESSAGE_SIZE,
        condition::{Condition, Refusal},
        frame::{TransferHead, put_transfer, transfer_room},
        performative::Transfer,
    },
    hub::Hub,
    log::Partition,
    switchboard::Listed,
};

/// Credit that a sender gets; topped up when half of it is used.
const CREDIT: u32 = 1000;

/// Replies that wait for credit on one link. A client that asks on without reading loses the oldest.
const MAX_WAITING_REPLIES: usize = 64;

pub(super) enum Link {
    /// The peer sends.
    Incoming(ReceivingLink),
    /// The peer receives.
    Outgoing(SendingLink),
    /// We have detached it; what is still under way is ignored until the peer detaches too.
    Detaching,
}

impl Link {
    /// What it is for, where that is events.
    pub(super) fn listed(&self) -> Option<&Listed> {
        match self {
            Self::Incoming(link) => link.listed.as_deref(),
            Self::Outgoing(link) => link.listed.as_ref(),
            Self::Detaching => None,
        }
    }
}

/// What the messages of a sending peer are.
#[derive(Clone)]
pub(super) enum Purpose {
    /// Publications to a hub, or to one of its partitions.
    Publish { hub: Arc<Hub>, partition: Option<Partition> },
    /// Requests to a node.
    Request(Node),
}

/// The nodes that answer requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Cbs,
    Management,
}

pub(super) struct ReceivingLink {
    pub(super) purpose: Purpose,
    /// What it sends to; absent for requests.
    pub(super) listed: Option<Arc<Listed>>,
    pub(super) delivery_count: u32,
    pub(super) credit: u32,
    partial: Option<Delivery>,
}

/// A delivery, put together from its frames.
pub(super) struct Delivery {
    pub(super) id: u32,
    pub(super) message_format: u32,
    pub(super) settled: bool,
    /// The message, or nothing where it is larger than allowed.
    pub(super) message: Option<Bytes>,
    joined: BytesMut,
}

impl ReceivingLink {
    pub(super) fn new(purpose: Purpose, listed: Option<Listed>, delivery_count: u32) -> Self {
        Self { purpose, listed: listed.map(Arc::new), delivery_count, credit: CREDIT, partial: None }
    }

    /// Whether a delivery is under way of which more frames are to come.
    pub(super) fn is_receiving(&self) -> bool {
        self.partial.is_some()
    }

    /// Takes one frame; gives the delivery once it is whole.
    pub(super) fn transfer(&mut self, transfer: &Transfer, payload: Bytes) -> Result<Option<Delivery>, Refusal> {
        let mut delivery = match self.partial.take() {
            Some(delivery) => delivery,
            None => {
                if self.credit == 0 {
                    return Err(Refusal::new(Condition::TransferLimitExceeded, "The link had no credit left."));
                }
                let id = transfer.delivery_id.ok_or_else(|| {
                    Refusal::new(Condition::InvalidField, "The first transfer of a delivery has no delivery-id.")
                })?;
                Delivery {
                    id,
                    message_format: transfer.message_format,
                    settled: false,
                    message: Some(Bytes::new()),
                    joined: BytesMut::new(),
                }
            }
        };
        delivery.settled |= transfer.settled;
        delivery.add(payload, transfer.more);
        if transfer.more && !transfer.aborted {
            self.partial = Some(delivery);
            return Ok(None);
        }
        self.credit = self.credit.saturating_sub(1);
        self.delivery_count = self.delivery_count.wrapping_add(1);
        Ok((!transfer.aborted).then_some(delivery))
    }

    /// Gives new credit where half of it is used, and says whether it did.
    pub(super) fn top_up(&mut self) -> bool {
        let low = self.credit < CREDIT / 2;
        if low {
            self.credit = CREDIT;
        }
        low
    }
}

impl Delivery {
    fn add(&mut self, payload: Bytes, more: bool) {
        if self.joined.len() + payload.len() > MAX_MESSAGE_SIZE {
            self.message = None;
            self.joined = BytesMut::new();
        }
        if self.message.is_none() {
            return;
        }
        if self.joined.is_empty() && !more {
            // The usual delivery is one frame, which needs no copy.
            self.message = Some(payload);
            return;
        }
        self.joined.extend_from_slice(&payload);
        if !more {
            self.message = Some(self.joined.split().freeze());
        }
    }
}

pub(super) struct SendingLink {
    pub(super) feed: Feed,
    /// What it receives from; absent for replies.
    pub(super) listed: Option<Listed>,
    /// The round of deliveries that a lever holds back.
    pub(super) round: Option<Round>,
    pub(super) delivery_count: u32,
    pub(super) credit: u32,
    pub(super) drain: bool,
    current: Option<Sending>,
}

/// What goes out on a link.
pub(super) enum Feed {
    /// Answers of a node, for the link with this target address.
    Replies { node: Node, target: Option<String>, waiting: VecDeque<Bytes> },
    /// Events of a partition.
    Events(Box<Receiver>),
}

/// A message of which some frames have been written.
struct Sending {
    message: Bytes,
    written: usize,
    started: bool,
}

impl SendingLink {
    pub(super) fn new(feed: Feed, listed: Option<Listed>) -> Self {
        Self { feed, listed, round: None, delivery_count: 0, credit: 0, drain: false, current: None }
    }

    /// Whether a message is under way.
    pub(super) fn is_sending(&self) -> bool {
        self.current.is_some()
    }

    /// Uses one credit for a message.
    pub(super) fn send(&mut self, message: Bytes) {
        self.credit = self.credit.saturating_sub(1);
        self.delivery_count = self.delivery_count.wrapping_add(1);
        self.current = Some(Sending { message, written: 0, started: false });
    }

    /// Writes frames of the current message as far as the peer's window allows; says whether all are written.
    pub(super) fn write(
        &mut self,
        out: &mut BytesMut,
        window: &mut Window,
        (channel, handle): (u16, u32),
        max_frame_size: u32,
    ) -> bool {
        let room = transfer_room(max_frame_size);
        while let Some(sending) = &mut self.current {
            if !window.take() {
                return false;
            }
            let end = sending.message.len().min(sending.written + room);
            let delivery = (!sending.started).then(|| window.next_delivery());
            let head = TransferHead { handle, delivery, more: end < sending.message.len() };
            put_transfer(out, channel, &head, &sending.message[sending.written..end]);
            sending.started = true;
            sending.written = end;
            if !head.more {
                self.current = None;
            }
        }
        true
    }

    /// Uses up all credit, as a draining peer wants when there is nothing more to send.
    pub(super) fn finish_drain(&mut self) {
        self.delivery_count = self.delivery_count.wrapping_add(self.credit);
        self.credit = 0;
        self.drain = false;
    }
}

/// Queues a reply.
pub(super) fn push_reply(waiting: &mut VecDeque<Bytes>, reply: Bytes) {
    if waiting.len() >= MAX_WAITING_REPLIES {
        waiting.pop_front();
    }
    waiting.push_back(reply);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_hubs::amqp::frame::take_frame;
    use crate::event_hubs::amqp::performative::{Begin, Performative, decode};
    use crate::event_hubs::engine::session::Session;

    /// A delivery of several transfers is one delivery: clients hang up where the next number is not the next.
    #[test]
    fn deliveries_are_numbered_one_by_one() {
        let mut session = Session::new(&Begin { next_outgoing_id: 0, incoming_window: 100 });
        let feed = Feed::Replies { node: Node::Cbs, target: None, waiting: VecDeque::new() };
        let mut link = SendingLink::new(feed, None);
        let mut out = BytesMut::new();
        for length in [10, 5000, 20] {
            link.send(Bytes::from(vec![0; length]));
            assert!(link.write(&mut out, &mut session.window, (0, 0), 512));
        }
        let mut ids = Vec::new();
        let mut transfers = 0;
        while let Some(frame) = take_frame(&mut out).expect("frames") {
            let (Performative::Transfer(transfer), _) = decode(&frame.body).expect("a performative") else {
                panic!("no transfer")
            };
            ids.extend(transfer.delivery_id);
            transfers += 1;
        }
        assert!(transfers > 10, "{transfers} transfers");
        assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);
        assert_eq!(session.window.next_outgoing_id - ids[0], transfers);
    }
}
