//! Container `analytics/anomalies`: document `state` is what the detector remembers, `current` the list of anomalies that operators see.

use serde::de::DeserializeOwned;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored, Versioned, write_if_newer},
    domain::anomaly::memory::{CURRENT, List, Memory, STATE},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "anomalies" };

/// The detector's documents.
pub struct AnomalyDocuments(Container);

impl AnomalyDocuments {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// What the detector remembers.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn memory(&self) -> Result<Option<Stored<Memory>>, CosmosError> {
        self.0.read(STATE, STATE).await
    }

    /// Creates what the detector remembers, or replaces it as it was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write_memory(&self, memory: &Memory, etag: Option<&str>) -> Result<String, CosmosError> {
        self.0.write_unchanged(STATE, STATE, memory, etag).await
    }

    /// The list, as far as `T` reads it.
    ///
    /// # Errors
    /// If the service fails, or the list has not the shape of `T`.
    pub async fn list<T: DeserializeOwned>(&self) -> Result<Option<T>, CosmosError> {
        Ok(self.0.read(CURRENT, CURRENT).await?.map(|stored| stored.value))
    }

    /// Writes the list, unless what is stored is as new.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write_list(&self, list: &List) -> Result<(), CosmosError> {
        write_if_newer(&self.0, CURRENT, CURRENT, list).await.map(drop)
    }
}

impl AnomalyDocuments {
    /// Writes the list in place of whatever is stored, also of one that is newer: that was of minutes which have not come yet.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn replace_list(&self, list: &List) -> Result<(), CosmosError> {
        self.0.upsert(CURRENT, CURRENT, list).await
    }
}

impl Versioned for List {
    fn version(&self) -> (i64, i64) {
        (self.at.unix_timestamp(), 0)
    }
}
