//! Chunked storage of the bytes of blobs and blocks, so that no body ever sits in memory whole.
//!
//! A body is written under a fresh number before anything refers to it. Its number stands in `unowned` until the commit
//! that refers to it strikes it out, and again from the commit that drops the last reference until the chunks are
//! gone. So whatever is unowned when the store opens is the rest of a broken upload or removal, and is swept.

mod incoming;
mod outgoing;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, atomic::AtomicU64},
};

use fjall::Keyspace;
use serde::{Deserialize, Serialize};

pub(super) use self::{
    incoming::{Draft, Upload},
    outgoing::{Pin, Slice},
};
use crate::storage::{Batch, Storage, StorageError};

/// Bytes of a chunk; the last one of a body may be shorter.
const CHUNK: usize = 256 * 1024;

/// A stored, non-empty run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Segment {
    body: u64,
    /// Bytes.
    pub(super) length: u64,
}

pub(super) struct Bodies {
    storage: Storage,
    chunks: Keyspace,
    unowned: Keyspace,
    next: AtomicU64,
    readers: Mutex<HashMap<u64, Readers>>,
}

#[derive(Default)]
struct Readers {
    count: usize,
    /// To be removed when the last reader leaves.
    doomed: bool,
}

impl Bodies {
    /// Opens the keyspaces and sweeps what a crash left behind.
    pub(super) fn open(storage: &Storage) -> Result<Self, StorageError> {
        let chunks = storage.keyspace_of_large_values("blobs.chunks")?;
        let unowned = storage.keyspace("blobs.unowned")?;
        let last = |keyspace: &Keyspace| -> Result<u64, StorageError> {
            Ok(match keyspace.last_key_value() {
                Some(entry) => number(&entry.key()?),
                None => 0,
            })
        };
        let next = AtomicU64::new(last(&chunks)?.max(last(&unowned)?) + 1);
        let bodies = Self { storage: storage.clone(), chunks, unowned, next, readers: Mutex::default() };
        let swept = bodies.unowned.iter().map(|entry| Ok(number(&entry.key()?)));
        for body in swept.collect::<Result<Vec<_>, StorageError>>()? {
            bodies.remove(body)?;
        }
        Ok(bodies)
    }

    /// Notes in `batch` that nothing refers to `segment` any more. Call [`Bodies::discard`] once it is committed.
    pub(super) fn disown(&self, batch: &mut Batch, segment: Segment) {
        batch.insert(&self.unowned, segment.body.to_be_bytes(), []);
    }

    /// Removes the chunks of a segment that nothing refers to, as soon as nobody reads it.
    pub(super) fn discard(&self, segment: Segment) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(readers) = readers.get_mut(&segment.body) {
            readers.doomed = true;
            return;
        }
        drop(readers);
        self.remove_or_warn(segment.body);
    }

    fn unpin(&self, body: u64) {
        let mut all = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(readers) = all.get_mut(&body) else { return };
        readers.count -= 1;
        if readers.count > 0 {
            return;
        }
        let doomed = readers.doomed;
        all.remove(&body);
        drop(all);
        if doomed {
            self.remove_or_warn(body);
        }
    }

    fn remove_or_warn(&self, body: u64) {
        if let Err(error) = self.remove(body) {
            tracing::warn!(body, %error, "chunks of a removed blob stay until the next start");
        }
    }

    fn remove(&self, body: u64) -> Result<(), StorageError> {
        let mut batch = self.storage.batch();
        for entry in self.chunks.prefix(body.to_be_bytes()) {
            batch.remove(&self.chunks, entry.key()?);
        }
        batch.remove(&self.unowned, body.to_be_bytes());
        batch.commit_unsynced()
    }
}

fn chunk_key(body: u64, chunk: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&body.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The body number that a key of either keyspace starts with.
fn number(key: &[u8]) -> u64 {
    key.first_chunk().copied().map_or(0, u64::from_be_bytes)
}
