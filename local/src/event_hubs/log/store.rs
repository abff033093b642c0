//! Store of chunks: keys are (hub, partition, first sequence number), big-endian, so that order in the store is order
//! in the log.

use std::ops::RangeInclusive;

use bytes::Bytes;
use fjall::{Keyspace, Slice};
use serde::{Deserialize, Serialize};

use super::chunk::Chunk;
use crate::{
    event_hubs::error::Error,
    storage::{Storage, StorageError, Ticket},
};

const APPENDING: &str = "appending";

/// The part of the store that belongs to one partition.
#[derive(Clone)]
pub(crate) struct LogStore {
    storage: Storage,
    chunks: Keyspace,
    facts: Keyspace,
    /// `hub/partition`, for messages to people.
    entity: String,
    prefix: Vec<u8>,
}

/// What is kept about a hub beside its events.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct HubRecord {
    pub(crate) created_millis: i64,
    pub(crate) partitions: u32,
}

/// How far a log reaches, as found at the start.
pub(super) struct Extent {
    pub(super) begin: i64,
    pub(super) begin_millis: Option<i64>,
    pub(super) next: i64,
    pub(super) last_millis: i64,
}

/// The marker that retention leaves, without which an emptied log would start again at 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Trim {
    /// Sequence number behind the last event removed.
    pub(super) next: i64,
    pub(super) last_millis: i64,
}

/// What retention found.
pub(super) struct Expired {
    pub(super) keys: Vec<Slice>,
    /// First sequence number and enqueued time of the oldest chunk that stays.
    pub(super) kept: Option<(i64, i64)>,
}

impl LogStore {
    /// The record of hub `name`, made by `new` where there is none yet.
    pub(crate) fn hub(storage: &Storage, name: &str, new: HubRecord) -> Result<HubRecord, Error> {
        let failed = |operation| move |source| Error::Storage { entity: name.to_owned(), operation, source };
        let facts = storage.keyspace("event-hubs-facts").map_err(failed("opening"))?;
        let key = [b"hub\0", name.to_lowercase().as_bytes()].concat();
        let stored = facts.get(&key).map_err(|source| failed("reading")(source.into()))?;
        if let Some(record) = stored.and_then(|bytes| contoso_json::from_slice(&bytes).ok()) {
            return Ok(record);
        }
        let mut batch = storage.batch();
        batch.insert(&facts, key, to_json(&new));
        batch.commit().map_err(failed("creating"))?;
        Ok(new)
    }

    pub(crate) fn open(storage: &Storage, hub: &str, partition: u32) -> Result<Self, Error> {
        let entity = format!("{hub}/{partition}");
        let failed = |source| Error::Storage { entity: entity.clone(), operation: "opening the log", source };
        Ok(Self {
            storage: storage.clone(),
            chunks: storage.keyspace_of_large_values("event-hubs-log").map_err(failed)?,
            facts: storage.keyspace("event-hubs-facts").map_err(failed)?,
            prefix: [hub.to_lowercase().as_bytes(), b"\0", &partition.to_be_bytes()].concat(),
            entity,
        })
    }

    pub(super) fn extent(&self) -> Result<Extent, Error> {
        let trim = self.facts.get(self.trim_key()).map_err(self.failed("reading the log"))?;
        let trim = trim.and_then(|bytes| contoso_json::from_slice::<Trim>(&bytes).ok());
        let first = self.chunk_from(0)?;
        let last = self.last_up_to(i64::MAX)?;
        Ok(Extent {
            begin: first.as_ref().map_or(trim.map_or(0, |trim| trim.next), Chunk::first),
            begin_millis: first.map(|chunk| chunk.enqueued_millis()),
            next: last.as_ref().map_or(trim.map_or(0, |trim| trim.next), Chunk::end),
            last_millis: last.map_or(trim.map_or(0, |trim| trim.last_millis), |chunk| chunk.enqueued_millis()),
        })
    }

