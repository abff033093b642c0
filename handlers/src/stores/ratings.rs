//! Container `site/ratings`: what customers make of a product, one document a product, its id the product's.

use crate::{
    azure::cosmos::{
        Container, ContainerName, Cosmos, CosmosError, Versioned, Written, repeat_lost_races, write_if_newer,
    },
    domain::{feedback::rating::ProductRating, product::ProductId},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "ratings" };

/// The ratings.
pub struct Ratings(Container);

impl Ratings {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A product's rating.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, product: &ProductId) -> Result<Option<ProductRating>, CosmosError> {
        Ok(self.0.read(product.as_str(), product.as_str()).await?.map(|stored| stored.value))
    }

    /// Writes a rating, unless what is stored is of as late a revision.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, rating: &ProductRating) -> Result<Written, CosmosError> {
        write_if_newer(&self.0, rating.id.as_str(), rating.id.as_str(), rating).await
    }

    /// Writes a rating in place of one that differs, unless that is of a later revision; whether it did.
    ///
    /// # Errors
    /// If the service fails, or others write it all the time. Repeating is safe.
    pub async fn mend(&self, rating: &ProductRating) -> Result<bool, CosmosError> {
        let id = rating.id.as_str();
        repeat_lost_races(|| async {
            let stored = self.0.read::<ProductRating>(id, id).await?;
            if stored.as_ref().is_some_and(|it| it.value.revision > rating.revision || it.value == *rating) {
                return Ok(false);
            }
            let etag = stored.map(|stored| stored.etag);
            self.0.write_unchanged(id, id, rating, etag.as_deref()).await.map(|_| true)
        })
        .await
    }
}

impl Versioned for ProductRating {
    fn version(&self) -> (i64, i64) {
        (self.revision, 0)
    }
}
