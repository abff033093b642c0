//! Container `partners/listeners`: listeners, one document each. Who deletes a document has removed the listener's queue and event
//! subscription before.

use std::num::NonZeroU32;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::partner::{ListenerId, PartnerName, listener::Listener},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "listeners" };

/// The listeners.
pub struct Listeners(Container);

impl Listeners {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// A listener of a partner.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, partner: &PartnerName, id: &ListenerId) -> Result<Option<Stored<Listener>>, CosmosError> {
        self.0.read(partner.as_str(), id.as_str()).await
    }

    /// All listeners of a partner, those too whose time is over.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn of(&self, partner: &PartnerName) -> Result<Vec<Listener>, CosmosError> {
        let size = NonZeroU32::MIN.saturating_add(99);
        let mut found = Vec::new();
        let mut continuation = None;
        loop {
            let sql = "SELECT * FROM c ORDER BY c.id";
            let page = self.0.query_partition(partner.as_str(), sql, &[], size, continuation.as_deref()).await?;
            found.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(found);
            }
        }
    }

    /// The listeners of all partners: a few.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn all(&self) -> Result<Vec<Listener>, CosmosError> {
        self.0.query("SELECT * FROM c").await
    }

    /// Stores a listener: a new one, or in place of the one that was read under `etag`. Returns its new ETag.
    ///
    /// # Errors
    /// A lost race if another writer was there first.
    pub async fn write(&self, listener: &Listener, etag: Option<&str>) -> Result<String, CosmosError> {
        self.0.write_unchanged(listener.partner.as_str(), listener.id.as_str(), listener, etag).await
    }

    /// Forgets a listener that was read under `etag`.
    ///
    /// # Errors
    /// A lost race if it changed since, or is gone.
    pub async fn delete(&self, listener: &Listener, etag: &str) -> Result<(), CosmosError> {
        self.0.delete(listener.partner.as_str(), listener.id.as_str(), Some(etag)).await
    }
}