    /// Submits a chunk, which is stored once the ticket says so; the one returned shares its memory with the store.
    pub(super) fn submit(&self, chunk: Chunk) -> Result<(Chunk, Ticket), Error> {
        let value = Slice::from(&chunk.bytes()[..]);
        let mut batch = self.storage.batch();
        batch.insert(&self.chunks, self.key(chunk.first()), value.clone());
        let ticket = batch.submit().map_err(self.failed(APPENDING))?;
        Ok((chunk.backed_by(Bytes::from_owner(value)), ticket))
    }

    /// Waits until a submitted chunk is stored.
    pub(super) fn stored(&self, ticket: Ticket) -> Result<(), Error> {
        ticket.wait().map_err(self.failed(APPENDING))
    }

    /// The chunk that holds the event with this sequence number, or else the first behind it.
    pub(super) fn chunk_from(&self, sequence: i64) -> Result<Option<Chunk>, Error> {
        if let Some(chunk) = self.last_up_to(sequence)?
            && chunk.end() > sequence
        {
            return Ok(Some(chunk));
        }
        let next = self.chunks.range(self.keys(sequence..=i64::MAX)).next();
        next.map(|entry| self.read(entry)).transpose()
    }

    /// The last chunk that begins at or before `sequence`.
    fn last_up_to(&self, sequence: i64) -> Result<Option<Chunk>, Error> {
        let last = self.chunks.range(self.keys(0..=sequence)).next_back();
        last.map(|entry| self.read(entry)).transpose()
    }

    /// Chunks from the beginning that were enqueued at `millis` or before, at most `limit`.
    pub(super) fn expired(&self, millis: i64, limit: usize) -> Result<Expired, Error> {
        let mut expired = Expired { keys: Vec::new(), kept: None };
        for entry in self.chunks.range(self.keys(0..=i64::MAX)) {
            let chunk = self.read(entry)?;
            if chunk.enqueued_millis() > millis || expired.keys.len() == limit {
                expired.kept = Some((chunk.first(), chunk.enqueued_millis()));
                break;
            }
            expired.keys.push(self.key(chunk.first()).into());
        }
        Ok(expired)
    }

    /// Removes chunks and leaves the marker, in one commit; where a power cut takes it back, retention runs again.
    pub(super) fn trim(&self, keys: &[Slice], marker: Trim) -> Result<(), Error> {
        let mut batch = self.storage.batch();
        for key in keys {
            batch.remove(&self.chunks, key.clone());
        }
        batch.insert(&self.facts, self.trim_key(), to_json(&marker));
        batch.commit_unsynced().map_err(self.failed("retention"))
    }

    fn read(&self, entry: fjall::Guard) -> Result<Chunk, Error> {
        let (key, value) = entry.into_inner().map_err(self.failed("reading the log"))?;
        let sequence = key.last_chunk().map_or(-1, |bytes| i64::from_be_bytes(*bytes));
        Chunk::decode(sequence, Bytes::from_owner(value))
            .ok_or_else(|| Error::Damaged { partition: self.entity.clone(), sequence })
    }

    fn keys(&self, sequences: RangeInclusive<i64>) -> RangeInclusive<Vec<u8>> {
        self.key(*sequences.start())..=self.key(*sequences.end())
    }

    /// Sequence numbers are never negative, so big-endian bytes sort as the numbers do.
    fn key(&self, sequence: i64) -> Vec<u8> {
        [&self.prefix[..], &sequence.max(0).to_be_bytes()].concat()
    }

    fn trim_key(&self) -> Vec<u8> {
        [b"trim\0", &self.prefix[..]].concat()
    }

    fn failed<E: Into<StorageError>>(&self, operation: &'static str) -> impl Fn(E) -> Error {
        move |source| Error::Storage { entity: self.entity.clone(), operation, source: source.into() }
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Numbers only: serialisation has nothing to fail on.
    serde_json::to_vec(value).unwrap_or_default()
}
