//! Queues and messages in the durable store.
//!
//! Everybody takes turns: two receivers never get the same message. What is committed is in the store before anybody
//! hears of it. Memory holds of each message only its id and its times.

mod index;
mod messages;
mod queues;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use fjall::Keyspace;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    clock::Clock,
    storage::{Batch, Storage},
    storage_account::{Code, Metadata},
};

use self::index::{Index, Place};
pub(super) use self::messages::Life;
use super::{error::Failure, message::Record, names::QueueName};

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
    /// What the keys of its messages start with. A queue that is created again has another one.
    number: u64,
    metadata: Metadata,
}

/// A change of one message, made in memory once it is committed.
struct Edit {
    id: Uuid,
    old: Option<Place>,
    new: Option<Place>,
}

impl Store {
    pub(super) fn open(storage: &Storage, clock: &Clock) -> Result<Self, Failure> {
        let (queues, messages) = (storage.keyspace("queues.queues")?, storage.keyspace("queues.messages")?);
        let mut state = State { queues: BTreeMap::new(), last_number: 0, last_sequence: 0 };
        for entry in queues.iter() {
            let (key, value) = entry.into_inner()?;
            let name = String::from_utf8_lossy(&key).into_owned();
            let record: QueueRecord = decode(&value, || format!("queue {name}"))?;
            state.last_number = state.last_number.max(record.number);
            let mut index = Index::default();
            for entry in messages.prefix(record.number.to_be_bytes()) {
                let (key, value) = entry.into_inner()?;
                let id = Uuid::from_slice(key.get(8..).unwrap_or_default())
                    .map_err(|source| Failure::Corrupt { what: format!("message in {name}"), source: source.into() })?;
                let message: Record = decode(&value, || format!("message {id} in {name}"))?;
                state.last_sequence = state.last_sequence.max(message.sequence);
                index.insert(id, Place::of(&message));
            }
            state.queues.insert(name, Queue { record, index });
        }
        let news = watch::Sender::new(0);
        Ok(Self { storage: storage.clone(), clock: clock.clone(), queues, messages, state: Mutex::new(state), news })
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
    serde_json::from_slice(value).map_err(|source| Failure::Corrupt { what: what(), source: source.into() })
}
