//! Store of containers, blobs and blocks.
//!
//! Writers take turns ([`Store::write`]): a condition that held when it was checked still holds when the change is
//! committed. Readers do not wait for one another.

mod blobs;
mod blocks;
mod containers;
mod copies;
mod listing;

use std::sync::{Arc, Mutex, PoisonError};

use fjall::Keyspace;
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

pub(super) use self::{
    blobs::{Access, Change, Replacement},
    blocks::BlockChoice,
    listing::{Entry, PageRequest},
};
use super::{
    bodies::{Bodies, Draft, Segment, Upload},
    error::Failure,
    etag::Etag,
    names::{BlobPath, ContainerName},
    outbox::{Outbox, Pending},
    record::{BlobRecord, ContainerRecord},
};
use crate::{
    clock::Clock,
    storage::{Batch, Storage, StorageError},
};

pub(super) struct Store {
    storage: Storage,
    clock: Clock,
    containers: Keyspace,
    blobs: Keyspace,
    /// Uncommitted blocks.
    blocks: Keyspace,
    /// Holds the last entity tag, so that tags grow across restarts even where the clock does not.
    marks: Keyspace,
    bodies: Arc<Bodies>,
    outbox: Outbox,
    /// The last entity tag given out. Whoever holds the lock is the one writer.
    last_etag: Mutex<Etag>,
}

const LAST_ETAG: &str = "last-etag";

impl Store {
    pub(super) fn open(storage: &Storage, clock: &Clock) -> Result<Self, StorageError> {
        let marks = storage.keyspace("blobs.marks")?;
        let last_etag = match marks.get(LAST_ETAG)? {
            Some(bytes) => bytes.first_chunk().copied().map_or_else(Etag::default, Etag::from_bytes),
            None => Etag::default(),
        };
        Ok(Self {
            containers: storage.keyspace("blobs.containers")?,
            blobs: storage.keyspace("blobs.blobs")?,
            blocks: storage.keyspace("blobs.blocks")?,
            marks,
            bodies: Arc::new(Bodies::open(storage)?),
            outbox: Outbox::open(storage)?,
            last_etag: Mutex::new(last_etag),
            storage: storage.clone(),
            clock: clock.clone(),
        })
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(super) fn now_millis(&self) -> i64 {
        self.clock.now_millis()
    }

    /// Who hears of new blobs.
    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Starts taking in a body; nothing of it is visible until a commit adopts it.
    pub(super) fn upload(&self) -> Upload {
        self.bodies.upload()
    }

    /// Runs `change` as the only writer and commits what it put into the transaction, whole or not at all.
    fn write<T>(&self, change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        // Writers queue for the lock while one waits for the disk.
        self.storage.blocking(|| self.write_in_turn(change))
    }

    fn write_in_turn<T>(&self, change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut last_etag = self.last_etag.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = Transaction {
            store: self,
            batch: self.storage.batch(),
            etag: *last_etag,
            adopted: Vec::new(),
            disowned: Vec::new(),
        };
        let outcome = change(&mut transaction)?;
        let Transaction { mut batch, etag, adopted, disowned, .. } = transaction;
        if etag != *last_etag {
            batch.insert(&self.marks, LAST_ETAG, etag.to_bytes());
        }
        batch.commit()?;
        *last_etag = etag;
        drop(last_etag);
        adopted.into_iter().for_each(Draft::committed);
        for segment in disowned {
            self.bodies.discard(segment);
        }
        Ok(outcome)
    }

    fn blob(&self, path: &BlobPath) -> Result<Option<BlobRecord>, Failure> {
        read(&self.blobs, &path.key(), || format!("blob {path}"))
    }

    pub(super) fn container(&self, name: &ContainerName) -> Result<Option<ContainerRecord>, Failure> {
        read(&self.containers, name.as_str().as_bytes(), || format!("container {}", name.as_str()))
    }
}

/// Changes that become visible and durable together.
struct Transaction<'s> {
    store: &'s Store,
    batch: Batch,
    etag: Etag,
    adopted: Vec<Draft>,
    disowned: Vec<Segment>,
}

impl Transaction<'_> {
    fn next_etag(&mut self, now: OffsetDateTime) -> Etag {
        self.etag = self.etag.next(now);
        self.etag
    }

    /// Makes the body part of this change; `None` where it is empty.
    fn adopt(&mut self, draft: Draft) -> Option<Segment> {
        let segment = draft.adopt(&mut self.batch);
        self.adopted.push(draft);
        segment
    }

    /// The bytes are not referred to after this change.
    fn disown(&mut self, segments: impl IntoIterator<Item = Segment>) {
        for segment in segments {
            self.store.bodies.disown(&mut self.batch, segment);
            self.disowned.push(segment);
        }
    }

    fn put_blob(&mut self, path: &BlobPath, record: &BlobRecord) -> Result<(), Failure> {
        self.put(&self.store.blobs, path.key(), record, "blob")
    }

    fn put<T: Serialize>(&mut self, to: &Keyspace, key: Vec<u8>, record: &T, what: &str) -> Result<(), Failure> {
        let value = serde_json::to_vec(record)
            .map_err(|source| Failure::Corrupt { what: what.to_owned(), source: source.into() })?;
        self.batch.insert(to, key, value);
        Ok(())
    }

    /// Keeps the news of this change until every observer has taken it.
    fn announce(&mut self, news: &Pending) -> Result<(), Failure> {
        self.store.outbox.keep(&mut self.batch, news)
    }
}

fn read<T: DeserializeOwned>(from: &Keyspace, key: &[u8], what: impl FnOnce() -> String) -> Result<Option<T>, Failure> {
    let Some(value) = from.get(key)? else { return Ok(None) };
    decode(&value, what).map(Some)
}

fn decode<T: DeserializeOwned>(value: &[u8], what: impl FnOnce() -> String) -> Result<T, Failure> {
    contoso_json::from_slice(value).map_err(|source| Failure::Corrupt { what: what(), source: source.into() })
}
