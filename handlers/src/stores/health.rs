//! Container `site/health`: how late everything is, measured by `Heartbeat`. Document `current` is the last measurement, `recent` the amounts
//! of the last ones, of which rates are made. Apps that share the functions among them have documents of their own, with their name
//! behind a dot: each app knows only how far it is itself.

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
pub struct HealthDocuments {
    container: Container,
    /// Ids of this app's documents.
    current: String,
    recent: String,
}

impl HealthDocuments {
    /// Of the app named `app`, or of the only one.
    pub(super) fn new(cosmos: &Cosmos, app: Option<&str>) -> Self {
        let own = |id: &str| app.map_or_else(|| id.to_owned(), |app| format!("{id}.{app}"));
        Self { container: cosmos.container(NAME), current: own(CURRENT), recent: own(RECENT) }
    }

    /// The last measurement of all apps.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn current(&self) -> Result<Option<Health>, CosmosError> {
        Ok(Health::together(self.container.query("SELECT * FROM c WHERE STARTSWITH(c.id, 'current')").await?))
    }

    /// The amounts of the last measurements of all apps.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn recent(&self) -> Result<Recent, CosmosError> {
        Ok(Recent::together(self.container.query("SELECT * FROM c WHERE STARTSWITH(c.id, 'recent')").await?))
    }

    /// Keeps a measurement of this app, unless a newer one is there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, mut health: Health) -> Result<(), CosmosError> {
        health.id.clone_from(&self.current);
        write_if_newer(&self.container, &self.current, &self.current, &health).await.map(drop)
    }

    /// Adds to this app's last measurements. Two runs at once may lose one of them, which the next rate does not miss.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn add(&self, measurement: Measurement) -> Result<(), CosmosError> {
        let kept = self.container.read::<Recent>(&self.recent, &self.recent).await?;
        let kept = kept.map(|stored| stored.value).unwrap_or_default();
        let recent = Recent { id: self.recent.clone(), ..kept.with(measurement) };
        self.container.upsert(&self.recent, &self.recent, &recent).await
    }
}

impl Versioned for Health {
    fn version(&self) -> (i64, i64) {
        (self.at.unix_timestamp(), i64::from(self.at.nanosecond()))
    }
}
