//! Pages of documents whose ids sort by time.

use std::num::NonZeroU32;

use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{
    azure::cosmos::{Container, CosmosError, Page},
    domain::partner::PartnerName,
};

/// Documents of a partner whose ids sort by time, the newest first: those before the one with the id `before`, if one is given.
pub(super) async fn newest_first<T: DeserializeOwned + Send + 'static>(
    container: &Container,
    partner: &PartnerName,
    before: Option<&str>,
    size: NonZeroU32,
) -> Result<Page<T>, CosmosError> {
    let sql = "SELECT * FROM c WHERE c.id < @before ORDER BY c.id DESC";
    let before = json!(before.unwrap_or("~"));
    container.query_partition(partner.as_str(), sql, &[("@before", before)], size, None).await
}
