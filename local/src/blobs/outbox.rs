//! Outbox of new blobs, for whoever raises `Microsoft.Storage.BlobCreated` from it.
//!
//! The news is part of the commit that makes the blob visible, is handed on before the write is acknowledged, and is
//! forgotten only when the observer has taken it: after a crash in between it is handed on at the next start.

use std::sync::{Arc, PoisonError, RwLock};

use fjall::{Keyspace, UserKey};
use serde::{Deserialize, Serialize};

use super::{error::Failure, etag::Etag};
use crate::storage::{Batch, Storage, StorageError};

/// A blob was created or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobCreated {
    /// Its container.
    pub container: String,
    /// Its name within the container.
    pub name: String,
    /// Its entity tag without quotes, `0x8D…`; tags of one account only grow, so they also order events of one blob.
    pub etag: String,
    /// Its content type.
    pub content_type: String,
    /// Its length in bytes.
    pub length: u64,
    /// The operation that created it.
    pub api: Api,
    /// Its address.
    pub url: String,
    /// `x-ms-request-id` of the operation.
    pub request_id: String,
    /// `x-ms-client-request-id` of the operation, where the client sent one.
    pub client_request_id: Option<String>,
}

/// Operations that create blobs. A variant's name is what events call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Api {
    /// The blob came in one piece.
    PutBlob,
    /// The blob was put together from blocks.
    PutBlockList,
    /// The blob was copied.
    CopyBlob,
}

impl Api {
    /// As events spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PutBlob => "PutBlob",
            Self::PutBlockList => "PutBlockList",
            Self::CopyBlob => "CopyBlob",
        }
    }
}

/// Takes the news of a new blob. It must keep it before it answers `Ok`; it may get the same news again.
pub type Observer = Arc<dyn Fn(&BlobCreated) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// News under the tag that orders it.
pub(super) struct Pending {
    pub(super) etag: Etag,
    pub(super) event: BlobCreated,
}

pub(super) struct Outbox {
    storage: Storage,
    pending: Keyspace,
    observer: RwLock<Option<Observer>>,
}

impl Outbox {
    pub(super) fn open(storage: &Storage) -> Result<Self, StorageError> {
        Ok(Self { storage: storage.clone(), pending: storage.keyspace("blobs.outbox")?, observer: RwLock::default() })
    }

    fn observer(&self) -> Option<Observer> {
        self.observer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the news to `batch`. Without an observer there is nobody to keep it for.
    pub(super) fn keep(&self, batch: &mut Batch, news: &Pending) -> Result<(), Failure> {
        if self.observer().is_none() {
            return Ok(());
        }
        let value = serde_json::to_vec(&news.event)
            .map_err(|source| Failure::Corrupt { what: "BlobCreated event".to_owned(), source: source.into() })?;
        batch.insert(&self.pending, news.etag.to_bytes(), value);
        Ok(())
    }

    /// Hands committed news on.
    pub(super) fn hand_on(&self, news: &Pending) -> Result<(), Failure> {
        let Some(observer) = self.observer() else { return Ok(()) };
        observer(&news.event).map_err(Failure::Observer)?;
        self.forget(news.etag.to_bytes())
    }

    /// Not flushed to the disk: news that come back are handed on once more.
    fn forget(&self, key: impl Into<UserKey>) -> Result<(), Failure> {
        let mut batch = self.storage.batch();
        batch.remove(&self.pending, key);
        Ok(batch.commit_unsynced()?)
    }

    pub(super) fn forget_observer(&self) {
        *self.observer.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Sets the observer and hands it what an earlier run could not hand on.
    pub(super) fn observe(&self, observer: Observer) -> Result<(), Failure> {
        for entry in self.pending.iter() {
            let (key, value) = entry.into_inner()?;
            let event = contoso_json::from_slice(&value)
                .map_err(|source| Failure::Corrupt { what: "BlobCreated event".to_owned(), source: source.into() })?;
            observer(&event).map_err(Failure::Observer)?;
            self.forget(key)?;
        }
        *self.observer.write().unwrap_or_else(PoisonError::into_inner) = Some(observer);
        Ok(())
    }
}
