//! The table `AegDeliveryFailureLogs`: a row for every event of every failed attempt to deliver.

use std::sync::{Mutex, PoisonError};

use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use crate::storage::{Storage, StorageError};

/// Rows that are kept, the newest.
const KEPT: u64 = 20_000;

/// A failed attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryFailure {
    /// When the attempt began, in milliseconds since 1970.
    pub(crate) at_millis: i64,
    /// Resource id of the topic.
    pub(crate) topic: String,
    pub(crate) subscription: String,
    /// What the service says about it, in its own form.
    pub(crate) message: String,
}

/// The rows, by number. One that cannot be read is left out: a log is no reason to stop.
pub(super) struct Failures {
    storage: Storage,
    rows: Keyspace,
    numbers: Mutex<Numbers>,
}

/// The oldest row's number, and that of the next one.
struct Numbers {
    first: u64,
    next: u64,
}

impl Failures {
    pub(super) fn open(storage: &Storage) -> Result<Self, StorageError> {
        let rows = storage.keyspace("monitor-delivery-failures")?;
        let mut numbers = Numbers { first: 0, next: 0 };
        for (index, entry) in rows.iter().enumerate() {
            let (key, _) = entry.into_inner()?;
            let number = key.as_ref().try_into().map_or(0, u64::from_be_bytes);
            if index == 0 {
                numbers.first = number;
            }
            numbers.next = number + 1;
        }
        Ok(Self { storage: storage.clone(), rows, numbers: Mutex::new(numbers) })
    }

    pub(super) fn append(&self, failures: &[DeliveryFailure]) -> Result<(), StorageError> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut first, mut next) = (numbers.first, numbers.next);
        let mut batch = self.storage.batch();
        for value in failures.iter().filter_map(|failure| serde_json::to_vec(failure).ok()) {
            batch.insert(&self.rows, next.to_be_bytes(), value);
            next += 1;
        }
        while next - first > KEPT {
            batch.remove(&self.rows, first.to_be_bytes());
            first += 1;
        }
        batch.commit_unsynced()?;
        *numbers = Numbers { first, next };
        Ok(())
    }

    /// Whether the table exists: it does from its first row on.
    pub(super) fn exist(&self) -> bool {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.next > 0
    }

    /// The rows for which `wanted` holds, oldest first.
    pub(super) fn find(&self, wanted: impl Fn(&DeliveryFailure) -> bool) -> Result<Vec<DeliveryFailure>, StorageError> {
        let mut found = Vec::new();
        for entry in self.rows.iter() {
            let (_, value) = entry.into_inner()?;
            found.extend(contoso_json::from_slice(&value).ok().filter(&wanted));
        }
        Ok(found)
    }
}
