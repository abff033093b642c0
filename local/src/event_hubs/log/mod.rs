//! The log of one partition: durable, ordered, never renumbered.
//!
//! A publication becomes one record of the store (a chunk), committed before it is acknowledged. The newest chunks stay
//! in a bounded cache that all readers share; older ones are read from the store, so memory does not grow with what is
//! retained. Sequence numbers survive restarts and retention: what the store holds gives the next number, and where
//! retention left nothing, a marker does.

mod chunk;
mod offset;
mod retention;
mod seek;
mod store;
mod tail;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use self::{chunk::Chunk, tail::Tail};
use super::{amqp::message::ReceivedMessage, error::Error, event::StoredEvent};
use crate::clock::Clock;
pub(super) use offset::offset_of;
pub(super) use store::{HubRecord, LogStore};

/// One partition of a hub. Clones share it.
#[derive(Clone)]
pub struct Partition {
    shared: Arc<Shared>,
}

struct Shared {
    id: String,
    /// `hub/partition`, for messages to people.
    name: String,
    store: LogStore,
    clock: Clock,
    retention_millis: i64,
    state: Mutex<State>,
    /// Sequence number of the last event, -1 before the first.
    last: watch::Sender<i64>,
}

struct State {
    /// Sequence number of the oldest retained event; equals `next` where there is none.
    begin: i64,
    /// When the oldest retained chunk was enqueued.
    begin_millis: Option<i64>,
    next: i64,
    last_millis: i64,
    /// Chunks that are submitted to the store and not known to be stored, in order; nobody reads them yet.
    submitted: VecDeque<Arc<Chunk>>,
    tail: Tail,
    waiters: HashMap<u64, Waiter>,
}

/// Called once, when a partition has grown.
type Waiter = Box<dyn FnOnce() + Send>;

/// What the runtime properties of a partition say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Sequence number of the oldest retained event, or of the next event where none is retained.
    pub begin_sequence: i64,
    /// Sequence number of the last event ever enqueued, -1 before the first.
    pub last_sequence: i64,
    /// Its offset, -1 before the first.
    pub last_offset: i64,
    /// When it was enqueued, in milliseconds since the Unix epoch; 0 before the first.
    pub last_enqueued_millis: i64,
}

impl PartitionState {
    /// Whether no event is retained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begin_sequence > self.last_sequence
    }
}

