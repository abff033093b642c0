//! ETags from before a restart.
//!
//! The emulator draws a random ETag at each write, at replay too. Clients keep ETags across a restart of the stack, so
//! for each living item the ETags it had in earlier lives stand for the one it has now: accepted until the item is
//! written, 412 afterwards, like any other. They are kept per journal entry, for the last [`LIVES`] lives; an older one
//! is refused with 412, which tells its holder to read again.

use std::collections::HashMap;

use fjall::Keyspace;

use crate::storage::{Storage, StorageError};

/// Restarts that an ETag outlives.
const LIVES: usize = 16;

/// Place of an item's last write: entry of the journal, and item within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) item: u16,
}

/// A living item's last write, after a replay.
pub(super) struct LastWrite {
    pub(super) place: Place,
    /// The ETag the client was told then.
    pub(super) original: String,
    /// The ETag of this life.
    pub(super) current: String,
}

/// Earlier ETags by today's; unchanged after the start, so reading takes no lock.
#[derive(Default)]
pub(super) struct EtagAliases {
    current: HashMap<String, String>,
}

impl EtagAliases {
    /// Loads the earlier ETags of `living`, and stores today's beside them before any client can learn of one.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn recover(storage: &Storage, living: Vec<LastWrite>) -> Result<Self, StorageError> {
        let keyspace = storage.keyspace("cosmos-etags")?;
        let mut stored = load(&keyspace)?;
        let mut aliases = Self::default();
        let mut batch = storage.batch();
        for LastWrite { place, original, current } in living {
            let mut earlier = stored.remove(&place).unwrap_or_default();
            for etag in earlier.iter().chain([&original]) {
                aliases.current.insert(etag.clone(), current.clone());
            }
            earlier.push(current);
            let kept = earlier.split_off(earlier.len().saturating_sub(LIVES));
            batch.insert(&keyspace, place.to_key(), kept.join("\n").into_bytes());
        }
        // What is left belongs to items that were written or deleted since.
        for place in stored.into_keys() {
            batch.remove(&keyspace, place.to_key());
        }
        batch.commit()?;
        Ok(aliases)
    }

    /// The ETag of this life that `etag` stands for, if it is one of an earlier life.
    pub(super) fn resolve(&self, etag: &str) -> Option<&str> {
        self.current.get(etag).map(String::as_str)
    }

    /// Whether there are none, as on a fresh store.
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_empty()
    }
}

fn load(keyspace: &Keyspace) -> Result<HashMap<Place, Vec<String>>, StorageError> {
    let mut stored = HashMap::new();
    for guard in keyspace.iter() {
        let (key, value) = guard.into_inner()?;
        if let Some(place) = Place::from_key(&key) {
            stored.insert(place, String::from_utf8_lossy(&value).lines().map(str::to_owned).collect());
        }
    }
    Ok(stored)
}

impl Place {
    fn to_key(self) -> [u8; 10] {
        let mut key = [0; 10];
        key[..8].copy_from_slice(&self.sequence.to_be_bytes());
        key[8..].copy_from_slice(&self.item.to_be_bytes());
        key
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        let (sequence, item) = key.split_first_chunk::<8>()?;
        Some(Self { sequence: u64::from_be_bytes(*sequence), item: u16::from_be_bytes(item.try_into().ok()?) })
    }
}
