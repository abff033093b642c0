//! Container `site/health`: how late everything is, measured by `Heartbeat`. Document `current` is the last measurement, `recent` the amounts
//! of the last ones, of which rates are made.

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Versioned, write_if_newer},
    domain::{
        lag::{CURRENT, Health},
        rates::{Measurement, RECENT, Recent},
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "health" };

/// What was measured.
pub struct HealthDocuments(Container);

impl HealthDocuments {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// The last measurement.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn current(&self) -> Result<Option<Health>, CosmosError> {
        Ok(self.0.read(CURRENT, CURRENT).await?.map(|stored| stored.value))
    }

    /// The amounts of the last measurements.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn recent(&self) -> Result<Recent, CosmosError> {
        Ok(self.0.read(RECENT, RECENT).await?.map(|stored| stored.value).unwrap_or_default())
    }

    /// Keeps a measurement, unless a newer one is there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, health: &Health) -> Result<(), CosmosError> {
        write_if_newer(&self.0, CURRENT, CURRENT, health).await.map(drop)
    }

    /// Adds to the last measurements. Two runs at once may lose one of them, which the next rate does not miss.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn add(&self, measurement: Measurement) -> Result<(), CosmosError> {
        let recent = self.recent().await?.with(measurement);
        self.0.upsert(RECENT, RECENT, &recent).await
    }
}

impl Versioned for Health {
    fn version(&self) -> (i64, i64) {
        (self.at.unix_timestamp(), i64::from(self.at.nanosecond()))
    }
}
