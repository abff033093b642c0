//! Delivery queue: what is pending, in the store and not in memory.
//!
//! An entry's key is subscription, due time, ticket: reading a subscription's range from its start yields what is due,
//! oldest first, and the first key that is not tells when to look again. A retry moves the entry to a later key. So the
//! schedule survives a restart, and memory does not grow with the backlog.

mod entry;

use std::sync::atomic::{AtomicU64, Ordering};

use fjall::Keyspace;

pub(crate) use self::entry::{Dead, Header, LastAttempt, Pending, Position};
use self::entry::{decode, encode};
use super::error::Error;
use crate::storage::{Batch, Storage};

/// Dead letters are written together: so many events, or bytes, to a blob,
const DEAD_LETTERS: Limits = Limits { events: 1000, bytes: 4 << 20 };
/// and those too whose time comes so soon after the first one's.
const DEAD_LETTERS_AHEAD_MILLIS: u64 = 10_000;
/// Entries to be delivered that are passed over in a look for more dead letters.
const PASSED_OVER: usize = 10_000;
/// Bits of a ticket that count within one start of the stack; the bits above number the start.
const COUNTER_BITS: u32 = 40;
const EPOCH_KEY: &str = "epoch";

/// What a subscription should do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// These are due. To deliver: in a row, with the same number of attempts. Dead letters: others may lie between them.
    Due(Vec<Pending>),
    /// Nothing before this time, in milliseconds.
    At(i64),
    Empty,
}

/// How much to take at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) events: usize,
    /// A single larger event is taken alone.
    pub(crate) bytes: usize,
}

/// The pending deliveries of all subscriptions.
#[derive(Clone)]
pub(crate) struct Queue {
    storage: Storage,
    pending: Keyspace,
    tickets: std::sync::Arc<AtomicU64>,
}

impl Queue {
    /// Opens the queue; every start takes a new range of tickets, so none is given twice.
    pub(crate) fn open(storage: &Storage) -> Result<Self, Error> {
        let failed = "open its queue";
        let meta = storage.keyspace("event-grid-meta").map_err(Error::storage(failed))?;
        let pending = storage.keyspace("event-grid-pending").map_err(Error::storage(failed))?;
        let last = meta.get(EPOCH_KEY).map_err(Error::storage(failed))?;
        let last = last.and_then(|bytes| <[u8; 8]>::try_from(&*bytes).ok()).map_or(0, u64::from_be_bytes);
        let epoch = last + 1;
        let mut batch = storage.batch();
        batch.insert(&meta, EPOCH_KEY, epoch.to_be_bytes());
        batch.commit().map_err(Error::storage(failed))?;
        Ok(Self {
            storage: storage.clone(),
            pending,
            tickets: std::sync::Arc::new(AtomicU64::new(epoch << COUNTER_BITS)),
        })
    }

    /// A number that grows, also over restarts.
    pub(crate) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn batch(&self) -> Batch {
        self.storage.batch()
    }

    /// Adds an entry to `batch`; it exists once the batch is committed.
    pub(crate) fn stage(
        &self,
        batch: &mut Batch,
        subscription: u64,
        due_millis: i64,
        header: &Header,
        body: &[u8],
    ) -> Result<Position, Error> {
        let due = u64::try_from(due_millis).unwrap_or(0);
        let position = Position::new(subscription, due, self.ticket());
        batch.insert(&self.pending, position.0, encode(header, body)?);
        Ok(position)
    }

