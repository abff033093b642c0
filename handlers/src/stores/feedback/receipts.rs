//! Container `feedback/receipts`: what was taken of each item, one document an item, its id the partner's own, the partner the partition
//! key. Documents stay: a partner may send an old item again at any time.

use std::num::NonZeroU32;

use serde_json::json;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::{
        feedback::{Customer, ItemId, receipt::Receipt},
        partner::PartnerName,
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "feedback", container: "receipts" };

/// Of a customer's, those that are not withdrawn yet, or whose withdrawal nobody saw sent: the others name no customer any more.
const OF_CUSTOMER: &str = "SELECT VALUE c.id FROM c WHERE c.customer = @customer";

/// The receipts.
pub struct Receipts(Container);

impl Receipts {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// What is known of an item.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, partner: &PartnerName, item: &ItemId) -> Result<Option<Stored<Receipt>>, CosmosError> {
        self.0.read(partner.as_str(), item.as_str()).await
    }

    /// Writes a receipt in place of the one that was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// A lost race if another writer was there first.
    pub async fn write(&self, receipt: &Receipt, etag: Option<&str>) -> Result<String, CosmosError> {
        self.0.write_unchanged(receipt.partner.as_str(), receipt.id.as_str(), receipt, etag).await
    }

    /// Items about or from a customer, `most` at most. The service may answer with fewer than there are, but for none.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn of_customer(
        &self,
        partner: &PartnerName,
        customer: &Customer,
        most: NonZeroU32,
    ) -> Result<Vec<ItemId>, CosmosError> {
        let parameters = [("@customer", json!(customer))];
        let mut continuation: Option<String> = None;
        loop {
            let page = self
                .0
                .query_partition(partner.as_str(), OF_CUSTOMER, &parameters, most, continuation.as_deref())
                .await?;
            continuation = page.continuation;
            if !page.items.is_empty() || continuation.is_none() {
                return Ok(page.items);
            }
        }
    }
}
