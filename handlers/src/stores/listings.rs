//! Container `site/listings`: products by category, a row for each product in each category it is or was in, the category the partition
//! key. Tombstones expire. In the partition [`CATEGORIES`] a row for each category that ever had a product.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::json;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Page, Versioned, Written, write_if_newer},
    domain::{
        product::{Category, ProductId},
        projection::{CATEGORIES, CategoryRow, Entry, ListingRow},
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "listings" };

/// Tombstones have no entry.
const LISTED: &str = "SELECT c.id, c.entry FROM c WHERE IS_DEFINED(c.entry) AND c.id > @after ORDER BY c.id";
const ANY_LISTED: &str = "SELECT c.id FROM c WHERE IS_DEFINED(c.entry)";
const NAMES: &str = "SELECT c.name FROM c ORDER BY c.name";

/// Rows of categories on a page.
const PAGE: NonZeroU32 = NonZeroU32::new(500).unwrap();

/// A product that is listed.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// Which.
    pub id: ProductId,
    /// What a list shows of it.
    pub entry: Entry,
}

/// The site's lists.
pub struct Listings(Container);

impl Listings {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Writes a row unless what is stored is as new.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn write(&self, row: &ListingRow) -> Result<Written, CosmosError> {
        write_if_newer(&self.0, row.category.as_str(), row.id.as_str(), row).await
    }

    /// Adds a category, or finds it there.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn add_category(&self, row: &CategoryRow) -> Result<(), CosmosError> {
        self.0.upsert(&row.category, &row.id.to_string(), row).await
    }

    /// A page of the products of a category in the order of their ids, from the first that is greater than `after`. The service may answer
    /// with fewer than there are.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn page(
        &self,
        category: &Category,
        after: &str,
        size: NonZeroU32,
        continuation: Option<&str>,
    ) -> Result<Page<Listed>, CosmosError> {
        let parameters = [("@after", json!(after))];
        self.0.query_partition(category.as_str(), LISTED, &parameters, size, continuation).await
    }

    /// Whether any product is listed in a category.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn is_any_in(&self, category: &Category) -> Result<bool, CosmosError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(rename = "id")]
            _id: ProductId,
        }
        let mut continuation = None;
        loop {
            let page = self
                .0
                .query_partition::<Found>(category.as_str(), ANY_LISTED, &[], NonZeroU32::MIN, continuation.as_deref())
                .await?;
            continuation = page.continuation;
            // The service may answer with less than there is.
            if !page.items.is_empty() || continuation.is_none() {
                return Ok(!page.items.is_empty());
            }
        }
    }

    /// The categories that products are or were listed in, in the order of their names, `most` at most.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn categories(&self, most: usize) -> Result<Vec<Category>, CosmosError> {
        #[derive(Deserialize)]
        struct Named {
            name: Category,
        }
        let (mut names, mut continuation) = (Vec::new(), None);
        loop {
            let page = self.0.query_partition::<Named>(CATEGORIES, NAMES, &[], PAGE, continuation.as_deref()).await?;
            names.extend(page.items.into_iter().map(|named| named.name));
            continuation = page.continuation;
            if continuation.is_none() || names.len() >= most {
                names.truncate(most);
                return Ok(names);
            }
        }
    }
}

impl Versioned for ListingRow {
    fn version(&self) -> (i64, i64) {
        (self.stamp.revision, self.stamp.sequence)
    }
}
