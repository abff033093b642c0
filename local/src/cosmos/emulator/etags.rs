//! ETag aliases: ETags from before a restart stay valid.
//!
//! The emulator draws a random ETag at each write, at loading too. Clients keep ETags across a restart of the stack, so
//! for each living item the ETags it had in earlier lives stand for the one it has now: accepted until the item is
//! written, 412 afterwards, like any other. They are kept for the last [`LIVES`] lives; an older one is refused with 412,
//! which tells its holder to read again.

use std::collections::HashMap;

use fjall::Keyspace;

use crate::storage::{Storage, StorageError};

/// Restarts that an ETag outlives.
const LIVES: usize = 16;

/// A living item's last write, after a replay.
pub(in crate::cosmos) struct LastWrite {
    /// Key of the item's row, which no other version of any item has.
    pub(in crate::cosmos) row: Vec<u8>,
    /// The ETag the client was told then.
    pub(in crate::cosmos) original: String,
    /// The ETag of this life.
    pub(in crate::cosmos) current: String,
}

/// Earlier ETags by today's; unchanged after the start, so reading takes no lock.
#[derive(Default)]
pub(in crate::cosmos) struct EtagAliases {
    current: HashMap<String, String>,
}

impl EtagAliases {
    /// Loads the earlier ETags of `living`, and stores today's beside them before any client can learn of one.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::cosmos) fn recover(storage: &Storage, living: Vec<LastWrite>) -> Result<Self, StorageError> {
        let keyspace = storage.keyspace("cosmos-etags")?;
        let mut stored = load(&keyspace)?;
        let mut aliases = Self::default();
        let mut batch = storage.batch();
        for LastWrite { row, original, current } in living {
            let mut earlier = stored.remove(&row).unwrap_or_default();
            for etag in earlier.iter().chain([&original]) {
                aliases.current.insert(etag.clone(), current.clone());
            }
            earlier.push(current);
            let kept = earlier.split_off(earlier.len().saturating_sub(LIVES));
            batch.insert(&keyspace, row, kept.join("\n").into_bytes());
        }
        // What is left belongs to items that were written or deleted since.
        for row in stored.into_keys() {
            batch.remove(&keyspace, row);
        }
        batch.commit()?;
        Ok(aliases)
    }

    /// The ETag of this life that `etag` stands for, if it is one of an earlier life.
    pub(in crate::cosmos) fn resolve(&self, etag: &str) -> Option<&str> {
        self.current.get(etag).map(String::as_str)
    }

    /// Whether there are none, as on a fresh store.
    pub(in crate::cosmos) fn is_empty(&self) -> bool {
        self.current.is_empty()
    }
}

fn load(keyspace: &Keyspace) -> Result<HashMap<Vec<u8>, Vec<String>>, StorageError> {
    let mut stored = HashMap::new();
    for guard in keyspace.iter() {
        let (key, value) = guard.into_inner()?;
        stored.insert(key.to_vec(), String::from_utf8_lossy(&value).lines().map(str::to_owned).collect());
    }
    Ok(stored)
}
