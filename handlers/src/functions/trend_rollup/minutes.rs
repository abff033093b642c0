//! One minute, summed from the windows of all partitions.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::trends::{
        board::WINDOW_MINUTES,
        minute::{Minute, MinuteDocument},
        tally::Tally,
        window::{MOST_PAGES, PageDocument, PageId, WindowId},
    },
    outcome::Cause,
    stores::{
        minutes::Minutes,
        windows::{Windows, read_page},
    },
};

/// Pages read at a time for one minute.
const PAGES_AT_ONCE: usize = 8;

/// Lost races in a row after which the run fails, and the next one sums again.
const MAX_RACES: usize = 8;

/// Pages of a minute's windows that changed.
#[derive(Default)]
pub(super) struct Pages {
    /// How many each partition has at least.
    counts: BTreeMap<String, u32>,
    /// Those that need not be read.
    read: BTreeMap<PageId, PageDocument>,
}

impl Pages {
    /// Adds one, as it was when the change feed was read.
    pub(super) fn changed(&mut self, id: PageId, document: PageDocument) {
        self.know(&id.window.partition, id.number + 1);
        self.read.insert(id, document);
    }

    /// Whether no page has to be read.
    fn is_whole(&self) -> bool {
        self.counts.values().try_fold(0, |sum: usize, count| sum.checked_add(usize::try_from(*count).ok()?))
            == Some(self.read.len())
    }

    /// Forgets those that may have changed since; full ones never do.
    fn forget_changing(&mut self) {
        self.read.retain(|_, document| document.full);
    }

    fn know(&mut self, partition: &str, count: u32) {
        let known = self.counts.entry(partition.to_owned()).or_default();
        // A damaged item may name any number of pages.
        *known = count.min(MOST_PAGES).max(*known);
    }
}

/// What pages count together.
struct Sum {
    tally: Tally,
    /// Whether none of them is damaged or gone.
    is_all: bool,
}

/// Sums minutes.
pub(super) struct Summing<'a> {
    app: &'a App,
    windows: &'a Windows,
    minutes: &'a Minutes,
}

impl<'a> Summing<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self { app, windows: &app.stores().windows, minutes: &app.stores().minutes }
    }

    /// Writes the minute's item as the sum of the pages it was made of before and those that changed.
    ///
    /// The item is read before the windows are. So of two that sum at the same time, the one that may have read older windows finds that the
    /// item changed, and sums again. An item that nobody made before is created from the changes as they are, without a read: whoever had
    /// newer ones either made it, and it is summed again here, or fails to create it, and sums again there.
    pub(super) async fn sum(&self, minute: Minute, mut pages: Pages) -> Result<(), Cause> {
        let id = minute.to_string();
        let failed = |error| Cause::from_error("sum a minute", error);
        if pages.is_whole()
            && let Sum { tally, is_all: true } = self.tally(minute, &pages).await.map_err(failed)?
        {
            let document = MinuteDocument::new(minute, pages.counts.clone(), &tally);
            match self.minutes.write(&document, None).await {
                Ok(etag) => {
                    self.cache(minute, etag, tally);
                    return Ok(());
                }
                Err(error) if error.is_lost_race() => {}
                Err(error) => return Err(failed(error)),
            }
        }
        pages.forget_changing();
        for _ in 0..MAX_RACES {
            let stored = self.minutes.read(minute).await.map_err(failed)?;
            for (partition, count) in stored.iter().flat_map(|stored| &stored.value.pages) {
                pages.know(partition, *count);
            }
            let Sum { tally, is_all } = self.tally(minute, &pages).await.map_err(failed)?;
            let document = match &stored {
                // What was summed stays until the page is mended. But the feed does not tell again of pages that are new here.
                Some(stored) if !is_all => MinuteDocument { pages: pages.counts.clone(), ..stored.value.clone() },
                _ => MinuteDocument::new(minute, pages.counts.clone(), &tally),
            };
            let written = match stored {
                Some(stored) if stored.value == document => Ok(stored.etag),
                stored => self.minutes.write(&document, stored.map(|stored| stored.etag).as_deref()).await,
            };
            match written {
                Ok(etag) => {
                    if is_all {
                        self.cache(minute, etag, tally);
                    }
                    return Ok(());
                }
                Err(error) if error.is_lost_race() => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Cause::of(
            "the minute is summed by others",
            format!("minute {id} is summed by others at the same time; repeating is safe"),
        ))
    }

    /// Keeps what was counted of a minute that the lists are made of.
    fn cache(&self, minute: Minute, etag: String, tally: Tally) {
        if minute >= Minute::of(self.app.now()).plus(-WINDOW_MINUTES) {
            self.minutes.put_tally(minute, etag, tally);
        }
    }

    /// What the windows count that the minute's item was made of; `None` if one of them is damaged or gone.
    pub(super) async fn tally_of(
        &self,
        minute: Minute,
        counts: &BTreeMap<String, u32>,
    ) -> Result<Option<Tally>, CosmosError> {
        let Sum { tally, is_all } =
            self.tally(minute, &Pages { counts: counts.clone(), read: BTreeMap::new() }).await?;
        Ok(is_all.then_some(tally))
    }

    async fn tally(&self, minute: Minute, pages: &Pages) -> Result<Sum, CosmosError> {
        let mut ids = Vec::new();
        for (partition, count) in &pages.counts {
            let window = WindowId { partition: partition.clone(), minute };
            ids.extend((0..*count).map(|number| PageId { window: window.clone(), number }));
        }
        let mut found = stream::iter(ids)
            .map(|id| async move {
                match pages.read.get(&id) {
                    Some(document) => Ok(read_page(document).map(|(_, page)| page)),
                    None => self.windows.page(&id).await,
                }
            })
            .buffer_unordered(PAGES_AT_ONCE);
        let mut sum = Sum { tally: Tally::default(), is_all: true };
        while let Some(page) = found.try_next().await? {
            match page {
                Ok(page) => sum.tally.merge(page.tally()),
                Err(cause) => {
                    tracing::error!(%minute, cause = cause.chain(), "a damaged window");
                    sum.is_all = false;
                }
            }
        }
        Ok(sum)
    }
}
