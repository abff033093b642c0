//! Container `site/products`: products as the site shows them, one document a product, its id the product's. Discontinued ones stay.

mod sold;

use contoso_json::Plain;

use self::sold::SoldCache;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::{
        product::{Category, ProductId},
        projection::ProductView,
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "products" };

/// Answered from the index, so it costs by what it finds.
const DISCONTINUED: &str = "SELECT VALUE c.id FROM c WHERE c.product.status = 'discontinued'";

/// The site's products.
pub struct Products {
    container: Container,
    /// What [`Products::category_if_sold`] answered lately.
    pub(crate) sold: SoldCache,
}

impl Products {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { container: cosmos.container(NAME), sold: SoldCache::default() }
    }

    /// A product, also if it is discontinued.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, id: &str) -> Result<Option<Stored<ProductView>>, CosmosError> {
        self.container.read(id, id).await
    }

    /// The category of a product, if it is sold. What is stored and cannot be read, no page can show either.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn category_if_sold(&self, id: &ProductId) -> Result<Option<Category>, CosmosError> {
        let stored = self.container.read::<Plain>(id.as_str(), id.as_str()).await?;
        let view = stored.and_then(|stored| serde_json::from_value::<ProductView>(stored.value.0).ok());
        Ok(view.filter(|view| !view.product.is_discontinued()).map(|view| view.product.content.category))
    }

    /// The ids of all products that are no longer sold.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn discontinued(&self) -> Result<Vec<ProductId>, CosmosError> {
        self.container.query(DISCONTINUED).await
    }

    /// Creates a product's document, or replaces it as it was read under `etag`.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write(&self, view: &ProductView, etag: Option<&str>) -> Result<(), CosmosError> {
        let id = view.id.as_str();
        self.container.write_unchanged(id, id, view, etag).await.map(drop)
    }
}
