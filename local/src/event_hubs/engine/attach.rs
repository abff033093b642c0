//! Attach: what a link it is for, whether it may be, and the answer.

use std::{collections::VecDeque, sync::Arc};

use super::{
    address::Address,
    fault::Fault,
    link::{Feed, Link, Node, Purpose, ReceivingLink, SendingLink},
    machine::Machine,
    mail::Mail,
    receive::Receiver,
};
use crate::event_hubs::{
    access::Entity,
    amqp::{
        Value,
        answer::{HANDLE_MAX, put_attach_reply, put_detach},
        condition::{Condition, Refusal},
        performative::{Attach, Role},
    },
    hub::Hub,
    log::Partition,
    position::{SELECTOR, Start},
};

const EPOCH: &str = "com.microsoft:epoch";
const RUNTIME_METRIC: &str = "com.microsoft:enable-receiver-runtime-metric";

/// Links that one connection may have; the most that a client with all partitions of all hubs open comes to is far below.
const MAX_LINKS: usize = 4096;

impl Machine {
    pub(super) fn attach(&mut self, channel: u16, attach: &Attach) -> Result<(), Fault> {
        if attach.handle > HANDLE_MAX {
            return Err(Fault::connection(Condition::FramingError, "A handle is above the announced handle-max."));
        }
        let session = self.session(channel)?;
        if session.links.contains_key(&attach.handle) {
            return Err(Fault::session(Condition::HandleInUse, "The handle is in use."));
        }
        if self.link_count() >= MAX_LINKS {
            return Err(Fault::connection(Condition::ResourceLimitExceeded, "The connection has too many links."));
        }
        self.delayed.finish_detach(&mut self.out, channel, attach.handle);
        let link = match attach.role {
            Role::Sender => self.incoming(attach),
            Role::Receiver => self.outgoing(channel, attach),
        };
        put_attach_reply(&mut self.out, channel, attach, link.is_ok());
        let link = link.unwrap_or_else(|refusal| {
            tracing::debug!(?refusal, "a link was refused");
            put_detach(&mut self.out, channel, attach.handle, true, Some(&refusal));
            Link::Detaching
        });
        let grants = matches!(link, Link::Incoming(_));
        self.session(channel)?.links.insert(attach.handle, link);
        if grants {
            self.send_flow(channel, Some(attach.handle));
        }
        Ok(())
    }

    /// A link on which the peer sends.
    fn incoming(&self, attach: &Attach) -> Result<Link, Refusal> {
        let text = attach.target.field(0).as_text().unwrap_or_default();
        let request =
            |node| Ok(Link::Incoming(ReceivingLink::new(Purpose::Request(node), None, attach.initial_delivery_count)));
        let (hub, partition) = match Address::parse(text) {
            Some(Address::Cbs) => return request(Node::Cbs),
            Some(Address::Management) => return request(Node::Management),
            Some(Address::Hub(hub)) => (hub, None),
            Some(Address::Partition { hub, partition }) => (hub, Some(partition)),
            Some(Address::Group { .. }) | None => return Err(not_found(text)),
        };
        self.authorise(&entity(hub, partition, None))?;
        let hub = self.find_hub(hub)?;
        let partition = partition.map(|id| find_partition(&hub, id)).transpose()?;
        let listed = self.connected.list(entity(hub.name(), partition.as_ref().map(Partition::id), None));
        let purpose = Purpose::Publish { hub, partition };
        Ok(Link::Incoming(ReceivingLink::new(purpose, Some(listed), attach.initial_delivery_count)))
    }

