//! The one durable store under the whole stack: an embedded, crash-safe key-value engine (fjall).
//!
//! Hubs, blobs, subscriptions, schemas and the Cosmos journal all keep their state here, so there is one answer to
//! "what survives": a committed [`Batch`] survives `kill -9` of the stack, and with [`Sync::Always`] a power cut too.
//! A torn tail is cut off when the store opens; other damage refuses to open. A full disk refuses writes while there is
//! still room to tidy up in, and a write that fails all the same stops the store until the next start.

mod batch;
mod commits;
mod create;
mod directory;
mod engine;
mod error;
mod file;
mod journal;
mod memtables;
mod mode;
mod private;
mod room;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};
use tokio::runtime::{Handle, RuntimeFlavor};

use self::{
    commits::Commits,
    engine::{engine, options},
    memtables::Memtables,
    room::Room,
};
pub use batch::{Batch, Ticket};
pub use error::StorageError;
pub(crate) use file::replace;
pub use mode::Sync;
pub use private::tighten;

/// Where the engine keeps its keyspaces, one directory each.
const KEYSPACES: &str = "keyspaces";

/// A handle on the open data directory; clones share it.
#[derive(Clone)]
pub struct Storage {
    db: Database,
    shared: Arc<Shared>,
}

/// What every handle and every batch of a store has in common.
struct Shared {
    sync: Sync,
    commits: Commits,
    memtables: Memtables,
    room: Room,
    keyspaces: PathBuf,
}

impl Storage {
    /// Opens or creates the store in `directory`, for its owner alone.
    ///
    /// # Errors
    /// When the directory cannot be created, is held by another process, or holds something unreadable.
    pub fn open(directory: &Path, sync: Sync) -> Result<Self, StorageError> {
        create::create(directory)?;
        tighten(directory).map_err(|source| StorageError::File {
            operation: "keep others out of",
            path: directory.to_owned(),
            source,
        })?;
        journal::recover(directory)?;
        create::note_mode(directory, sync)?;
        let db = engine(directory)?;
        let keyspaces = directory.join(KEYSPACES);
        if sync == Sync::Always {
            // A keyspace made without it may still lack its place on the disk.
            directory::sync(&keyspaces)?;
        }
        let commits = Commits::open(&db)?;
        Ok(Self {
            db,
            shared: Arc::new(Shared {
                sync,
                commits,
                memtables: Memtables::default(),
                room: Room::of(directory),
                keyspaces,
            }),
        })
    }

    /// A named room of the store, created on first use.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace, StorageError> {
        self.keyspace_with(name, options())
    }

    /// A named room for values of kilobytes and more, created on first use. They are written once, to files of their own,
    /// and only their places are sorted and merged: half the work and a third of the memory. A room keeps the form that
    /// it was created in.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn keyspace_of_large_values(&self, name: &str) -> Result<Keyspace, StorageError> {
        self.keyspace_with(name, options().with_kv_separation(Some(KvSeparationOptions::default())))
    }

    fn keyspace_with(&self, name: &str, options: KeyspaceCreateOptions) -> Result<Keyspace, StorageError> {
        let existed = self.db.keyspace_exists(name);
        let keyspace = self.db.keyspace(name, || options)?;
        if !existed && self.shared.sync == Sync::Always {
            // The engine flushes what is in the new directory, but not that there is one: without this a power cut
            // could take the keyspace away, with all that was flushed into it.
            directory::sync(&self.shared.keyspaces)?;
        }
        Ok(keyspace)
    }

    /// Whether the store would take a commit of `bytes` now: [`StorageError::Full`] or [`StorageError::Stopped`] where it
    /// would not. What `makes_room` may use some of the room that is kept free.
    ///
    /// # Errors
    /// The refusal that the commit would meet.
    pub fn check(&self, bytes: u64, makes_room: bool) -> Result<(), StorageError> {
        self.shared.commits.check()?;
        self.shared.room.check(bytes, makes_room)
    }

    /// Runs `work`, which may wait for the disk, without holding up the other tasks of a multi-threaded runtime.
    pub(crate) fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        match (self.shared.sync, flavor) {
            (Sync::Always, Ok(RuntimeFlavor::MultiThread)) => tokio::task::block_in_place(work),
            _ => work(),
        }
    }

    /// Resolves with the reason when a failed write has stopped the store; what was committed is recovered by opening it
    /// again.
    pub async fn stopped(&self) -> String {
        self.shared.commits.stopped().await
    }
}

#[cfg(test)]
mod tests;
