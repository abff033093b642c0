//! Progress: how far the capture of a partition is, durably.

use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use super::CaptureError;
use crate::storage::{Storage, StorageError};

/// The present window of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Start of the window, whole seconds since the Unix epoch.
    pub(super) window_start: i64,
    /// Sequence number of the first event that is in no file yet.
    pub(super) next: i64,
    /// Set while the window's file is being written.
    pub(super) closing: Option<Closing>,
}

/// How a window ends, decided once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    /// Sequence number behind the window's last event.
    pub(super) end: i64,
    /// Start of the window after it.
    pub(super) next_window_start: i64,
}

pub(super) struct ProgressStore {
    storage: Storage,
    keyspace: Keyspace,
    /// `hub/partition`.
    key: String,
}

impl ProgressStore {
    pub(super) fn open(storage: &Storage, hub: &str, partition: &str) -> Result<Self, CaptureError> {
        let key = format!("{}/{partition}", hub.to_lowercase());
        let keyspace = storage.keyspace("event-hubs-capture");
        let keyspace = keyspace.map_err(|source| CaptureError::Progress { partition: key.clone(), source })?;
        Ok(Self { storage: storage.clone(), keyspace, key })
    }

    /// Hub and partition, for messages.
    pub(super) fn partition(&self) -> &str {
        &self.key
    }

    pub(super) fn load(&self) -> Result<Option<Progress>, CaptureError> {
        let stored = self.keyspace.get(&self.key).map_err(|source| self.failed(source))?;
        // What is unreadable was written by nobody; capture then starts anew, as on a new hub.
        Ok(stored.and_then(|bytes| contoso_json::from_slice(&bytes).ok()))
    }

    pub(super) fn save(&self, progress: &Progress) -> Result<(), CaptureError> {
        // Numbers only: serialisation has nothing to fail on.
        let value = serde_json::to_vec(progress).unwrap_or_default();
        let mut batch = self.storage.batch();
        batch.insert(&self.keyspace, self.key.as_bytes(), value);
        batch.commit().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: impl Into<StorageError>) -> CaptureError {
        CaptureError::Progress { partition: self.key.clone(), source: source.into() }
    }
}
