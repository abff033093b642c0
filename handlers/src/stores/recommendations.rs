//! Container `site/recommendations`: `product|<id>` is what is viewed together with a product, `visitor|<id>` what a visitor may like; the
//! latter expire.

use contoso_json::Plain;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, CosmosErrorKind, Stored},
    domain::{click::VisitorId, product::ProductId, recommendation::lists::List},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "recommendations" };

/// Id and partition key of what is recommended to a visitor.
pub(crate) fn of_visitor(visitor: &VisitorId) -> String {
    format!("visitor|{visitor}")
}

/// Id and partition key of what is viewed together with a product.
pub(crate) fn of_product(product: &ProductId) -> String {
    format!("product|{product}")
}

/// The lists of products and visitors.
pub struct Recommendations(Container);

impl Recommendations {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A list.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, id: &str) -> Result<Option<Stored<List>>, CosmosError> {
        self.0.read(id, id).await
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
    pub async fn write(&self, list: &List) -> Result<(), CosmosError> {
        self.0.upsert(&list.id, &list.id, list).await
    }

    /// Replaces a list as it was read under `etag`; one that expired or was deleted meanwhile stays so.
    ///
    /// # Errors
    /// If the service fails, or the list changed.
    pub async fn replace(&self, list: &List, etag: &str) -> Result<(), CosmosError> {
        match self.0.replace(&list.id, &list.id, list, etag).await {
            Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
            written => written.map(drop),
        }
    }

    /// Deletes a list, if it is there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn delete(&self, id: &str) -> Result<(), CosmosError> {
        match self.0.delete(id, id, None).await {
            Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
            deleted => deleted,
        }
    }

    /// Ids of the lists of visitors in which one of `products` is; one may come more than once.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn of_visitors_with(&self, products: &[&ProductId]) -> Result<Vec<String>, CosmosError> {
        // A product id has no character that means anything in a query.
        let products: Vec<String> = products.iter().map(|product| format!("'{product}'")).collect();
        let with = format!(
            "SELECT VALUE c.id FROM c JOIN item IN c.items \
             WHERE STARTSWITH(c.id, 'visitor|') AND item.productId IN ({})",
            products.join(",")
        );
        self.0.query(&with).await
    }
}
