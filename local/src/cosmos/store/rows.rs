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
//! | | container rid `/documents` | number (8 bytes) of the container's next new item |
//!
//! Rows of earlier versions have no number, and their body is as it was sent, maybe in binary JSON: they are written again
//! when they are loaded, with the next numbers. They keep the ETag of their last write; those that these versions gave out at
//! later starts are refused with 412, which tells their holder to read again.

use std::{ops::Bound, sync::Arc};

use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use crate::{
    cosmos::{
        data::{
            container::Container,
            document::Document,
            item::{Item, ItemChange, Transaction, Version},
            item_key::{self, ItemKey},
        },
        error::Error,
        store::{definitions::Entry, framed},
    },
    storage::{Batch, Storage, StorageError},
};

#[derive(Serialize, Deserialize)]
struct Head {
    id: String,
    /// The effective partition key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective: Option<String>,
    /// Of rows of earlier versions: the partition key as a JSON array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition_key: Option<String>,
    at_millis: i64,
    etag: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

/// A write that is to be kept.
pub(in crate::cosmos) enum StoredWrite {
    Items {
        container: Arc<Container>,
        transaction: Transaction,
    },
    /// A change of definitions, and the containers that it takes away.
    Definition {
        entry: Entry,
        gone: Vec<Arc<Container>>,
    },
}

/// Items as they were stored, and whether each is in today's form.
pub(in crate::cosmos) struct Loaded {
    pub(in crate::cosmos) item: Item,
    pub(in crate::cosmos) is_outdated: bool,
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

    /// Up to `limit` living items of a range after a version, in order of their versions. Those without a number get the
    /// next ones from `next_number` on.
    ///
    /// # Errors
    /// When the store fails or a row is damaged.
    pub(in crate::cosmos) fn read_items(
        &self,
        container: &Container,
        range: &str,
        after: Option<Version>,
        limit: usize,
        next_number: &mut u64,
    ) -> Result<Vec<Loaded>, Error> {
        let rid = container.id.to_string();
        let prefix = prefix_of(&rid, range);
        let start = match after {
            Some(version) => Bound::Excluded(row_key(&rid, range, version)),
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
            let loaded = item(container, head, body, version, next_number).map_err(unreadable)?;
            found.push(loaded);
        }
        Ok(found)
    }

    /// LSN of a range's last write.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::cosmos) fn lsn(&self, container: &Container, range: &str) -> Result<u64, Error> {
        Ok(self.number(&format!("{}/{range}", container.id))?.unwrap_or(0))
    }

