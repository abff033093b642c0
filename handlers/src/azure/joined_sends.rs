//! Batching of sends: many small sends to one hub, joined into few.
//!
//! While a send is under way, those that come meanwhile wait and then go together: one batch per partition for all of them. Nobody
//! waits for company, so that an idle hub answers as fast as it can, and a busy one gets larger batches instead of more of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::event_hubs::EventHubs;
use crate::{events::HubMessage, outcome::Cause};

/// Messages that may wait. Beyond them a caller is told at once rather than kept.
const MAX_WAITING: usize = 20_000;

/// Messages that go together, unless one caller brings more.
const MAX_TOGETHER: usize = 4_000;

/// Messages of one call, each with its partition key.
type Messages = Vec<(String, HubMessage)>;

/// Sends to one hub; cloning shares what waits.
#[derive(Clone)]
pub struct JoinedSends(Arc<Gate>);

struct Gate {
    hubs: EventHubs,
    hub: &'static str,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    calls: Vec<Call>,
    /// Messages of `calls`.
    messages: usize,
    /// Whether a task is sending, which takes up what waits when it is done.
    is_sending: bool,
}

struct Call {
    messages: Messages,
    answer: oneshot::Sender<Result<(), Unsent>>,
}

/// The hub does not have all messages of a call. Some may be stored; repeating is safe and may store them twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// Too much waits already; nothing of this call was sent.
    #[error("send to hub {hub}: too much is waiting; nothing was sent, repeating later is safe")]
    Busy {
        /// The hub.
        hub: &'static str,
    },
    /// The hub did not take everything that was sent together.
    #[error("{reason}")]
    Failed {
        /// The chain of causes.
        reason: String,
    },
    /// The task that was sending ended without saying how.
    #[error("send to hub {hub}: the outcome is unknown; repeating is safe")]
    Unknown {
        /// The hub.
        hub: &'static str,
    },
}

impl JoinedSends {
    /// Sends to `hub`; nothing is connected yet.
    pub fn new(hubs: EventHubs, hub: &'static str) -> Self {
        Self(Arc::new(Gate { hubs, hub, queue: Mutex::default() }))
    }

    /// Sends messages and returns when all are stored. Messages of one key keep their order. A caller that goes away meanwhile takes
    /// nothing back.
    ///
    /// # Errors
    /// See [`Unsent`].
    pub async fn send(&self, messages: Messages) -> Result<(), Unsent> {
        let hub = self.0.hub;
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.queue();
            if queue.messages + messages.len() > MAX_WAITING {
                return Err(Unsent::Busy { hub });
            }
            queue.messages += messages.len();
            queue.calls.push(Call { messages, answer });
            if !queue.is_sending {
                queue.is_sending = true;
                // A task of its own: the caller whose turn it is may go away, and the others still want their answer.
                tokio::spawn(Turn { sends: self.clone(), is_over: false }.run());
            }
        }
        answered.await.unwrap_or(Err(Unsent::Unknown { hub }))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing between lock and unlock leaves the queue half changed.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of sending. Lost to a panic, it lets the next caller start one.
struct Turn {
    sends: JoinedSends,
    is_over: bool,
}

impl Turn {
    async fn run(mut self) {
        while let Some(calls) = self.next() {
            let mut messages = Messages::with_capacity(calls.iter().map(|call| call.messages.len()).sum());
            let mut answers = Vec::with_capacity(calls.len());
            for call in calls {
                messages.extend(call.messages);
                answers.push(call.answer);
            }
            let gate = &*self.sends.0;
            let sent = gate
                .hubs
                .send(gate.hub, messages)
                .await
                .map_err(|error| Unsent::Failed { reason: Cause::from_error("send the events", error).chain() });
            for answer in answers {
                // A caller may have gone away.
                _ = answer.send(sent.clone());
            }
        }
    }

    /// What goes together next, oldest first; `None` ends the turn.
    fn next(&mut self) -> Option<Vec<Call>> {
        let mut queue = self.sends.queue();
        let mut together = 0;
        let count = queue
            .calls
            .iter()
            .take_while(|call| {
                let is_first = together == 0;
                together += call.messages.len();
                is_first || together <= MAX_TOGETHER
            })
            .count();
        if count == 0 {
            queue.is_sending = false;
            self.is_over = true;
            return None;
        }
        let calls: Vec<Call> = queue.calls.drain(..count).collect();
        queue.messages -= calls.iter().map(|call| call.messages.len()).sum::<usize>();
        Some(calls)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            // Those who wait are told by the loss of their channel.
            *self.sends.queue() = Queue::default();
        }
    }
}
