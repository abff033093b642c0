//! The documents of windows, beside the live writer.

use std::collections::HashSet;

use contoso_handlers::{
    app::App,
    azure::cosmos::{CosmosError, CosmosErrorKind},
    domain::trends::{
        remade::{Comparison, PageWrite, Remade, StoredPage},
        window::{MOST_PAGES, PageId, WindowId},
    },
};
use serde_json::Value;

/// What became of one attempt at a window.
pub(super) enum Attempt {
    Same,
    /// With what was wrong with its documents, if that is more than that they counted something else.
    Replaced(Option<String>),
    /// It counts events that were not read yet, at least up to this one.
    Ahead(i64),
    /// The live writer was first.
    Raced,
    /// The service will never do it, for that reason.
    Refused(String),
}

/// What earlier attempts at a window found out.
#[derive(Default)]
pub(super) struct Findings {
    /// One was too late: the live writer was first.
    pub(super) is_raced: bool,
    /// ChangedDays of events that the hub does not have.
    pub(super) impossible: HashSet<i64>,
}

pub(super) struct Store {
    app: App,
}

impl Store {
    pub(super) fn new(app: &App) -> Self {
        Self { app: app.clone() }
    }

    /// Puts the window in the place of what is stored, if that differs; it was made of the log up to `end`.
    pub(super) async fn attempt(
        &self,
        id: &WindowId,
        remade: &Remade,
        end: i64,
        findings: Option<&Findings>,
    ) -> anyhow::Result<Attempt> {
        match self.try_attempt(id, remade, end, findings).await {
            Err(error) => match error.downcast_ref::<CosmosError>().map(|error| error.kind) {
                Some(CosmosErrorKind::Refused | CosmosErrorKind::TooLarge) => {
                    Ok(Attempt::Refused(crate::output::chain(error.as_ref())))
                }
                _ => Err(error.context(format!("cannot rebuild the window {id}; running the command again is safe"))),
            },
            attempt => attempt,
        }
    }

    async fn try_attempt(
        &self,
        id: &WindowId,
        remade: &Remade,
        end: i64,
        findings: Option<&Findings>,
    ) -> anyhow::Result<Attempt> {
        let now = self.app.now();
        let stored = self.read(id, findings).await?;
        let wrong = stored.iter().zip(0..).find_map(|(page, number): (_, u32)| {
            let wrong = page.document.as_ref().err()?;
            Some(format!("page {number}: {wrong}"))
        });
        let writes = match remade.compare(&stored, end, now)? {
            Comparison::Same if findings.is_some_and(|findings| findings.is_raced) => {
                Remade::fence(&stored).into_iter().collect()
            }
            Comparison::Same => return Ok(Attempt::Same),
            Comparison::Ahead(mark) => return Ok(Attempt::Ahead(mark)),
            Comparison::Differs => remade.writes(&stored, self.pages(id).await?, end, now)?,
        };
        Ok(if self.write(writes).await? { Attempt::Replaced(wrong) } else { Attempt::Raced })
    }

    /// Whether all of them took place.
    async fn write(&self, writes: Vec<PageWrite>) -> Result<bool, CosmosError> {
        for PageWrite { document, etag } in writes {
            match self.app.stores().windows.write(&document, etag.as_deref()).await {
                Err(error) if error.is_lost_race() => return Ok(false),
                written => written?,
            };
        }
        Ok(true)
    }

    /// All pages up to the first that is not there.
    async fn read(&self, id: &WindowId, findings: Option<&Findings>) -> anyhow::Result<Vec<StoredPage>> {
        let is_possible = |mark: i64| findings.is_none_or(|findings| !findings.impossible.contains(&mark));
        let mut pages = Vec::new();
        for number in 0..MOST_PAGES {
            let page = PageId { window: id.clone(), number }.to_string();
            let Some(stored) = self.app.stores().windows.container().read::<Value>(&page, &page).await? else { break };
            pages.push(StoredPage::new(stored.value, stored.etag, is_possible));
        }
        Ok(pages)
    }

    /// How many pages the window had when its minute was summed; none if that cannot be read.
    async fn pages(&self, WindowId { partition, minute }: &WindowId) -> Result<u32, CosmosError> {
        let summed = self.app.stores().minutes.container().read::<Value>(&minute.day(), &minute.to_string()).await?;
        let pages = summed.and_then(|summed| summed.value["pages"][partition].as_u64()).unwrap_or_default();
        Ok(u32::try_from(pages).unwrap_or(u32::MAX))
    }
}
