//! Container `partners/audit`: what was done with each partner's keys, and which of its keys were refused. Documents expire after 400 days.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::newest::newest_first;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Page},
    domain::partner::{PartnerName, api_key::KeyId},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "partners", container: "audit" };

/// How long the container keeps a document.
pub const KEPT: time::Duration = time::Duration::days(400);

const COUNTED_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

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
    /// Whether it did nothing, and had the answer of an earlier request with its `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
}

impl Entry {
    /// An entry of this moment.
    pub fn new(partner: PartnerName, key: Option<KeyId>, action: String, status: u16, at: OffsetDateTime) -> Self {
        let id = format!("{:020}-{}", at.unix_timestamp_nanos(), Uuid::new_v4().simple());
        Self { id, partner, at, key, action, status, replayed: false }
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

    /// How many entries of this action and status a partner has since a time, those aside that were answered as before; where there are more than `most`, not how many more.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn count_since(
        &self,
        partner: &PartnerName,
        action: &str,
        status: u16,
        since: OffsetDateTime,
        most: u64,
    ) -> Result<u64, CosmosError> {
        let sql = "SELECT c.id FROM c WHERE c.id >= @since AND c.action = @action AND c.status = @status \
                   AND NOT IS_DEFINED(c.replayed)";
        let since = format!("{:020}", since.unix_timestamp_nanos());
        let parameters = [("@since", json!(since)), ("@action", json!(action)), ("@status", json!(status))];
        let (mut count, mut continuation) = (0_u64, None);
        loop {
            let page: Page<IgnoredAny> = self
                .0
                .query_partition(partner.as_str(), sql, &parameters, COUNTED_AT_ONCE, continuation.as_deref())
                .await?;
            count += page.items.len() as u64;
            continuation = page.continuation;
            if continuation.is_none() || count > most {
                return Ok(count);
            }
        }
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
        newest_first(&self.0, partner, before, size).await
    }
}
