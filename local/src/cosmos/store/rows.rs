//! Store of what is durable: the log of definitions, each living item as it was last written, and each range's LSN.
//!
//! There is nothing to compact: an item's row replaces the one before it, in the same commit that moves the range's LSN.
//! Start-up therefore takes time for what lives, not for what ever happened. Rows are in order of LSN, the order in
//! which they are loaded.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `cosmos-definitions` | number (8 bytes) | an [`Entry`] |
//! | `cosmos-items` | container rid `/` range id `/` LSN (8 bytes) index (2 bytes) | head and body of an item |
//! | `cosmos-lsns` | container rid `/` range id | LSN (8 bytes) of the range's last write, deletes included |

use std::ops::Bound;

use bytes::Bytes;
use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use crate::{
    cosmos::{
        emulator::{
            change::Change,
            item::{ItemKey, ItemVersion},
        },
        error::Error,
        feed::index::FeedIndex,
        store::{definitions::Entry, framed},
        wire::request::ContainerName,
    },
    storage::{Batch, Storage, StorageError},
};

/// A living item.
pub(in crate::cosmos) struct Item {
    pub(in crate::cosmos) version: ItemVersion,
    pub(in crate::cosmos) key: ItemKey,
    /// When it was written, milliseconds since the epoch on the stack's clock.
    pub(in crate::cosmos) at_millis: i64,
    /// The ETag its client was told then.
    pub(in crate::cosmos) etag: String,
    /// The document as it was sent, in text or binary JSON, without system properties.
    pub(in crate::cosmos) body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Head {
    partition_key: String,
    id: String,
    at_millis: i64,
    etag: String,
}

/// A write that the emulator has made and that is to be kept.
pub(in crate::cosmos) struct StoredWrite {
    pub(in crate::cosmos) change: Change,
    pub(in crate::cosmos) at_millis: i64,
    /// How to make it again, where it is a change of definitions.
    pub(in crate::cosmos) definition: Option<Entry>,
}

pub(in crate::cosmos) struct Store {
    storage: Storage,
    definitions: Keyspace,
    items: Keyspace,
    lsns: Keyspace,
    /// Number of the next definition.
    next: u64,
}

impl Store {
    /// # Errors
    /// When the store fails, or was written by a version that kept a journal of all writes.
    pub(in crate::cosmos) fn open(storage: &Storage) -> Result<Self, Error> {
        if !storage.keyspace("cosmos-journal")?.is_empty().map_err(StorageError::from)? {
            return Err(Error::Outdated);
        }
        let definitions = storage.keyspace("cosmos-definitions")?;
        let next = match definitions.last_key_value() {
            Some(guard) => {
                let key = guard.key().map_err(StorageError::from)?;
                key.first_chunk::<8>().map_or(0, |key| u64::from_be_bytes(*key) + 1)
            }
            None => 0,
        };
        let (items, lsns) = (storage.keyspace("cosmos-items")?, storage.keyspace("cosmos-lsns")?);
        Ok(Self { storage: storage.clone(), definitions, items, lsns, next })
    }

    /// Number of definitions.
    pub(in crate::cosmos) fn definitions(&self) -> u64 {
        self.next
    }

    /// Number of living items; reads all their keys.
    pub(in crate::cosmos) fn items(&self) -> Result<u64, Error> {
        Ok(self.items.len().map_err(StorageError::from)? as u64)
    }

    /// Up to `limit` definitions from number `from` on, numbered.
    ///
    /// # Errors
    /// When the store fails or an entry is damaged or missing.
    pub(in crate::cosmos) fn read_definitions(&self, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, Error> {
        let start = Bound::Included(from.to_be_bytes());
        let mut found = Vec::new();
        let rows = self.definitions.range::<[u8; 8], _>((start, Bound::Unbounded)).take(limit);
        for (sequence, guard) in (from..).zip(rows) {
            let (key, value) = guard.into_inner().map_err(StorageError::from)?;
            let unreadable = |reason| Error::Unreadable { what: format!("definition {sequence}"), reason };
            if *key != sequence.to_be_bytes() {
                return Err(unreadable("it is missing".to_owned()));
            }
            found.push((sequence, Entry::decode(&value).map_err(unreadable)?));
        }
        Ok(found)
    }

    /// Up to `limit` living items of a range after a version, in order of their versions.
    ///
    /// # Errors
    /// When the store fails or a row is damaged.
    pub(in crate::cosmos) fn read_items(
        &self,
        rid: &str,
        range: &str,
        after: Option<ItemVersion>,
        limit: usize,
    ) -> Result<Vec<Item>, Error> {
        let prefix = prefix_of(rid, range);
        let start = match after {
            Some(version) => Bound::Excluded(row_key(rid, range, version)),
            None => Bound::Included(prefix.clone()),
        };
        let mut found = Vec::new();
        for guard in self.items.range::<Vec<u8>, _>((start, Bound::Unbounded)).take(limit) {
            let (key, value) = guard.into_inner().map_err(StorageError::from)?;
            let Some(rest) = key.strip_prefix(prefix.as_slice()) else { break };
            let unreadable =
                |reason: String| Error::Unreadable { what: format!("an item of range {range} of {rid}"), reason };
            let version = version_of(rest).ok_or_else(|| unreadable("its key has another length".to_owned()))?;
            let (head, body) = framed::decode::<Head>(&value).map_err(unreadable)?;
            let key = ItemKey { partition_key: head.partition_key, id: head.id };
            found.push(Item { version, key, at_millis: head.at_millis, etag: head.etag, body });
        }
        Ok(found)
    }

    /// LSN of a range's last write.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::cosmos) fn lsn(&self, rid: &str, range: &str) -> Result<u64, Error> {
        let found = self.lsns.get(format!("{rid}/{range}")).map_err(StorageError::from)?;
        Ok(found.and_then(|lsn| lsn.first_chunk::<8>().map(|lsn| u64::from_be_bytes(*lsn))).unwrap_or(0))
    }

