//! Levers for tests: what goes wrong between a client and the service, on demand.
//!
//! [`EventHubs::levers`] gives them. They act on the wire alone: readers in process, such as the Functions host, do not
//! feel them. What they have done and still have to do is in [`Levers::state`], so that a test can wait for it.

mod state;

use std::{num::NonZeroU32, time::Duration};

use super::{
    EventHubs,
    amqp::condition::{Condition, Refusal},
};
pub use state::{Answer, Delay, LeverState, LinkState, PlannedAnswer, Scope};

/// A lever names something that the namespace does not have, or that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeverError {
    /// No such hub.
    #[error("there is no event hub {0}")]
    Hub(String),
    /// No such partition.
    #[error("the event hub {hub} has no partition {partition}")]
    Partition {
        /// The hub.
        hub: String,
        /// What was asked for.
        partition: String,
    },
    /// No such consumer group.
    #[error("the event hub {hub} has no consumer group {group}")]
    ConsumerGroup {
        /// The hub.
        hub: String,
        /// What was asked for.
        group: String,
    },
    /// Not a condition.
    #[error("a condition is 1 to 128 characters of ASCII without blanks")]
    Condition,
}

/// The levers of a namespace. Clones are the same.
#[derive(Clone)]
pub struct Levers {
    hubs: EventHubs,
}

impl EventHubs {
    /// The levers of this namespace.
    #[must_use]
    pub fn levers(&self) -> Levers {
        Levers { hubs: self.clone() }
    }
}

impl Levers {
    /// Drops connections that have a link in `scope`, without a word, as a broken network does. Returns how many.
    ///
    /// # Errors
    /// When the scope names a hub or partition that does not exist.
    pub fn drop_connections(&self, scope: &Scope) -> Result<usize, LeverError> {
        self.check(scope)?;
        Ok(self.hubs.switchboard().cut(scope))
    }

    /// Detaches links with an error, as the service does when it moves a partition. Returns how many.
    ///
    /// # Errors
    /// When the scope names a hub or partition that does not exist, or `condition` is none.
    pub fn detach_links(&self, scope: &Scope, condition: &str) -> Result<usize, LeverError> {
        self.check(scope)?;
        let refusal = Refusal::new(named(condition)?, "A test detached the link.");
        Ok(self.hubs.switchboard().detach(scope, &refusal))
    }

    /// Holds back deliveries: whenever a link has events to deliver, those present wait for `delay`. One delay a scope; of
    /// several scopes that cover a link, the newest delay counts.
    ///
    /// # Errors
    /// When the scope names a hub or partition that does not exist.
    pub fn delay_deliveries(&self, scope: Scope, delay: Duration) -> Result<(), LeverError> {
        self.check(&scope)?;
        self.hubs.switchboard().delay_deliveries(Delay { scope, millis: millis(delay) });
        Ok(())
    }

    /// Holds back the answers to sends by `delay`; the events are stored at once.
    ///
    /// # Errors
    /// When the scope names a hub or partition that does not exist.
    pub fn delay_dispositions(&self, scope: Scope, delay: Duration) -> Result<(), LeverError> {
        self.check(&scope)?;
        self.hubs.switchboard().delay_dispositions(Delay { scope, millis: millis(delay) });
        Ok(())
    }

    /// Ends all delays; what is held back goes out at once.
    pub fn clear_delays(&self) {
        self.hubs.switchboard().clear_delays();
    }

    /// Answers the next `count` sends in `scope` with `answer` and stores nothing of them. Several plans are used up in
    /// the order in which they were made.
    ///
    /// # Errors
    /// When the scope names a hub or partition that does not exist, or the condition is none.
    pub fn answer_sends(&self, scope: Scope, answer: Answer, count: NonZeroU32) -> Result<(), LeverError> {
        self.check(&scope)?;
        if let Answer::Rejected { condition } = &answer {
            named(condition)?;
        }
        self.hubs.switchboard().plan_answer(PlannedAnswer { scope, answer, left: count.get() });
        Ok(())
    }

    /// Forgets the answers that have not been given.
    pub fn clear_answers(&self) {
        self.hubs.switchboard().clear_answers();
    }

    /// Ends everything that is set: delays and answers.
    pub fn clear(&self) {
        self.clear_delays();
        self.clear_answers();
    }

    /// Takes a partition from the receivers of a consumer group, as one with a higher epoch would: they are detached with
    /// `amqp:link:stolen`. Nobody holds it afterwards. Returns how many there were.
    ///
    /// # Errors
    /// When there is no such hub, group or partition.
    pub fn steal(&self, hub: &str, group: &str, partition: &str) -> Result<usize, LeverError> {
        self.check(&Scope::Partition { hub: hub.to_owned(), partition: partition.to_owned() })?;
        let hub = self.hubs.hub(hub).ok_or_else(|| LeverError::Hub(hub.to_owned()))?;
        if !hub.has_consumer_group(group) {
            return Err(LeverError::ConsumerGroup { hub: hub.name().to_owned(), group: group.to_owned() });
        }
        Ok(hub.receivers().steal(group, partition))
    }

    /// What there is now.
    #[must_use]
    pub fn state(&self) -> LeverState {
        self.hubs.switchboard().state()
    }

    fn check(&self, scope: &Scope) -> Result<(), LeverError> {
        let (name, partition) = match scope {
            Scope::All => return Ok(()),
            Scope::Hub(hub) => (hub, None),
            Scope::Partition { hub, partition } => (hub, Some(partition)),
        };
        let hub = self.hubs.hub(name).ok_or_else(|| LeverError::Hub(name.clone()))?;
        match partition {
            Some(id) if hub.partition(id).is_none() => {
                Err(LeverError::Partition { hub: hub.name().to_owned(), partition: id.clone() })
            }
            _ => Ok(()),
        }
    }
}

fn named(condition: &str) -> Result<Condition, LeverError> {
    let legal = (1..=128).contains(&condition.len()) && condition.bytes().all(|byte| byte.is_ascii_graphic());
    if legal { Ok(Condition::Named(condition.to_owned())) } else { Err(LeverError::Condition) }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
