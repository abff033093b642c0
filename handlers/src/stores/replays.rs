//! Container `analytics/replays`: batches of replays, all in one partition, and the slices of each in a partition of its own. Documents
//! expire after 30 days.

use std::num::NonZeroU32;

use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::dead_letter::{Filter, batch::Slice},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "replays" };

/// The partition of batches.
const BATCHES: &str = "batches";
/// Batches or slices of a page.
const PAGE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Slices written at a time.
const AT_ONCE: usize = 8;

/// Batches of replays.
pub struct Replays(Container);

/// Letters that were to be replayed at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Its id, which sorts by time.
    pub id: String,
    /// The partition: always the same.
    pub batch: String,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// By whom, as the caller said.
    pub by: String,
    /// Why, if the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By which filter the letters were chosen, if by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// How many letters.
    pub count: usize,
    /// Of which functions.
    pub functions: Vec<String>,
    /// Whether some wait.
    pub open: bool,
}

impl Batch {
    /// A batch of these slices.
    pub fn new(id: String, by: String, slices: &[Slice], at: OffsetDateTime) -> Self {
        let mut functions: Vec<String> = slices.iter().map(|slice| slice.function.clone()).collect();
        functions.dedup();
        let count = slices.iter().map(|slice| slice.letters.len()).sum();
        let open = !slices.is_empty();
        Self { id, batch: BATCHES.to_owned(), at, by, reason: None, filter: None, count, functions, open }
    }
}

/// A slice with the ETag that is in it.
#[derive(Deserialize)]
struct Tagged {
    #[serde(flatten)]
    slice: Slice,
    #[serde(rename = "_etag")]
    etag: String,
}

impl Replays {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Adds a batch: its slices first, so that who sees it sees all of it.
    ///
    /// # Errors
    /// If the service fails; what was written of it then is never looked at, and expires.
    pub async fn add(&self, batch: &Batch, slices: Vec<Slice>) -> Result<(), CosmosError> {
        stream::iter(slices)
            .map(|slice| async move { self.0.create(&slice.batch, &slice.id, &slice).await.map(drop) })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        self.0.create(BATCHES, &batch.id, batch).await.map(drop)
    }

    /// A batch.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn batch(&self, id: &str) -> Result<Option<Stored<Batch>>, CosmosError> {
        self.0.read(BATCHES, id).await
    }

    /// The batches that are open, the oldest first.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn open(&self) -> Result<Vec<Batch>, CosmosError> {
        self.pages(BATCHES, "SELECT * FROM c WHERE c.open = true ORDER BY c.id").await
    }

    /// All documents of a partition that a query takes.
    async fn pages<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        partition: &str,
        sql: &str,
    ) -> Result<Vec<T>, CosmosError> {
        let (mut items, mut continuation) = (Vec::new(), None::<String>);
        loop {
            let page = self.0.query_partition(partition, sql, &[], PAGE, continuation.as_deref()).await?;
            items.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(items);
            }
        }
    }

    /// The slices of a batch that are open, of any function.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn open_slices(&self, batch: &str) -> Result<Vec<Stored<Slice>>, CosmosError> {
        let tagged: Vec<Tagged> = self.pages(batch, "SELECT * FROM c WHERE c.open = true").await?;
        let mut slices: Vec<Stored<Slice>> =
            tagged.into_iter().map(|Tagged { slice, etag }| Stored { value: slice, etag }).collect();
        slices.sort_by(|a, b| a.value.id.cmp(&b.value.id));
        Ok(slices)
    }

    /// All slices of a batch.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn slices(&self, batch: &str) -> Result<Vec<Slice>, CosmosError> {
        let mut slices: Vec<Slice> = self.pages(batch, "SELECT * FROM c").await?;
        slices.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(slices)
    }

    /// Stores a slice as it was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if somebody else works on it.
    pub async fn write(&self, slice: &Slice, etag: &str) -> Result<String, CosmosError> {
        self.0.replace(&slice.batch, &slice.id, slice, etag).await
    }

    /// Notes that nothing of a batch waits.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn close(&self, batch: &Batch) -> Result<(), CosmosError> {
        self.0.upsert(BATCHES, &batch.id, &Batch { open: false, ..batch.clone() }).await
    }
}
