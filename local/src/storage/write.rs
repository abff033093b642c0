//! One write of a batch.

use fjall::{Keyspace, OwnedWriteBatch, UserKey, UserValue};

/// One write.
pub(super) struct Write {
    pub(super) keyspace: Keyspace,
    pub(super) key: UserKey,
    pub(super) change: Change,
}

/// What becomes of the key.
pub(super) enum Change {
    Insert(UserValue),
    Remove,
    RemoveWeak,
}

impl Write {
    pub(super) fn insert(keyspace: &Keyspace, key: impl Into<UserKey>, value: impl Into<UserValue>) -> Self {
        Self { keyspace: keyspace.clone(), key: key.into(), change: Change::Insert(value.into()) }
    }

    pub(super) fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    pub(super) fn add_to(self, batch: &mut OwnedWriteBatch) {
        match self.change {
            Change::Insert(value) => batch.insert(&self.keyspace, self.key, value),
            Change::Remove => batch.remove(&self.keyspace, self.key),
            Change::RemoveWeak => batch.remove_weak(&self.keyspace, self.key),
        }
    }
}
