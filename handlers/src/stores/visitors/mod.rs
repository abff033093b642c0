//! Container `site/visitors`: what each visitor viewed last, one document a visitor, its id the visitor's. Documents expire after 30 days.

mod cache;
mod newcomers;

use time::{Duration, OffsetDateTime};

use self::{cache::WrittenLists, newcomers::Newcomers};
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
    newcomers: Newcomers,
}

impl Visitors {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { container: cosmos.container(NAME), cache: WrittenLists::default(), newcomers: Newcomers::default() }
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
        let id = visitor.as_str();
        let cached = self.cache.take(visitor);
        let is_cached = cached.is_some();
        let guess = match cached {
            Some(list) => Some(list),
            None if self.newcomers.are_most() => None,
            None => self.container.read_lately(id, id).await?,
        };
        let is_new = guess.is_none();
        // The list may be another by now. That it is to be written is safe to decide by a guess, since the ETag guards the write; that
        // nothing is to be written is not.
        let (list, etag) = list_of(visitor, guess);
        if let Some(list) = list.with(views.iter().cloned(), now) {
            let written = self.write(list, etag).await;
            if !is_cached {
                self.newcomers.saw(is_new && written.is_ok());
            }
            match written {
                Err(error) if error.is_lost_race() => {}
                written => return written.map(|()| true),
            }
        }
        repeat_lost_races(|| self.try_add(visitor, views, now)).await
    }

    async fn try_add(&self, visitor: &VisitorId, views: &[View], now: OffsetDateTime) -> Result<bool, CosmosError> {
        let (list, etag) = list_of(visitor, self.read(visitor).await?);
        match list.with(views.iter().cloned(), now) {
            Some(list) => self.write(list, etag).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Writes a list that was stored under `etag`, or was not there, and keeps it in the cache.
    async fn write(&self, list: RecentlyViewed, etag: Option<String>) -> Result<(), CosmosError> {
        let id = list.id.as_str();
        let etag = self.container.write_unchanged(id, id, &list, etag.as_deref()).await?;
        self.cache.put(Stored { value: list, etag });
        Ok(())
    }

    /// Puts the erasure in place of the list. Also where there is no list: clicks may be under way.
    ///
    /// # Errors
    /// If the service fails, or others write the list all the time. Repeating is safe.
    pub async fn erase(&self, visitor: &VisitorId, now: OffsetDateTime) -> Result<(), CosmosError> {
        self.cache.take(visitor);
        let id = visitor.as_str();
        let erase = || async {
            let (list, etag) = list_of(visitor, self.read(visitor).await?);
            self.container.write_unchanged(id, id, &list.erased(now), etag.as_deref()).await.map(drop)
        };
        repeat_lost_races(erase).await
    }
}

/// A list and the ETag it is stored under; an empty one if there is none.
fn list_of(visitor: &VisitorId, stored: Option<Stored<RecentlyViewed>>) -> (RecentlyViewed, Option<String>) {
    match stored {
        Some(stored) => (stored.value, Some(stored.etag)),
        None => (RecentlyViewed::of(visitor.clone()), None),
    }
}