    /// What is due for `subscription` at `now_millis`, from `cursor` on, leaving out what `busy` says is under way.
    pub(crate) fn next(
        &self,
        subscription: u64,
        cursor: Position,
        now_millis: i64,
        limits: Limits,
        busy: impl Fn(&Position) -> bool,
    ) -> Result<Next, Error> {
        let failed = "read its queue";
        let (mut now, mut limits) = (u64::try_from(now_millis).unwrap_or(0), limits);
        let end = Position::start_of(subscription + 1);
        let mut due: Vec<Pending> = Vec::new();
        let (mut bytes, mut passed_over) = (0, 0);
        for entry in self.pending.range(cursor.0..end.0) {
            let (key, value) = entry.into_inner().map_err(Error::storage(failed))?;
            let Ok(key) = <[u8; 24]>::try_from(&*key) else { continue };
            let position = Position(key);
            if busy(&position) {
                continue;
            }
            if position.due_millis() > now {
                if due.is_empty() {
                    return Ok(Next::At(i64::try_from(position.due_millis()).unwrap_or(i64::MAX)));
                }
                break;
            }
            let pending = decode(position, &value)?;
            match due.first().map(|first| &first.header) {
                None if pending.header.dead.is_some() => {
                    limits = DEAD_LETTERS;
                    now = now.saturating_add(DEAD_LETTERS_AHEAD_MILLIS);
                }
                Some(first) if first.dead.is_some() && pending.header.dead.is_none() => {
                    passed_over += 1;
                    if passed_over > PASSED_OVER {
                        break;
                    }
                    continue;
                }
                Some(first)
                    if bytes + pending.body.len() > limits.bytes
                        || first.schema != pending.header.schema
                        || first.dead.is_some() != pending.header.dead.is_some()
                        || (first.dead.is_none() && first.attempts != pending.header.attempts) =>
                {
                    break;
                }
                None | Some(_) => {}
            }
            bytes += pending.body.len();
            due.push(pending);
            if due.len() >= limits.events {
                break;
            }
        }
        Ok(if due.is_empty() { Next::Empty } else { Next::Due(due) })
    }

    /// Forgets entries that are done. Not flushed to the disk: a lost removal is one more delivery.
    pub(crate) fn complete(&self, done: &[Position]) -> Result<(), Error> {
        let mut batch = self.batch();
        for position in done {
            batch.remove_weak(&self.pending, position.0);
        }
        batch.commit_unsynced().map_err(Error::storage("remove a finished delivery"))
    }

    /// Moves entries to a later time with what was learnt; returns the first new position.
    pub(crate) fn reschedule(&self, entries: &[Pending], due_millis: i64) -> Result<Option<Position>, Error> {
        let mut batch = self.batch();
        let mut first: Option<Position> = None;
        for entry in entries {
            batch.remove_weak(&self.pending, entry.position.0);
            let position =
                self.stage(&mut batch, entry.position.subscription(), due_millis, &entry.header, &entry.body)?;
            first = Some(first.map_or(position, |first| first.min(position)));
        }
        batch.commit().map_err(Error::storage("put a delivery off"))?;
        Ok(first)
    }

    /// Drops everything that belongs to `subscription`.
    pub(crate) fn purge(&self, subscription: u64) -> Result<(), Error> {
        let failed = "drop the deliveries of a deleted subscription";
        let range = Position::start_of(subscription).0..Position::start_of(subscription + 1).0;
        let mut batch = self.batch();
        for entry in self.pending.range(range) {
            batch.remove_weak(&self.pending, entry.key().map_err(Error::storage(failed))?);
        }
        batch.commit_unsynced().map_err(Error::storage(failed))
    }

    /// Drops what a crash left behind of subscriptions that no longer exist.
    pub(crate) fn purge_all_but(&self, known: impl Fn(u64) -> bool) -> Result<(), Error> {
        let mut from = Position::start_of(0);
        while let Some(entry) = self.pending.range(from.0..).next() {
            let key = entry.key().map_err(Error::storage("read its queue"))?;
            let Ok(key) = <[u8; 24]>::try_from(&*key) else { break };
            let subscription = Position(key).subscription();
            if !known(subscription) {
                self.purge(subscription)?;
            }
            from = Position::start_of(subscription + 1);
        }
        Ok(())
    }
}