    /// Number of a container's next new item.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::cosmos) fn next_number(&self, container: &Container) -> Result<u64, Error> {
        Ok(self.number(&numbers_key(container))?.unwrap_or(1))
    }

    fn number(&self, key: &str) -> Result<Option<u64>, Error> {
        let found = self.lsns.get(key).map_err(StorageError::from)?;
        Ok(found.and_then(|number| number.first_chunk::<8>().map(|number| u64::from_be_bytes(*number))))
    }

    /// Whether the store takes a write of up to `bytes` now; one that only deletes may use some of the room that is kept
    /// free.
    ///
    /// # Errors
    /// When the disk is full or the store has stopped.
    pub(in crate::cosmos) fn check(&self, bytes: u64, deletes: bool) -> Result<(), Error> {
        Ok(self.storage.check(bytes, deletes)?)
    }

    /// Keeps `writes` together. They are durable when this returns.
    ///
    /// # Errors
    /// When the store fails; then it is unclear whether they are there after a restart.
    pub(in crate::cosmos) fn commit(&mut self, writes: &[StoredWrite]) -> Result<(), Error> {
        let mut batch = self.storage.batch();
        let mut next = self.next;
        for write in writes {
            match write {
                StoredWrite::Items { container, transaction } => self.stage(&mut batch, container, transaction)?,
                StoredWrite::Definition { entry, gone } => {
                    let encoded = entry.encode().map_err(|error| unreadable(&error))?;
                    batch.insert(&self.definitions, next.to_be_bytes(), encoded);
                    next += 1;
                    if entry.deletes() {
                        batch.leads_to_removals();
                    }
                    for container in gone {
                        self.forget(&mut batch, container)?;
                    }
                }
            }
        }
        batch.commit()?;
        self.next = next;
        Ok(())
    }

    fn stage(&self, batch: &mut Batch, container: &Container, transaction: &Transaction) -> Result<(), Error> {
        let Some(range) = container.ranges.get(transaction.range).map(|range| range.id.as_str()) else { return Ok(()) };
        let rid = container.id.to_string();
        for ItemChange { before, after, .. } in &transaction.changes {
            if let Some(before) = before {
                batch.remove(&self.items, row_key(&rid, range, before.version));
            }
            if let Some(after) = after {
                batch.insert(&self.items, row_key(&rid, range, after.version), row(after)?);
            }
        }
        batch.insert(&self.lsns, format!("{rid}/{range}"), transaction.lsn.to_be_bytes());
        // A delete is then as many removals as other writes, which a full disk takes: see `Batch::commit`.
        if transaction.next_number != container.state().next_number() {
            batch.insert(&self.lsns, numbers_key(container), transaction.next_number.to_be_bytes());
        }
        Ok(())
    }

    /// Writes those items that are of an earlier version in today's form, and the number of the next new one.
    ///
    /// # Errors
    /// When the store fails; then nothing was changed.
    pub(in crate::cosmos) fn renew(
        &self,
        container: &Container,
        range: &str,
        items: &[Loaded],
        next_number: u64,
    ) -> Result<(), Error> {
        if !items.iter().any(|loaded| loaded.is_outdated) {
            return Ok(());
        }
        let rid = container.id.to_string();
        let mut batch = self.storage.batch();
        for Loaded { item, .. } in items.iter().filter(|loaded| loaded.is_outdated) {
            batch.insert(&self.items, row_key(&rid, range, item.version), row(item)?);
        }
        batch.insert(&self.lsns, numbers_key(container), next_number.to_be_bytes());
        Ok(batch.commit()?)
    }

    /// Removes every row of a container.
    fn forget(&self, batch: &mut Batch, container: &Container) -> Result<(), Error> {
        let prefix = format!("{}/", container.id);
        for keyspace in [&self.items, &self.lsns] {
            for guard in keyspace.prefix(&prefix) {
                batch.remove(keyspace, guard.key().map_err(StorageError::from)?);
            }
        }
        Ok(())
    }
}

fn item(
    container: &Container,
    head: Head,
    body: bytes::Bytes,
    version: Version,
    next_number: &mut u64,
) -> Result<Loaded, String> {
    let Head { id, effective, partition_key, at_millis, etag, number, ttl } = head;
    let is_outdated = number.is_none() || effective.is_none();
    let effective = match (effective, partition_key) {
        (Some(effective), _) => effective,
        (None, Some(header)) => item_key::effective(&container.partition_key, &item_key::of_header(&header)?),
        (None, None) => return Err("it has no partition key".to_owned()),
    };
    let (text, ttl) = if is_outdated {
        let document = Document::stored(&body).map_err(|refusal| refusal.message)?;
        (document.text, document.ttl)
    } else {
        (body, ttl)
    };
    let number = number.unwrap_or_else(|| {
        *next_number += 1;
        *next_number - 1
    });
    let key = ItemKey::new(&effective, &id);
    Ok(Loaded { item: Item { key, number, etag: etag.into(), at_millis, version, ttl, text }, is_outdated })
}

fn row(item: &Item) -> Result<Vec<u8>, Error> {
    let head = Head {
        id: item.key.id().to_owned(),
        effective: Some(item.key.effective().to_owned()),
        partition_key: None,
        at_millis: item.at_millis,
        etag: item.etag.to_string(),
        number: Some(item.number),
        ttl: item.ttl,
    };
    framed::encode(&head, &item.text).map_err(|error| unreadable(&error))
}

/// Key of an item's row; no other version of any item ever has it.
fn row_key(rid: &str, range: &str, version: Version) -> Vec<u8> {
    let mut key = prefix_of(rid, range);
    key.extend_from_slice(&version.lsn.to_be_bytes());
    key.extend_from_slice(&version.index.to_be_bytes());
    key
}

fn numbers_key(container: &Container) -> String {
    format!("{}/documents", container.id)
}

fn prefix_of(rid: &str, range: &str) -> Vec<u8> {
    format!("{rid}/{range}/").into_bytes()
}

fn version_of(key: &[u8]) -> Option<Version> {
    let (lsn, index) = key.split_first_chunk::<8>()?;
    Some(Version { lsn: u64::from_be_bytes(*lsn), index: u16::from_be_bytes(index.try_into().ok()?) })
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::Unreadable { what: "a new row".to_owned(), reason: error.to_string() }
}
