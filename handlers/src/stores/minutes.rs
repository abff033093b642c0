//! Container `analytics/minutes`: clicks by minute, summed from the windows of all partitions, the day the partition key. In the partition
//! `NO_DAY` item `progress` says how far the windows were summed, and `past` holds the hours before.

use std::{collections::BTreeSet, num::NonZeroU32};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::cache::Cache;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored},
    domain::trends::{
        board::WINDOW_MINUTES,
        minute::{Minute, MinuteDocument},
        past::Past,
        tally::Tally,
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "minutes" };

/// The partition that holds no minutes.
const NO_DAY: &str = "-";
const PROGRESS: &str = "progress";
const PAST: &str = "past";

/// Documents of a page: a minute may have thousands of products.
const PAGE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// How far the change feed of the windows was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    id: String,
    day: String,
    /// Absent before the first read.
    pub(crate) continuation: Option<String>,
    /// Hours of the past that changed since they were summed, as whole hours since 1970.
    pub(crate) hours: BTreeSet<i64>,
}

/// The past as it was summed last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PastDocument {
    id: String,
    day: String,
    hours: Past,
}

/// The minutes of clicks.
pub struct Minutes {
    container: Container,
    /// What was counted of the last minutes, under the ETag of the minute's item.
    tallies: Cache<Minute, (String, Tally)>,
}

impl Minutes {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        // Room for the minutes that the lists are made of.
        let room = usize::try_from(WINDOW_MINUTES).unwrap_or_default() + 2;
        Self { container: cosmos.container(NAME), tallies: Cache::new(room) }
    }

    /// The container itself, for who mends it.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// A minute's item.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn read(&self, minute: Minute) -> Result<Option<Stored<MinuteDocument>>, CosmosError> {
        self.container.read(&minute.day(), &minute.to_string()).await
    }

    /// Creates a minute's item, or replaces it as it was read under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub(crate) async fn write(&self, document: &MinuteDocument, etag: Option<&str>) -> Result<String, CosmosError> {
        self.container.write_unchanged(&document.day, &document.id, document, etag).await
    }

    /// Takes what was counted of a minute out of the cache, if the item has still the ETag that it was counted under.
    pub(crate) fn take_tally(&self, minute: Minute, etag: &str) -> Option<Tally> {
        self.tallies.take(&minute).filter(|(counted, _)| counted == etag).map(|(_, tally)| tally)
    }

    /// Keeps what was counted of a minute whose item has that ETag.
    pub(crate) fn put_tally(&self, minute: Minute, etag: String, tally: Tally) {
        self.tallies.put(minute, (etag, tally));
    }

    /// How far the windows were summed.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn progress(&self) -> Result<Progress, CosmosError> {
        let stored = self.container.read::<Progress>(NO_DAY, PROGRESS).await?;
        let progress = stored.map(|stored| stored.value).unwrap_or_default();
        Ok(Progress { id: PROGRESS.to_owned(), day: NO_DAY.to_owned(), ..progress })
    }

    /// Stores how far the windows were summed.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn write_progress(&self, progress: &Progress) -> Result<(), CosmosError> {
        self.container.upsert(NO_DAY, PROGRESS, progress).await
    }

    /// The past as it was summed last.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn past(&self) -> Result<Past, CosmosError> {
        let stored = self.container.read::<PastDocument>(NO_DAY, PAST).await?;
        Ok(stored.map(|stored| stored.value.hours).unwrap_or_default())
    }

    /// Stores the past.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn write_past(&self, past: &Past) -> Result<(), CosmosError> {
        let document = PastDocument { id: PAST.to_owned(), day: NO_DAY.to_owned(), hours: past.clone() };
        self.container.upsert(NO_DAY, PAST, &document).await
    }

    /// What `select` takes of the minutes of one day from `from` to `to` (whole minutes since 1970, both included), in their order.
    ///
    /// # Errors
    /// If the service fails, or a document has not the shape of `T`.
    pub(crate) async fn between<T>(&self, day: &str, select: &str, from: i64, to: i64) -> Result<Vec<T>, CosmosError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let sql = format!("SELECT {select} FROM c WHERE c.minute >= @from AND c.minute <= @to ORDER BY c.minute");
        self.query(day, &sql, &[("@from", json!(from)), ("@to", json!(to))]).await
    }

    /// The first minute of a day that something is stored of, as whole minutes since 1970.
    ///
    /// # Errors
    /// If the service fails.
    pub(crate) async fn first_of(&self, day: &str) -> Result<Option<i64>, CosmosError> {
        let minutes: Vec<i64> = self.query(day, "SELECT VALUE c.minute FROM c", &[]).await?;
        Ok(minutes.into_iter().min())
    }

    async fn query<T>(&self, day: &str, sql: &str, parameters: &[(&str, Value)]) -> Result<Vec<T>, CosmosError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (mut items, mut continuation) = (Vec::new(), None);
        loop {
            let page = self.container.query_partition(day, sql, parameters, PAGE, continuation.as_deref()).await?;
            items.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(items);
            }
        }
    }
}
