//! The documents of windows, beside the live writer.

use anyhow::Context;
use contoso_handlers::app::App;
use contoso_handlers::azure::cosmos::{Container, CosmosError, CosmosErrorKind};
use contoso_handlers::domain::trends::minute::MinuteDocument;
use contoso_handlers::domain::trends::remade::{Comparison, PageWrite, Remade, StoredPage};
use contoso_handlers::domain::trends::window::{PageDocument, PageId, WindowId};

/// What became of one attempt at a window.
pub(super) enum Attempt {
    Same,
    Replaced,
    /// It counts events that were not read yet, at least up to this one.
    Ahead(i64),
    /// The live writer was first.
    Raced,
}

pub(super) struct Store {
    app: App,
    windows: Container,
    minutes: Container,
}

impl Store {
    pub(super) fn new(app: &App) -> Self {
        let container = |name| app.cosmos().container("analytics", name);
        Self { app: app.clone(), windows: container("windows"), minutes: container("minutes") }
    }

    /// Puts the window in the place of what is stored, if that differs; it was made of the log up to `end`. `is_raced` says that an
    /// earlier attempt was too late.
    pub(super) async fn attempt(
        &self,
        id: &WindowId,
        remade: &Remade,
        end: i64,
        is_raced: bool,
    ) -> anyhow::Result<Attempt> {
        let failed = || {
            let (partition, minute) = (&id.partition, id.minute);
            format!("cannot rebuild the window {partition}|{minute}; running the command again is safe")
        };
        let now = self.app.now();
        let stored = self.read(id).await.with_context(failed)?;
        let writes = match remade.compare(&stored, end, now).with_context(failed)? {
            Comparison::Same if is_raced => Remade::fence(&stored).into_iter().collect(),
            Comparison::Same => return Ok(Attempt::Same),
            Comparison::Ahead(mark) => return Ok(Attempt::Ahead(mark)),
            Comparison::Differs => {
                let known = self.known(id).await.with_context(failed)?;
                remade.writes(&stored, known, end, now).with_context(failed)?
            }
        };
        Ok(if self.write(writes).await.with_context(failed)? { Attempt::Replaced } else { Attempt::Raced })
    }

    /// Whether all of them took place.
    async fn write(&self, writes: Vec<PageWrite>) -> Result<bool, CosmosError> {
        for PageWrite { document, etag } in writes {
            let written = match etag {
                Some(etag) => self.windows.replace(&document.id, &document.id, &document, &etag).await,
                None => self.windows.create(&document.id, &document.id, &document).await,
            };
            match written {
                Err(error) if matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) => {
                    return Ok(false);
                }
                written => written?,
            };
        }
        Ok(true)
    }

    /// All pages up to the first that is not there.
    async fn read(&self, id: &WindowId) -> anyhow::Result<Vec<StoredPage>> {
        let mut pages = Vec::new();
        for number in 0.. {
            let page = PageId { window: id.clone(), number }.to_string();
            let Some(stored) = self.windows.read::<PageDocument>(&page, &page).await? else { break };
            pages.push(StoredPage { document: stored.value, etag: stored.etag });
        }
        Ok(pages)
    }

    /// How many pages the window had when its minute was summed.
    async fn known(&self, WindowId { partition, minute }: &WindowId) -> anyhow::Result<u32> {
        let summed = self.minutes.read::<MinuteDocument>(&minute.day(), &minute.to_string()).await?;
        Ok(summed.and_then(|summed| summed.value.pages.get(partition).copied()).unwrap_or_default())
    }
}
