//! Batch: writes that belong together.

use fjall::{Keyspace, PersistMode, UserKey, UserValue};

use super::{
    Storage, StorageError,
    mode::Sync,
    write::{Change, Write},
};

/// Writes that become visible and durable together.
pub struct Batch {
    storage: Storage,
    writes: Vec<Write>,
    /// Of what is inserted.
    bytes: u64,
    removals: usize,
    leads_to_removals: bool,
}

impl Storage {
    /// An empty batch with this store's durability.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }
}

impl Batch {
    fn new(storage: Storage) -> Self {
        Self { storage, writes: Vec::new(), bytes: 0, removals: 0, leads_to_removals: false }
    }

    /// Sets `key` of `keyspace` to `value`.
    pub fn insert(&mut self, keyspace: &Keyspace, key: impl Into<UserKey>, value: impl Into<UserValue>) {
        let write = Write::insert(keyspace, key, value);
        if let Change::Insert(value) = &write.change {
            self.bytes += (write.key.len() + value.len()) as u64;
        }
        self.writes.push(write);
    }

    /// Removes `key` from `keyspace`.
    pub fn remove(&mut self, keyspace: &Keyspace, key: impl Into<UserKey>) {
        self.removals += 1;
        self.writes.push(Write { keyspace: keyspace.clone(), key: key.into(), change: Change::Remove });
    }

    /// Removes a `key` that was set exactly once; cheaper than [`Batch::remove`].
    pub fn remove_weak(&mut self, keyspace: &Keyspace, key: impl Into<UserKey>) {
        self.removals += 1;
        self.writes.push(Write { keyspace: keyspace.clone(), key: key.into(), change: Change::RemoveWeak });
    }

    /// Says that removals will follow, so that the batch may use some of the room that is kept free: without it nobody
    /// could make room.
    pub fn leads_to_removals(&mut self) {
        self.leads_to_removals = true;
    }

    /// Stores everything, or nothing. It is visible and durable when this returns. May wait for the disk; on a
    /// multi-threaded runtime other tasks go on meanwhile.
    ///
    /// # Errors
    /// When the disk is full, or a write failed now or earlier.
    pub fn commit(self) -> Result<(), StorageError> {
        self.submit()?.wait()
    }

    /// Takes a place in the order of commits without waiting for the disk; batches are stored in the order in which they
    /// were submitted. What is submitted is visible and durable once [`Ticket::wait`] says so.
    ///
    /// # Errors
    /// When the disk is full, or a write failed now or earlier.
    pub fn submit(self) -> Result<Ticket, StorageError> {
        match self.storage.shared.sync {
            Sync::Process => self.write().map(|()| Ticket(None)),
            Sync::Always if self.writes.is_empty() => Ok(Ticket(None)),
            Sync::Always => {
                self.check()?;
                let shared = &self.storage.shared;
                let number = shared.commits.submit(self.writes)?;
                Ok(Ticket(Some((self.storage.clone(), number))))
            }
        }
    }

    /// Stores everything or nothing, without waiting for the disk in any mode: for what no client is told of, or what a
    /// later commit will vouch for. Visible when this returns, and durable with the next commit at the latest. It may
    /// overtake what is submitted.
    ///
    /// # Errors
    /// When the disk is full, or a write failed now or earlier.
    pub fn commit_unsynced(self) -> Result<(), StorageError> {
        match self.storage.shared.sync {
            Sync::Process => self.write(),
            // The engine's journal may be busy with flushing a commit.
            Sync::Always => self.storage.clone().blocking(|| self.write()),
        }
    }

    fn check(&self) -> Result<(), StorageError> {
        self.storage.shared.commits.check()?;
        let makes_room = self.leads_to_removals || self.removals * 2 >= self.writes.len();
        self.storage.shared.room.check(self.bytes, makes_room)
    }

    fn write(self) -> Result<(), StorageError> {
        self.check()?;
        let Storage { db, shared } = &self.storage;
        shared.commits.note(shared.memtables.make_room(&self.writes))?;
        let mut batch = db.batch().durability(Some(PersistMode::Buffer));
        for write in self.writes {
            write.add_to(&mut batch);
        }
        shared.commits.note(batch.commit())
    }
}

/// A place in the order of commits.
#[must_use = "nothing was acknowledged by the disk yet"]
pub struct Ticket(Option<(Storage, u64)>);

impl Ticket {
    /// Waits until the batch is stored, and all that were submitted before it.
    ///
    /// # Errors
    /// When the write failed.
    pub fn wait(self) -> Result<(), StorageError> {
        let Some((storage, number)) = self.0 else { return Ok(()) };
        storage.blocking(|| storage.shared.commits.wait(&storage.db, &storage.shared.memtables, number))
    }
}