    /// Whether the store takes a write of up to `bytes` now; one that only deletes may use some of the room that is kept
    /// free.
    ///
    /// # Errors
    /// When the disk is full or the store has stopped.
    pub(in crate::cosmos) fn check(&self, bytes: u64, deletes: bool) -> Result<(), Error> {
        Ok(self.storage.check(bytes, deletes)?)
    }

    /// Keeps `writes` together. They are durable when this returns. `feeds` knows where the items were before.
    ///
    /// # Errors
    /// When the store fails; then nothing was stored, and committing the same writes again is safe.
    pub(in crate::cosmos) fn commit(&mut self, writes: &[StoredWrite], feeds: &FeedIndex) -> Result<(), Error> {
        let mut batch = self.storage.batch();
        let mut next = self.next;
        for write in writes {
            if let Some(entry) = &write.definition {
                let encoded = entry.encode().map_err(|error| unreadable(&error))?;
                batch.insert(&self.definitions, next.to_be_bytes(), encoded);
                next += 1;
            }
            self.stage(&mut batch, write, feeds)?;
        }
        batch.commit()?;
        self.next = next;
        Ok(())
    }

    fn stage(&self, batch: &mut Batch, write: &StoredWrite, feeds: &FeedIndex) -> Result<(), Error> {
        match &write.change {
            Change::Items { container, range, lsn, items } => {
                let Some(feed) = feeds.container(container) else { return Ok(()) };
                let rid = feed.rid();
                for (index, item) in (0u16..).zip(items) {
                    if let Some(before) = feed.range(range).and_then(|range| range.version_of(&item.key)) {
                        batch.remove(&self.items, row_key(rid, range, before));
                    }
                    if let Some(state) = &item.state {
                        let head = Head {
                            partition_key: item.key.partition_key.clone(),
                            id: item.key.id.clone(),
                            at_millis: write.at_millis,
                            etag: state.etag.clone(),
                        };
                        let row = framed::encode(&head, &state.body).map_err(|error| unreadable(&error))?;
                        batch.insert(&self.items, row_key(rid, range, ItemVersion { lsn: *lsn, index }), row);
                    }
                }
                batch.insert(&self.lsns, format!("{rid}/{range}"), lsn.to_be_bytes());
            }
            Change::ContainerDeleted(name) => self.forget(batch, feeds, name)?,
            Change::DatabaseDeleted(database) => {
                for name in feeds.names().into_iter().filter(|name| name.database == *database) {
                    self.forget(batch, feeds, &name)?;
                }
            }
            Change::ContainerCreated { .. }
            | Change::ContainerReplaced { .. }
            | Change::Elsewhere
            | Change::Nothing => {}
        }
        Ok(())
    }

    /// Removes every row of a container.
    fn forget(&self, batch: &mut Batch, feeds: &FeedIndex, name: &ContainerName) -> Result<(), Error> {
        let Some(feed) = feeds.container(name) else { return Ok(()) };
        let prefix = format!("{}/", feed.rid());
        for keyspace in [&self.items, &self.lsns] {
            for guard in keyspace.prefix(&prefix) {
                batch.remove(keyspace, guard.key().map_err(StorageError::from)?);
            }
        }
        Ok(())
    }
}

/// Key of an item's row; no other version of any item ever has it.
pub(in crate::cosmos) fn row_key(rid: &str, range: &str, version: ItemVersion) -> Vec<u8> {
    let mut key = prefix_of(rid, range);
    key.extend_from_slice(&version.lsn.to_be_bytes());
    key.extend_from_slice(&version.index.to_be_bytes());
    key
}

fn prefix_of(rid: &str, range: &str) -> Vec<u8> {
    format!("{rid}/{range}/").into_bytes()
}

fn version_of(key: &[u8]) -> Option<ItemVersion> {
    let (lsn, index) = key.split_first_chunk::<8>()?;
    Some(ItemVersion { lsn: u64::from_be_bytes(*lsn), index: u16::from_be_bytes(index.try_into().ok()?) })
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::Unreadable { what: "a new row".to_owned(), reason: error.to_string() }
}
