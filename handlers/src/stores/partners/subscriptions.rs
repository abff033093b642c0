//! Container `partners/subscriptions`: webhooks, one document a subscription, its id the subscription's name. Documents of
//! subscriptions that are being deleted stay until Event Grid has forgotten them.

use std::num::NonZeroU32;

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::partner::{PartnerName, SubscriptionName, subscription::Subscription},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "subscriptions" };

/// The subscriptions.
pub struct Subscriptions(Container);

impl Subscriptions {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A subscription of a partner.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(
        &self,
        partner: &PartnerName,
        name: &SubscriptionName,
    ) -> Result<Option<Stored<Subscription>>, CosmosError> {
        self.0.read(partner.as_str(), name.as_str()).await
    }

    /// All subscriptions of a partner, by name.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn of(&self, partner: &PartnerName) -> Result<Vec<Subscription>, CosmosError> {
        let sql = "SELECT * FROM c ORDER BY c.id";
        let size = NonZeroU32::MIN.saturating_add(99);
        let mut found = Vec::new();
        let mut continuation = None;
        loop {
            let page = self.0.query_partition(partner.as_str(), sql, &[], size, continuation.as_deref()).await?;
            found.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(found);
            }
        }
    }

    /// The subscriptions of all partners that are on their way, have more than one secret, are paused with an event subscription that may
    /// still be there, or have something that their partner is to be told.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn to_be_looked_at(&self) -> Result<Vec<Subscription>, CosmosError> {
        let states = "'creating', 'updating', 'awaitingManualAction', 'stuck', 'deleting'";
        let others = "IS_DEFINED(c.secrets[1]) OR c.withdraw = true OR IS_DEFINED(c.health.untold[0])";
        self.0.query(&format!("SELECT * FROM c WHERE c.state.name IN ({states}) OR {others}")).await
    }

    /// The active subscriptions that are to be compared now: those that were made in this minute of an hour, so that each has its turn once
    /// an hour, and not all at once; and those that missed their turn, last seen before `overdue`.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn to_be_compared(&self, minute: u8, overdue: OffsetDateTime) -> Result<Vec<Subscription>, CosmosError> {
        // `2027-03-04T10:`, then the minute: times are stored in UTC, as RFC 3339, so that their texts are in their order.
        let overdue = overdue.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
        let turn = format!("(SUBSTRING(c.created, 14, 2) = '{minute:02}' OR c.seen < '{overdue}')");
        self.0.query(&format!("SELECT * FROM c WHERE c.state.name = 'active' AND {turn}")).await
    }

    /// The subscriptions that deliver and came to their state in this minute of a quarter of an hour, so that each has its turn four times
    /// an hour, and not all at once.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn delivering_in_turn(&self, minute: u8) -> Result<Vec<Subscription>, CosmosError> {
        let minutes: Vec<_> = (0..4).map(|quarter| format!("'{:02}'", minute % 15 + quarter * 15)).collect();
        let turn = format!("SUBSTRING(c.since, 14, 2) IN ({})", minutes.join(", "));
        self.0.query(&format!("SELECT * FROM c WHERE c.state.name IN ('active', 'updating') AND {turn}")).await
    }

    /// The subscriptions of all partners that deliver, and were to have what came before they were made.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn to_be_started(&self) -> Result<Vec<Subscription>, CosmosError> {
        let states = "'active', 'updating'";
        self.0
            .query(&format!("SELECT * FROM c WHERE c.state.name IN ({states}) AND c.gaps[0]['from'] < c.created"))
            .await
    }

    /// Stores a subscription: a new one, or in place of the one that was read under `etag`. Returns its new ETag.
    ///
    /// # Errors
    /// A lost race if another writer was there first.
    pub async fn write(&self, subscription: &Subscription, etag: Option<&str>) -> Result<String, CosmosError> {
        let (partner, id) = (subscription.partner.as_str(), subscription.name.as_str());
        self.0.write_unchanged(partner, id, subscription, etag).await
    }

    /// Forgets a subscription that was read under `etag`.
    ///
    /// # Errors
    /// A lost race if it changed since, or is gone.
    pub async fn delete(&self, subscription: &Subscription, etag: &str) -> Result<(), CosmosError> {
        self.0.delete(subscription.partner.as_str(), subscription.name.as_str(), Some(etag)).await
    }
}
