//! Memtables: what a keyspace gathers in memory before it is written in order to a file.
//!
//! The engine seals a memtable that has grown too large in a thread of its own, on a message that every write beyond the
//! limit sends again. Under many writers that thread gets the journal's lock late, its queue of a thousand fills with
//! repetitions, and at last its threads wait for room in the queue that only they could empty: from then on nothing is
//! flushed, and memory holds all that is written (fjall 3.1, `WorkerMessage::RotateMemtable` in `worker_pool.rs`). So
//! whoever writes seals it, before the engine would ask for it.

use std::sync::{Mutex, PoisonError};

use fjall::{AbstractTree, Keyspace};

use super::write::Write;

/// Bytes of a memtable that is sealed before the next write. The engine's own 64 MiB, for each of some dozens of keyspaces
/// and with up to four sealed ones beside them, would make the stack's memory follow what is stored.
const SEALED_AT: u64 = 6 << 20;

/// Bytes at which the engine asks for it: not reached, except in stores of old, which keep 8 MiB.
pub(super) const ENGINE_ASKS_AT: u64 = 64 << 20;

/// Seals what has grown, one at a time.
#[derive(Default)]
pub(super) struct Memtables(Mutex<()>);

impl Memtables {
    /// Seals the memtables that `writes` go to, where they are large enough. Call it before each commit.
    pub(super) fn make_room(&self, writes: &[Write]) -> fjall::Result<()> {
        let mut keyspaces: Vec<&Keyspace> = Vec::new();
        for keyspace in writes.iter().map(Write::keyspace) {
            if !keyspaces.iter().any(|seen| seen.id() == keyspace.id()) {
                keyspaces.push(keyspace);
            }
        }
        for keyspace in keyspaces.into_iter().filter(|keyspace| is_large(keyspace)) {
            let _turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if is_large(keyspace) {
                keyspace.rotate_memtable()?;
            }
        }
        Ok(())
    }
}

fn is_large(keyspace: &Keyspace) -> bool {
    keyspace.tree.active_memtable().size() >= SEALED_AT
}
