//! Container `partners/audit`: what was done with each partner's keys, and which of its keys were refused. Documents expire after 400 days.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Page},
    domain::partner::{PartnerName, api_key::KeyId},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "audit" };

/// How long the container keeps a document.
pub const KEPT: time::Duration = time::Duration::days(400);

/// The audit log.
pub struct Audit(Container);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Sorts by time.
    pub id: String,
    /// Whose log it is in.
    pub partner: PartnerName,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// By which key; by an operator, if by none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What: a method and a path below the partner's own, or what an operator did. It holds no secret and no address.
    pub action: String,
    /// How it ended: a status of HTTP.
    pub status: u16,
}

impl Entry {
    /// An entry of this moment.
    pub fn new(partner: PartnerName, key: Option<KeyId>, action: String, status: u16, at: OffsetDateTime) -> Self {
        let id = format!("{:020}-{}", at.unix_timestamp_nanos(), Uuid::new_v4().simple());
        Self { id, partner, at, key, action, status }
    }
}

impl Audit {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn add(&self, entry: &Entry) -> Result<(), CosmosError> {
        self.0.create(entry.partner.as_str(), &entry.id, entry).await.map(drop)
    }

    /// Entries of a partner, the newest first: those before the entry with the id `before`, if one is given.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn page(
        &self,
        partner: &PartnerName,
        before: Option<&str>,
        size: NonZeroU32,
    ) -> Result<Page<Entry>, CosmosError> {
        let sql = "SELECT * FROM c WHERE c.id < @before ORDER BY c.id DESC";
        let before: Value = json!(before.unwrap_or("~"));
        self.0.query_partition(partner.as_str(), sql, &[("@before", before)], size, None).await
    }
}
