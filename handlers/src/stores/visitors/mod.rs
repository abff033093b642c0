//! Container `site/visitors`: what each visitor viewed last, one document a visitor, its id the visitor's. Documents expire after 30 days.

mod cache;

use time::{Duration, OffsetDateTime};

use self::cache::WrittenLists;
use crate::{
    azure::cosmos::{Container, ContainerName, Cosmos, CosmosError, Stored, repeat_lost_races},
    domain::{
        click::VisitorId,
        recently_viewed::{RecentlyViewed, View},
    },
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "site", container: "visitors" };

/// How long the container keeps a document after its last write.
pub const KEPT: Duration = Duration::days(30);

/// The lists of visitors.
pub struct Visitors {
    container: Container,
    cache: WrittenLists,
}

impl Visitors {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { container: cosmos.container(NAME), cache: WrittenLists::default() }
    }

    /// A visitor's list.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn read(&self, visitor: &VisitorId) -> Result<Option<Stored<RecentlyViewed>>, CosmosError> {
        self.container.read(visitor.as_str(), visitor.as_str()).await
    }

    /// Adds views to a visitor's list; whether that changed it.
    ///
    /// # Errors
    /// If the service fails, or others write the list all the time. Repeating is safe.
    pub async fn add(&self, visitor: &VisitorId, views: &[View], now: OffsetDateTime) -> Result<bool, CosmosError> {
        repeat_lost_races(|| self.try_add(visitor, views, now)).await
    }

    async fn try_add(&self, visitor: &VisitorId, views: &[View], now: OffsetDateTime) -> Result<bool, CosmosError> {
        let with_views = |list: &RecentlyViewed| list.with(views.iter().cloned(), now);
        // What the cache has may be stale. That it is to be written is safe to decide by it, since the ETag guards the write; that nothing
        // is to be written is not.
        let cached = self.cache.take(visitor).and_then(|cached| Some((with_views(&cached.value)?, Some(cached.etag))));
        let (list, etag) = match cached {
            Some(write) => write,
            None => {
                let (list, etag) = match self.read(visitor).await? {
                    Some(stored) => (stored.value, Some(stored.etag)),
                    None => (RecentlyViewed::of(visitor.clone()), None),
                };
                match with_views(&list) {
                    Some(list) => (list, etag),
                    None => return Ok(false),
                }
            }
        };
        let id = visitor.as_str();
        let etag = self.container.write_unchanged(id, id, &list, etag.as_deref()).await?;
        self.cache.put(Stored { value: list, etag });
        Ok(true)
    }

    /// Puts the erasure in place of the list. Also where there is no list: clicks may be under way.
    ///
    /// # Errors
    /// If the service fails, or others write the list all the time. Repeating is safe.
    pub async fn erase(&self, visitor: &VisitorId, now: OffsetDateTime) -> Result<(), CosmosError> {
        self.cache.take(visitor);
        let id = visitor.as_str();
        let erase = || async {
            let (list, etag) = match self.read(visitor).await? {
                Some(stored) => (stored.value, Some(stored.etag)),
                None => (RecentlyViewed::of(visitor.clone()), None),
            };
            self.container.write_unchanged(id, id, &list.erased(now), etag.as_deref()).await.map(drop)
        };
        repeat_lost_races(erase).await
    }
}
