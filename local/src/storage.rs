//! The one durable store under the whole stack: an embedded, crash-safe key-value engine (fjall).
//!
//! Hubs, blobs, subscriptions, schemas and the Cosmos journal all keep their state here, so there is one answer to
//! "what survives": a committed [`Batch`] survives `kill -9` of the stack, and with [`Sync::Always`] a power cut too.
//! A torn tail is cut off by the engine when it opens.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};

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
            .open()
            .map_err(|source| StorageError::Open { path: directory.display().to_string(), source })?;
        Ok(Self { db, sync })
    }

    /// A named room of the store, created on first use.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, StorageError> {
        Ok(self.db.keyspace(name, KeyspaceCreateOptions::default)?)
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
