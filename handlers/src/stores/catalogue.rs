//! Container `catalog/products`: products as staff maintain them, one document a product, its id the product's. The system of record.

use serde::Serialize;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::{
        lag::Lease,
        product::{Product, ProductId},
        trace_context::TraceContext,
    },
};

/// The container. The change feed that `ProductChanges` reads is of it.
pub const NAME: ContainerName = ContainerName { database: "catalog", container: "products" };

/// Where the Cosmos DB trigger keeps how far it read that feed.
pub const LEASES: ContainerName = ContainerName { database: "catalog", container: "leases" };

/// What a lease says of progress; the trigger keeps other documents there too.
const PROGRESS: &str = "SELECT c.LeaseToken, c.ContinuationToken FROM c WHERE IS_DEFINED(c.LeaseToken)";

/// A product as it is stored. Member `trace` ([`crate::domain::trace_context::MEMBER`]) is of its last change.
#[derive(Serialize)]
struct Traced<'a> {
    #[serde(flatten)]
    product: &'a Product,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a TraceContext>,
}

/// The catalogue and the leases of its feed.
pub struct Catalogue {
    products: Container,
    leases: Container,
}

impl Catalogue {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { products: cosmos.container(NAME), leases: cosmos.container(LEASES) }
    }

    /// A product.
    ///
    /// # Errors
    /// If the service fails, or what is stored is no product.
    pub async fn read(&self, id: &ProductId) -> Result<Option<Stored<Product>>, CosmosError> {
        self.products.read(id.as_str(), id.as_str()).await
    }

    /// Creates a product, or replaces it as it was read under `etag`. What its change causes is of `trace`.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write(
        &self,
        product: &Product,
        etag: Option<&str>,
        trace: Option<&TraceContext>,
    ) -> Result<(), CosmosError> {
        let id = product.id.as_str();
        self.products.write_unchanged(id, id, &Traced { product, trace }, etag).await.map(drop)
    }

    /// The present session token of each physical partition: where the feed ends.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn session_tokens(&self) -> Result<Vec<String>, CosmosError> {
        self.products.session_tokens().await
    }

    /// How far the feed was read.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn leases(&self) -> Result<Vec<Lease>, CosmosError> {
        self.leases.query(PROGRESS).await
    }
}
