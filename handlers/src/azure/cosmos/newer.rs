//! Versioned writes: writing what is newer than what is stored.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    container::Container,
    error::{CosmosError, CosmosErrorKind},
    races::repeat_lost_races,
};

/// A document that knows how new it is.
pub trait Versioned {
    /// Revision and hub sequence number, compared in this order.
    fn version(&self) -> (i64, i64);
}

/// What [`write_if_newer`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The document is stored.
    Yes,
    /// What is stored is as new or newer.
    No,
}

/// Stores `document` unless the stored one is as new or newer: safe to repeat, and in any order.
///
/// # Errors
/// As [`CosmosErrorKind`] says; lost races come out as `Transient`.
pub async fn write_if_newer<T: Versioned + Serialize + DeserializeOwned>(
    container: &Container,
    partition_key: &str,
    id: &str,
    document: &T,
) -> Result<Written, CosmosError> {
    let written = repeat_lost_races(|| async {
        let etag = match container.read::<T>(partition_key, id).await? {
            Some(stored) if stored.value.version() >= document.version() => return Ok(Written::No),
            stored => stored.map(|stored| stored.etag),
        };
        container.write_unchanged(partition_key, id, document, etag.as_deref()).await.map(|_| Written::Yes)
    });
    written.await.map_err(|error| match error.is_lost_race() {
        true => CosmosError { kind: CosmosErrorKind::Transient, ..error },
        false => error,
    })
}
