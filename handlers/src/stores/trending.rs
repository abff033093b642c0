//! Container `site/trending`: what is viewed most and what is rising, in the whole shop (document [`ALL`]) and in each category.

use contoso_json::Plain;
use serde::de::DeserializeOwned;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError},
    domain::trends::board::{ALL, TrendingDocument},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "trending" };

/// The lists of what is trending.
pub struct TrendingLists(Container);

impl TrendingLists {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// The list of the whole shop, as far as `T` reads it.
    ///
    /// # Errors
    /// If the service fails, or the list has not the shape of `T`.
    pub async fn all<T: DeserializeOwned>(&self) -> Result<Option<T>, CosmosError> {
        Ok(self.0.read(ALL, ALL).await?.map(|stored| stored.value))
    }

    /// A list as it is stored, whatever that is.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn document(&self, id: &str) -> Result<Option<Plain>, CosmosError> {
        Ok(self.0.read(id, id).await?.map(|stored| stored.value))
    }

    /// Writes a list, whatever is there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, list: &TrendingDocument) -> Result<(), CosmosError> {
        self.0.upsert(&list.id, &list.id, list).await
    }
}