impl Partition {
    /// Opens the log, with what the store holds of it.
    pub(super) fn open(
        hub: &str,
        index: u32,
        store: LogStore,
        clock: &Clock,
        retention_millis: i64,
        tail_bytes: usize,
    ) -> Result<Self, Error> {
        let id = index.to_string();
        let extent = store.extent()?;
        let state = State {
            begin: extent.begin,
            begin_millis: extent.begin_millis,
            next: extent.next,
            last_millis: extent.last_millis,
            submitted: VecDeque::new(),
            tail: Tail::new(tail_bytes),
            waiters: HashMap::new(),
        };
        let shared = Shared {
            name: format!("{hub}/{id}"),
            id,
            store,
            clock: clock.clone(),
            retention_millis,
            last: watch::Sender::new(state.next - 1),
            state: Mutex::new(state),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Its id, `"0"` and so on.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Where the log begins and ends now.
    #[must_use]
    pub fn state(&self) -> PartitionState {
        let state = self.lock();
        let last_sequence = state.next - 1;
        PartitionState {
            begin_sequence: state.begin,
            last_sequence,
            last_offset: if last_sequence < 0 { -1 } else { offset_of(last_sequence) },
            last_enqueued_millis: state.last_millis,
        }
    }

    /// Appends encoded AMQP messages as one publication: all or none, with neighbouring sequence numbers. Returns the
    /// first of them once the publication is durable.
    ///
    /// # Errors
    /// When a message is not AMQP, or the store fails; then nothing was stored.
    pub fn append(&self, messages: &[Bytes]) -> Result<i64, Error> {
        let incoming = messages.iter().enumerate().map(|(index, message)| {
            ReceivedMessage::parse(message).map_err(|source| Error::Malformed {
                partition: self.shared.name.clone(),
                index,
                source,
            })
        });
        let incoming = incoming.collect::<Result<Vec<_>, _>>()?;
        let (first, end, ticket) = {
            let mut state = self.lock();
            let (first, last_millis) = state
                .submitted
                .back()
                .map_or((state.next, state.last_millis), |last| (last.end(), last.enqueued_millis()));
            if incoming.is_empty() {
                return Ok(first);
            }
            // Enqueued times never go back either, whatever the system's clock does.
            let millis = self.shared.clock.now_millis().max(last_millis);
            let (chunk, ticket) = self.shared.store.submit(Chunk::build(first, millis, &incoming))?;
            let end = chunk.end();
            state.submitted.push_back(Arc::new(chunk));
            (first, end, ticket)
        };
        // Nobody waits for the disk with the state locked: readers go on, and others submit to the same flush.
        self.shared.store.stored(ticket)?;
        self.publish(end);
        Ok(first)
    }

    /// Shows readers the submitted chunks up to the sequence number `end`, which are stored.
    fn publish(&self, end: i64) {
        let mut state = self.lock();
        while state.submitted.front().is_some_and(|chunk| chunk.end() <= end)
            && let Some(chunk) = state.submitted.pop_front()
        {
            state.next = chunk.end();
            state.last_millis = chunk.enqueued_millis();
            state.begin_millis.get_or_insert(chunk.enqueued_millis());
            state.tail.push(chunk);
        }
        // Whoever came later in the order may have been here before.
        let last = state.next - 1;
        self.shared.last.send_if_modified(|known| std::mem::replace(known, last) != last);
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        waiters.into_values().for_each(|wake| wake());
    }

    /// Retained events with a sequence number of at least `from_sequence`, in order: at most `max_events` of them, and
    /// about `max_bytes`, but at least one where there is one.
    ///
    /// # Errors
    /// When the store fails or is damaged.
    pub fn read(&self, from_sequence: i64, max_events: usize, max_bytes: usize) -> Result<Vec<StoredEvent>, Error> {
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut from = from_sequence;
        while events.len() < max_events && bytes < max_bytes {
            let (begin, cached) = {
                let state = self.lock();
                if from.max(state.begin) >= state.next {
                    break;
                }
                (state.begin, state.tail.find(from.max(state.begin)))
            };
            from = from.max(begin);
            let chunk = match cached {
                Some(chunk) => chunk,
                None => match self.shared.store.chunk_from(from)? {
                    Some(chunk) => Arc::new(chunk),
                    // Retention took it between the look and the read; the next look starts behind it.
                    None if self.lock().begin > begin => continue,
                    None => {
                        return Err(Error::Damaged { partition: self.shared.name.clone(), sequence: from });
                    }
                },
            };
            for sequence in from.max(chunk.first())..chunk.end() {
                let event = chunk.event(sequence);
                bytes += event.message.len();
                events.push(event);
                from = sequence + 1;
                if events.len() >= max_events || bytes >= max_bytes {
                    break;
                }
            }
        }
        Ok(events)
    }

    /// Resolves once the last sequence number is above `sequence`.
    pub async fn grown_past(&self, sequence: i64) {
        let mut last = self.shared.last.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        drop(last.wait_for(|last| *last > sequence).await);
    }

    /// Calls `wake` once, as soon as there is an event with sequence number `next` or above; a later call with the same
    /// `reader` takes the place of this one.
    pub(super) fn wake_at(&self, next: i64, reader: u64, wake: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.next > next {
            drop(state);
            wake();
        } else {
            state.waiters.insert(reader, Box::new(wake));
        }
    }

    /// Forgets what [`Self::wake_at`] noted for `reader`.
    pub(super) fn forget(&self, reader: u64) {
        self.lock().waiters.remove(&reader);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock leaves the state half changed, so a panic elsewhere does not spoil it.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Partition").field(&self.shared.name).finish()
    }
}
