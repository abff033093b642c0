//! Group commit: while one flush to the disk is under way, what is submitted gathers for the next one.
//!
//! Whoever waits first leads: it takes all that has gathered, writes it as one batch of the engine and flushes once for
//! all. The order of submission is the order in the store. Each group carries a number, and a group is written only when
//! the one before is on the disk: so the journal itself tells, when it opens, whether what is missing was acknowledged.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tokio::sync::watch;

use super::{StorageError, memtables::Memtables, write::Write};

/// The key of a group's number, told apart from every other key by its length alone.
pub(super) const NUMBER_KEY: &[u8] = b"number of the commit group\0of this store";

pub(super) struct Commits {
    keyspace: Keyspace,
    queue: Mutex<Queue>,
    stored: Condvar,
    /// Why nothing is written any more.
    stopped: watch::Sender<Option<String>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Write>,
    /// Number of the batch submitted last.
    submitted: u64,
    /// All batches up to this one are on the disk.
    stored: u64,
    /// Number of the group written last, across restarts.
    group: u64,
    led: bool,
}

impl Commits {
    pub(super) fn open(db: &Database) -> Result<Self, StorageError> {
        let keyspace = db.keyspace("commits", KeyspaceCreateOptions::default)?;
        let last = keyspace.get(NUMBER_KEY)?;
        let group = last.and_then(|value| value.first_chunk().copied()).map_or(0, u64::from_be_bytes);
        let queue = Mutex::new(Queue { group, ..Queue::default() });
        Ok(Self { keyspace, queue, stored: Condvar::new(), stopped: watch::Sender::new(None) })
    }

    pub(super) fn check(&self) -> Result<(), StorageError> {
        match &*self.stopped.borrow() {
            Some(reason) => Err(StorageError::Stopped { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    pub(super) async fn stopped(&self) -> String {
        let mut stopped = self.stopped.subscribe();
        match stopped.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            // The sender lives as long as this store does.
            Err(_) => std::future::pending().await,
        }
    }

    /// Passes a successful write of the engine on; a failed one stops the store, since what reached the disk is unknown.
    pub(super) fn note(&self, written: fjall::Result<()>) -> Result<(), StorageError> {
        written.map_err(|error| self.stop(&error))
    }

    fn stop(&self, error: &fjall::Error) -> StorageError {
        let reason = error.to_string();
        self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            if first {
                tracing::error!(%reason, "THE LOCAL STORE STOPPED: nothing is written until the stack starts again");
                *stopped = Some(reason.clone());
            }
            first
        });
        StorageError::Stopped { reason }
    }

    /// Queues a batch and returns its number.
    pub(super) fn submit(&self, writes: Vec<Write>) -> Result<u64, StorageError> {
        let mut queue = self.lock();
        self.check()?;
        queue.waiting.extend(writes);
        queue.submitted += 1;
        Ok(queue.submitted)
    }

    /// Waits until the batch with this number is on the disk, and writes a group where nobody else does.
    pub(super) fn wait(&self, db: &Database, memtables: &Memtables, number: u64) -> Result<(), StorageError> {
        let mut queue = self.lock();
        while queue.stored < number {
            self.check()?;
            queue = if queue.led {
                self.stored.wait(queue).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.lead(db, memtables, queue)?
            };
        }
        Ok(())
    }

    fn lead<'q>(
        &'q self,
        db: &Database,
        memtables: &Memtables,
        mut queue: MutexGuard<'q, Queue>,
    ) -> Result<MutexGuard<'q, Queue>, StorageError> {
        queue.led = true;
        queue.group += 1;
        let (writes, last, group) = (std::mem::take(&mut queue.waiting), queue.submitted, queue.group);
        drop(queue);
        let made_room = memtables.make_room(&writes);
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        Write::insert(&self.keyspace, NUMBER_KEY, group.to_be_bytes()).add_to(&mut batch);
        for write in writes {
            write.add_to(&mut batch);
        }
        let written = self.note(made_room.and_then(|()| batch.commit()));
        let mut queue = self.lock();
        queue.led = false;
        if written.is_ok() {
            queue.stored = last;
        }
        self.stored.notify_all();
        written.map(|()| queue)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No code that holds the lock leaves the queue half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
