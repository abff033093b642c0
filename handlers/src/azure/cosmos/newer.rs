//! Writing what is newer than what is stored.

use serde::{Serialize, de::DeserializeOwned};

use super::{Container, CosmosError, CosmosErrorKind};

/// Lost races in a row after which a document counts as contended: the record comes again later.
const MAX_RACES: usize = 8;

/// A document that knows how new it is.
pub trait Versioned {
    /// Revision and hub sequence number, compared in this order.
    fn version(&self) -> (i64, i64);
}

/// What [`write_if_newer`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The document is stored.
    Yes,
    /// What is stored is as new or newer.
    No,
}

/// Stores `document` unless the stored one is as new or newer: safe to repeat, and in any order.
///
/// # Errors
/// As [`CosmosErrorKind`] says; never `Conflict` before `MAX_RACES` lost races, which come out as `Transient`.
pub async fn write_if_newer<T: Versioned + Serialize + DeserializeOwned>(
    container: &Container,
    partition_key: &str,
    id: &str,
    document: &T,
) -> Result<Written, CosmosError> {
    let mut races = 0;
    loop {
        let tried = match container.read::<T>(partition_key, id).await? {
            None => container.create(partition_key, id, document).await,
            Some(stored) if stored.value.version() >= document.version() => return Ok(Written::No),
            Some(stored) => container.replace(partition_key, id, document, &stored.etag).await,
        };
        match tried {
            Ok(_) => return Ok(Written::Yes),
            // Someone wrote between reading and writing, or the document expired: decide again on what is there now.
            Err(error) if error.is(CosmosErrorKind::Conflict) || error.is(CosmosErrorKind::NotFound) => {
                races += 1;
                if races == MAX_RACES {
                    return Err(CosmosError { kind: CosmosErrorKind::Transient, ..error });
                }
            }
            Err(error) => return Err(error),
        }
    }
}