    /// A link on which the peer receives.
    fn outgoing(&self, channel: u16, attach: &Attach) -> Result<Link, Refusal> {
        let text = attach.source.field(0).as_text().unwrap_or_default();
        let replies = |node| {
            let target = attach.target.field(0).as_text().map(str::to_owned);
            Ok(Link::Outgoing(SendingLink::new(Feed::Replies { node, target, waiting: VecDeque::new() }, None)))
        };
        let (name, group, id) = match Address::parse(text) {
            Some(Address::Cbs) => return replies(Node::Cbs),
            Some(Address::Management) => return replies(Node::Management),
            Some(Address::Group { hub, group, partition }) => (hub, group, partition),
            Some(Address::Hub(_) | Address::Partition { .. }) | None => return Err(not_found(text)),
        };
        self.authorise(&entity(name, Some(id), Some(group)))?;
        let hub = self.find_hub(name)?;
        let group = hub.consumer_group(group).ok_or_else(|| not_found(&format!("{name}/ConsumerGroups/{group}")))?;
        let partition = find_partition(&hub, id)?;
        let receiver = self.receiver(channel, attach, &hub, group, partition)?;
        let listed = self.connected.list(entity(hub.name(), Some(id), Some(group)));
        Ok(Link::Outgoing(SendingLink::new(Feed::Events(Box::new(receiver)), Some(listed))))
    }

    fn receiver(
        &self,
        channel: u16,
        attach: &Attach,
        hub: &Arc<Hub>,
        group: &str,
        partition: Partition,
    ) -> Result<Receiver, Refusal> {
        let bad = |description: String| Refusal::new(Condition::ArgumentError, description);
        let start = match attach.source.field(7).entry(SELECTOR).undescribed() {
            Value::Null => Start::Earliest,
            selector => {
                let text = selector.as_text().unwrap_or_default();
                Start::from_selector(text).ok_or_else(|| bad(format!("The filter {text:?} is not supported.")))?
            }
        };
        check_reach(&start, &partition).map_err(bad)?;
        let next = partition.first_sequence_at(&start).map_err(|error| bad(error.to_string()))?;
        let epoch = match attach.properties.entry(EPOCH) {
            Value::Null => None,
            epoch => Some(
                epoch
                    .as_i64()
                    .filter(|epoch| *epoch >= 0)
                    .ok_or_else(|| bad(format!("The epoch {epoch:?} is not a number from 0 on.")))?,
            ),
        };
        let (mailbox, handle) = (self.mailbox.clone(), attach.handle);
        let registration = hub.receivers().admit(group, &partition, epoch, move |receiver, refusal| {
            // A connection that is gone has no link to displace.
            drop(mailbox.send(Mail::Displaced { channel, handle, receiver, refusal }));
        })?;
        Ok(Receiver::new(partition, registration, next, wants(&attach.desired_capabilities, RUNTIME_METRIC)))
    }

    fn find_hub(&self, name: &str) -> Result<Arc<Hub>, Refusal> {
        self.hubs.shared_hub(name).cloned().ok_or_else(|| not_found(name))
    }
}

fn entity(hub: &str, partition: Option<&str>, group: Option<&str>) -> Entity {
    Entity { hub: hub.to_owned(), partition: partition.map(str::to_owned), consumer_group: group.map(str::to_owned) }
}

/// The service refuses a position behind the last event, which a checkpoint from another life of the hub would be.
fn check_reach(start: &Start, partition: &Partition) -> Result<(), String> {
    let state = partition.state();
    match start {
        Start::Sequence { number, .. } if *number > state.last_sequence => Err(format!(
            "The supplied sequence number '{number}' is invalid. The last sequence number in the system is '{}'.",
            state.last_sequence
        )),
        Start::Offset { text, .. } if text.parse().is_ok_and(|offset: i64| offset > state.last_offset) => Err(format!(
            "The supplied offset '{text}' is invalid. The last offset in the system is '{}'.",
            state.last_offset
        )),
        _ => Ok(()),
    }
}

fn find_partition(hub: &Hub, id: &str) -> Result<Partition, Refusal> {
    hub.partition(id).cloned().ok_or_else(|| {
        let last = hub.partitions().len() - 1;
        Refusal::new(
            Condition::ArgumentOutOfRange,
            format!(
                "The specified partition '{id}' is invalid for the event hub '{}'. It should be between 0 and {last}.",
                hub.name()
            ),
        )
    })
}

fn not_found(entity: &str) -> Refusal {
    Refusal::new(Condition::NotFound, format!("The messaging entity '{entity}' could not be found."))
}

/// Whether a capability is among those that a peer desires: one symbol, or an array of them.
fn wants(capabilities: &Value, name: &str) -> bool {
    match capabilities {
        Value::Array(items) | Value::List(items) => items.iter().any(|item| item.as_text() == Some(name)),
        one => one.as_text() == Some(name),
    }
}
