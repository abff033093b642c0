//! Container `site/price-alerts`: the last fall of each product's price, one document a product, its id the product's. Documents expire
//! after a week: an old fall is no news.

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Versioned, Written, write_if_newer},
    domain::price_alert::PriceAlert,
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "price-alerts" };

/// How long the container keeps a document after its last write.
pub const KEPT: time::Duration = time::Duration::days(7);

/// The alerts.
pub struct PriceAlerts(Container);

impl PriceAlerts {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Writes an alert, unless what is stored is as new.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, alert: &PriceAlert) -> Result<Written, CosmosError> {
        let (partition_key, id) = (alert.id.as_str(), alert.id.as_str());
        write_if_newer(&self.0, partition_key, id, alert).await
    }
}

impl Versioned for PriceAlert {
    fn version(&self) -> (i64, i64) {
        (self.stamp.revision, self.stamp.sequence)
    }
}
