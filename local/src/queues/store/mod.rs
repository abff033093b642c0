//! Store of queues and messages.
//!
//! Everybody takes turns: two receivers never get the same message. What is committed is in the store before anybody
//! hears of it. Memory holds of each message only its id and its times.

mod index;
mod messages;
mod queues;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use fjall::Keyspace;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::watch;
use uuid::Uuid;

use self::index::{Index, IndexKey};
pub(super) use self::messages::Life;
use super::{error::Failure, message::Record, names::QueueName};
use crate::{
    clock::Clock,
    storage::{Batch, Storage},
    storage_account::{Code, Metadata},
};

/// Messages that are removed at once.
const SWEEP: usize = 1000;

pub(super) struct Store {
    storage: Storage,
    clock: Clock,
    queues: Keyspace,
    messages: Keyspace,
    state: Mutex<State>,
    /// Changes whenever a message may have become visible.
    news: watch::Sender<u64>,
}

struct State {
    queues: BTreeMap<String, Queue>,
    last_number: u64,
    last_sequence: u64,
}

struct Queue {
    record: QueueRecord,
    index: Index,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct QueueRecord {
    /// What the keys of its messages start with. A queue that is created again, or cleared, has another one.
    number: u64,
    metadata: Metadata,
}

/// A change of one message, made in memory once it is committed.
struct Edit {
    id: Uuid,
    old: Option<IndexKey>,
    new: Option<IndexKey>,
}

impl Store {
    pub(super) fn open(storage: &Storage, clock: &Clock) -> Result<Self, Failure> {
        let (queues, messages) = (storage.keyspace("queues.queues")?, storage.keyspace("queues.messages")?);
        let mut state = State { queues: BTreeMap::new(), last_number: 0, last_sequence: 0 };
        let mut names = BTreeMap::new();
        for entry in queues.iter() {
            let (key, value) = entry.into_inner()?;
            let name = String::from_utf8_lossy(&key).into_owned();
            let record: QueueRecord = decode(&value, || format!("queue {name}"))?;
            names.insert(record.number, name.clone());
            state.queues.insert(name, Queue { record, index: Index::default() });
        }
        let mut orphans = BTreeSet::new();
        for entry in messages.iter() {
            let (key, value) = entry.into_inner()?;
            let corrupt = |why: &str| Failure::Corrupt { what: "key of a message".to_owned(), source: why.into() };
            let (number, id) = key.split_first_chunk().ok_or_else(|| corrupt("it is too short"))?;
            let number = u64::from_be_bytes(*number);
            state.last_number = state.last_number.max(number);
            let Some(queue) = names.get(&number).and_then(|name| state.queues.get_mut(name)) else {
                orphans.insert(number);
                continue;
            };
            let id = Uuid::from_slice(id).map_err(|_| corrupt("it holds no id"))?;
            let message: Record = decode(&value, || format!("message {id}"))?;
            state.last_sequence = state.last_sequence.max(message.sequence);
            queue.index.insert(id, IndexKey::of(&message));
        }
        state.last_number = state.last_number.max(names.into_keys().max().unwrap_or_default());
        let news = watch::Sender::new(0);
        let (storage, clock) = (storage.clone(), clock.clone());
        let store = Self { storage, clock, queues, messages, state: Mutex::new(state), news };
        // What is left of queues that were deleted or cleared when the stack ended.
        orphans.into_iter().try_for_each(|number| store.remove_messages(number))?;
        Ok(store)
    }

    /// Removes the messages under a number that no queue has any more, some at a time.
    fn remove_messages(&self, number: u64) -> Result<(), Failure> {
        loop {
            let keys = self.messages.prefix(number.to_be_bytes()).take(SWEEP).map(|entry| entry.key());
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            if keys.is_empty() {
                return Ok(());
            }
            let mut batch = self.storage.batch();
            keys.into_iter().for_each(|key| batch.remove(&self.messages, key));
            batch.commit()?;
        }
    }

    /// The same where the operation has succeeded already: what stays is swept at the next start.
    fn remove_messages_or_warn(&self, number: u64) {
        if let Err(error) = self.remove_messages(number) {
            tracing::warn!(error = &error as &dyn std::error::Error, "removed messages stay until the next start");
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Resolves on the next change.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn read(&self, key: &[u8], id: Uuid) -> Result<Record, Failure> {
        match self.messages.get(key)? {
            Some(value) => decode(&value, || format!("message {id}")),
            None => Err(Failure::Corrupt { what: format!("message {id}"), source: "it is missing".into() }),
        }
    }

    fn write(&self, batch: &mut Batch, key: Vec<u8>, record: &Record) -> Result<(), Failure> {
        batch.insert(&self.messages, key, encode(record, "message")?);
        Ok(())
    }
}

impl State {
    fn queue(&self, name: &QueueName) -> Result<&Queue, Failure> {
        self.queues.get(name.as_str()).ok_or_else(|| Code::QueueNotFound.into())
    }

    fn queue_mut(&mut self, name: &QueueName) -> Result<&mut Queue, Failure> {
        self.queues.get_mut(name.as_str()).ok_or_else(|| Code::QueueNotFound.into())
    }
}

impl Queue {
    fn key(&self, id: Uuid) -> Vec<u8> {
        let mut key = self.record.number.to_be_bytes().to_vec();
        key.extend_from_slice(id.as_bytes());
        key
    }

    fn apply(&mut self, edits: Vec<Edit>) {
        for Edit { id, old, new } in edits {
            if let Some(old) = old {
                self.index.remove(id, old);
            }
            if let Some(new) = new {
                self.index.insert(id, new);
            }
        }
    }
}

fn encode<T: Serialize>(record: &T, what: &str) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(record).map_err(|source| Failure::Corrupt { what: what.to_owned(), source: source.into() })
}

fn decode<T: DeserializeOwned>(value: &[u8], what: impl FnOnce() -> String) -> Result<T, Failure> {
    contoso_json::from_slice(value).map_err(|source| Failure::Corrupt { what: what(), source: source.into() })
}
