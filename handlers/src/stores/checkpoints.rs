//! Blob container `azure-webjobs-eventhub`: where the Event Hubs trigger keeps its checkpoints, as metadata of a blob for each partition.

use std::collections::HashMap;

use crate::azure::blobs::{BlobError, BlobErrorKind, Blobs};

/// The container, in the storage account of the Functions host.
pub const CONTAINER: &str = "azure-webjobs-eventhub";

/// Sequence number of the last handled event, by partition. No container means that no group has begun.
///
/// # Errors
/// If the service fails.
pub async fn read(
    blobs: &Blobs,
    namespace: &str,
    hub: &str,
    consumer_group: &str,
) -> Result<HashMap<String, i64>, BlobError> {
    // All in lower case, as the trigger names its blobs.
    let folder = format!("{namespace}/{hub}/{consumer_group}/checkpoint/").to_lowercase();
    let listed = match blobs.list(CONTAINER, &folder).await {
        Err(error) if error.kind == BlobErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    let checkpoint = |(name, metadata): (String, HashMap<String, String>)| {
        let partition = name.strip_prefix(&folder)?.to_owned();
        let (_, sequence) = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("sequencenumber"))?;
        Some((partition, sequence.parse().ok()?))
    };
    Ok(listed.into_iter().filter_map(|blob| checkpoint((blob.name, blob.metadata))).collect())
}
