//! Container `analytics/windows`: the clicks of one partition and minute, a chain of pages that only the last of still changes. A page's id
//! is [`PageId`]; pages expire by their own time.

mod cache;

use std::num::NonZeroU32;

use contoso_json::Plain;

pub(crate) use self::cache::StoredWindow;
use self::cache::WrittenWindows;
use super::failure::unstored;
use crate::{
    azure::cosmos::{Changes, Container, ContainerName, Cosmos, CosmosError, CosmosErrorKind},
    domain::trends::window::{Page, PageDocument, PageId, Window, WindowId},
    outcome::{Cause, Outcome},
};

/// The container.
pub const NAME: ContainerName = ContainerName { database: "analytics", container: "windows" };

/// Pages taken from the change feed at a time.
const CHANGES: NonZeroU32 = NonZeroU32::new(250).unwrap();

/// The windows of clicks.
pub struct Windows {
    container: Container,
    written: WrittenWindows,
}

impl Windows {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { container: cosmos.container(NAME), written: WrittenWindows::default() }
    }

    /// The container itself, for who mends it.
    pub fn container(&self) -> &Container {
        &self.container
    }

    /// Takes a window out of the cache: while somebody works with it, nobody else does. One that is not there is mostly new: creating its
    /// first page tells, and costs no read.
    pub(crate) fn take(&self, id: &WindowId) -> StoredWindow {
        self.written.take(id).unwrap_or_else(|| StoredWindow { window: Window::new(id.clone()), etag: None })
    }

    /// Keeps a window as it is stored now; `written` is the document that was written last, where that is known.
    pub(crate) fn put(&self, window: StoredWindow, written: Option<PageDocument>) {
        self.written.put(window, written);
    }

    /// Creates a page, or replaces it as it was stored under `etag`, and returns its new ETag.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first.
    pub async fn write(&self, document: &PageDocument, etag: Option<&str>) -> Result<String, CosmosError> {
        self.container.write_unchanged(&document.id, &document.id, document, etag).await
    }

    /// The window as it is stored, page by page up to the one that changes.
    ///
    /// # Errors
    /// With the outcome of what was to be counted in it.
    pub(crate) async fn read(&self, window: &WindowId) -> Result<StoredWindow, Outcome> {
        let mut pages: Vec<Page> = Vec::new();
        let mut etag = None;
        for number in 0.. {
            let id = PageId { window: window.clone(), number }.to_string();
            let stored = self.container.read::<PageDocument>(&id, &id).await;
            let Some(stored) = stored.map_err(|error| unstored("read the window", error))? else { break };
            let (_, page) = read_page(&stored.value).map_err(Outcome::Park)?;
            let is_last = !page.is_full();
            pages.push(page);
            etag = Some(stored.etag);
            if is_last {
                break;
            }
        }
        Ok(StoredWindow { window: Window::of_pages(window.clone(), pages), etag })
    }

    /// One page, or what is wrong with it: it may be damaged, or gone before its time.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn page(&self, id: &PageId) -> Result<Result<Page, Cause>, CosmosError> {
        let id = id.to_string();
        let stored = self.container.read::<Plain>(&id, &id).await?;
        let gone = || Cause::of("find a page of a window", format!("page {id} is gone before its time"));
        Ok(stored.ok_or_else(gone).and_then(|stored| {
            let document = serde_json::from_value::<PageDocument>(stored.value.0);
            document
                .map_err(|error| Cause::from_error("read a page", error))
                .and_then(|page| read_page(&page))
                .map(|(_, page)| page)
        }))
    }

    /// The next changes; from the beginning if the position is not one of this container's, which was then made anew.
    ///
    /// # Errors
    /// If the service fails.
    pub async fn changes(&self, continuation: Option<&str>) -> Result<Changes<Plain>, Cause> {
        let failed = |error| Cause::from_error("read which windows changed", error);
        match self.container.changes(continuation, CHANGES).await {
            Err(error) if error.kind == CosmosErrorKind::Refused && continuation.is_some() => {
                tracing::warn!(cause = %failed(error).chain(), "reading all windows again");
                self.container.changes(None, CHANGES).await.map_err(failed)
            }
            read => read.map_err(failed),
        }
    }
}

/// Unpacks a page, and says which it is.
pub(crate) fn read_page(document: &PageDocument) -> Result<(PageId, Page), Cause> {
    <(PageId, Page)>::try_from(document).map_err(|error| Cause::from_error("read a page", error))
}
