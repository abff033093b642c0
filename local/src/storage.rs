//! The one durable store under the whole stack: an embedded, crash-safe key-value engine (fjall).
//!
//! Hubs, blobs, subscriptions, schemas and the Cosmos journal all keep their state here, so there is one answer to
//! "what survives": a committed [`Batch`] survives `kill -9` of the stack, and with [`Sync::Always`] a power cut too.
//! A torn tail is cut off by the engine when it opens.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch, PersistMode};

/// Bytes that a keyspace gathers in memory before it writes them in order to a file. The engine's own 64 MiB, for each of
/// some dozens of keyspaces and with the ones being written beside them, would make the stack's memory follow what is
/// stored.
const MEMTABLE: u64 = 8 << 20;

/// Bytes of blocks that are kept for reading, for all keyspaces together. Readers at the end of a hub have a cache of
/// their own, and so has the operating system.
const CACHE: u64 = 16 << 20;

/// How far a commit reaches before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// Handed to the operating system: survives the death of the process.
    #[default]
    Process,
    /// Flushed to the disk: survives a power cut.
    Always,
}

/// The engine failed: the disk is full or broken, or the directory is in use. Nothing of the operation was stored.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Opening the data directory failed.
    #[error("cannot open the data directory {path}: is another stack using it?")]
    Open {
        /// The directory.
        path: String,
        /// What the engine said.
        source: fjall::Error,
    },
    /// A read or write failed.
    #[error("the local store failed: {0}; nothing was stored, repeating is safe")]
    Engine(#[from] fjall::Error),
}

/// A handle on the open data directory; clones share it.
#[derive(Clone)]
pub struct Storage {
    db: Database,
    sync: Sync,
}

/// Writes that become visible and durable together.
pub type Batch = OwnedWriteBatch;

impl Storage {
    /// Opens or creates the store in `directory`.
    ///
    /// # Errors
    /// When the directory cannot be created, is held by another process, or holds something unreadable.
    pub fn open(directory: &Path, sync: Sync) -> Result<Self, StorageError> {
        let db = Database::builder(directory)
            .cache_size(CACHE)
            .open()
            .map_err(|source| StorageError::Open { path: directory.display().to_string(), source })?;
        Ok(Self { db, sync })
    }

    /// A named room of the store, created on first use.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, StorageError> {
        Ok(self.db.keyspace(name, options)?)
    }

    /// A named room for values of kilobytes and more, created on first use. They are written once to files of their own,
    /// and only their places are sorted and merged: half the work and a third of the memory. A room keeps the form that
    /// it was created in.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keyspace_of_large_values(&self, name: &str) -> Result<Keyspace, StorageError> {
        let options = || options().with_kv_separation(Some(KvSeparationOptions::default()));
        Ok(self.db.keyspace(name, options)?)
    }

    /// An empty batch with this store's durability.
    #[must_use]
    pub fn batch(&self) -> Batch {
        self.db.batch().durability(Some(match self.sync {
            Sync::Process => PersistMode::Buffer,
            Sync::Always => PersistMode::SyncAll,
        }))
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE)
}
