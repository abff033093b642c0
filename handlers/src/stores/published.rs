//! Container `catalog/published`: what was announced of each product, one document a product, its id the product's. The next event is stored
//! here before it is sent.

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::{product::ProductId, publication::Published},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "catalog", container: "published" };

/// What was announced.
pub struct PublishedStates(Container);

impl PublishedStates {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// What was announced of a product.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, id: &ProductId) -> Result<Option<Stored<Published>>, CosmosError> {
        self.0.read(id.as_str(), id.as_str()).await
    }

    /// Creates what is announced of a product, or replaces it as it was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write(&self, published: &Published, etag: Option<&str>) -> Result<String, CosmosError> {
        let id = published.id.as_str();
        self.0.write_unchanged(id, id, published, etag).await
    }
}
