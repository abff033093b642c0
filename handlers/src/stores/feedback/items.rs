//! Container `feedback/items`: the latest version of each item of feedback, its id `<partner>|<id>`, and beside the items of a product or
//! customer, which is the partition key, their sums as document `totals`. Items and totals are written together or not at all.

use std::{collections::BTreeSet, num::NonZeroU32};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored, repeat_lost_races},
    domain::feedback::{
        item::Item,
        rating::{RECENT, Sums, Totals},
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "feedback", container: "items" };

const NEWEST: &str = "SELECT TOP 10 * FROM c WHERE IS_DEFINED(c.comment) ORDER BY c.comment DESC";
const ALL_OF_KEY: &str = "SELECT * FROM c WHERE c.id != 'totals'";
const KEYS: &str = "SELECT VALUE c.key FROM c";

/// Items written together: with their texts at the longest they have half of what a batch may have.
const TOGETHER: usize = 40;
/// Items read at a time.
const CONCURRENT_READS: usize = 16;
/// Items on a page when all are read.
const PAGE: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// The items.
pub struct Items(Container);

impl Items {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self(cosmos.container(NAME))
    }

    /// Stores what is newer of these items of one key than what is stored, with the totals. Gives the ids of what was written, and the
    /// totals as they are then.
    ///
    /// # Errors
    /// If the service fails, or others write the totals all the time. Repeating is safe.
    pub async fn store(&self, key: &str, items: &[Item]) -> Result<(BTreeSet<String>, Totals), CosmosError> {
        let (mut written, mut totals) = (BTreeSet::new(), Totals::of(key));
        for some in items.chunks(TOGETHER) {
            let (ids, after) = repeat_lost_races(|| self.try_store(key, some)).await?;
            written.extend(ids);
            totals = after;
        }
        Ok((written, totals))
    }

    async fn try_store(&self, key: &str, items: &[Item]) -> Result<(Vec<String>, Totals), CosmosError> {
        let ids: BTreeSet<String> = items.iter().map(|item| item.id.clone()).collect();
        let reads =
            stream::iter(ids).map(|id| async move { self.0.read::<Item>(key, &id).await }).buffered(CONCURRENT_READS);
        let (totals, stored) = tokio::try_join!(self.totals(key), reads.try_collect::<Vec<_>>())?;
        let (totals, totals_etag) = totals.map_or_else(|| (Totals::of(key), None), |it| (it.value, Some(it.etag)));
        let stored: Vec<Stored<Item>> = stored.into_iter().flatten().collect();
        let known: Vec<Item> = stored.iter().map(|stored| stored.value.clone()).collect();
        let Some(change) = totals.change(&known, items) else { return Ok((Vec::new(), totals)) };
        let etag = |id: &str| stored.iter().find(|stored| stored.value.id == id).map(|stored| stored.etag.clone());
        let mut documents = vec![self.0.unchanged(Totals::ID, &change.totals, totals_etag)?];
        for item in &change.items {
            documents.push(self.0.unchanged(&item.id, item, etag(&item.id))?);
        }
        self.0.write_together(key, documents).await?;
        Ok((change.items.into_iter().map(|item| item.id).collect(), change.totals))
    }

    async fn totals(&self, key: &str) -> Result<Option<Stored<Totals>>, CosmosError> {
        self.0.read(key, Totals::ID).await
    }

    /// The newest items of a key that have a text, as many as a rating shows.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn newest(&self, key: &str) -> Result<Vec<Item>, CosmosError> {
        let size = NonZeroU32::MIN.saturating_add(u32::try_from(RECENT).unwrap_or(u32::MAX) - 1);
        self.pages(key, NEWEST, size).await
    }

    /// Every product and customer that there is an item of.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn keys(&self) -> Result<BTreeSet<String>, CosmosError> {
        Ok(self.0.query::<String>(KEYS).await?.into_iter().collect())
    }

    /// Counts the items of a key once more, and writes the totals if they were others. Gives them as they are then, and whether they were
    /// written.
    ///
    /// # Errors
    /// If the service fails, or others write all the time. Repeating is safe.
    pub async fn count_again(&self, key: &str) -> Result<(Totals, bool), CosmosError> {
        repeat_lost_races(|| async {
            // Before the items: whoever writes one meanwhile writes the totals too.
            let (totals, etag) =
                self.totals(key).await?.map_or_else(|| (Totals::of(key), None), |it| (it.value, Some(it.etag)));
            let items: Vec<Item> = self.pages(key, ALL_OF_KEY, PAGE).await?;
            match totals.mended(Sums::over(&items)) {
                Some(mended) => {
                    self.0.write_unchanged(key, Totals::ID, &mended, etag.as_deref()).await?;
                    Ok((mended, true))
                }
                None => Ok((totals, false)),
            }
        })
        .await
    }

    async fn pages(&self, key: &str, sql: &str, size: NonZeroU32) -> Result<Vec<Item>, CosmosError> {
        let (mut items, mut continuation) = (Vec::new(), None);
        loop {
            let page = self.0.query_partition::<Item>(key, sql, &[], size, continuation.as_deref()).await?;
            items.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(items);
            }
        }
    }
}
