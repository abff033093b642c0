//! A window made anew from the log of its partition, and how it takes the place of what is stored.
//!
//! The writer of `Trends` goes on meanwhile, so replacing keeps to its rules. Pages are written from the first to the last, each under the
//! ETag it was read with, or created. All but the last are full then, and the last has the mark of the end of the log. Where
//! the live writer would write next, it finds something else than it knew, and reads the window again; where it was first, the
//! replacement ends with a conflict and begins again, with the log read as far as the live writer's mark. So every event is either in
//! the log that was read, or above the mark that is left.
//!
//! A live writer that reads between two of these writes knows only some of the ids, and would count their repeats. So whoever ends up with
//! nothing left to replace, after other attempts, still writes the last page once more: see [`Remade::fence`].
//!
//! A window never gets fewer pages: `analytics/minutes` knows how many there were. Those too many are empty.
//!
//! A document that is no page, or has a mark that no writer gives, counts nothing: its window is replaced as any other that counts
//! something else than the log says.

use std::collections::HashSet;

use serde_json::Value;
use time::OffsetDateTime;

use super::{
    minute::Minute,
    packed::{PackError, pack},
    tally::Tally,
    window::{
        DETAILED_PAGES, MOST_PAGES, Page, PageDocument, PageId, SequencedClick, Window, WindowId, seconds_to_keep,
    },
};
use crate::click::LATE;

/// Clicks counted at a time. Always as many, so that the same log always makes the same pages.
const AT_ONCE: usize = 256;

/// A window made of the clicks of a log.
#[derive(Clone, Debug)]
pub struct Remade {
    id: WindowId,
    window: Window,
    /// Sequence number of the last click.
    last: Option<i64>,
    /// Not counted yet.
    waiting: Vec<SequencedClick>,
    /// Full pages.
    pages: Vec<PageDocument>,
}

/// A page as it was read.
#[derive(Clone, Debug)]
pub struct StoredPage {
    /// The document, or what is wrong with it.
    pub document: Result<PageDocument, String>,
    /// The ETag it was read under.
    pub etag: String,
}

impl StoredPage {
    /// What is stored under the id of a page. `is_possible` tells whether the partition can have an event with this number.
    pub fn new(value: Value, etag: String, is_possible: impl Fn(i64) -> bool) -> Self {
        let document = serde_json::from_value::<PageDocument>(value).map_err(|error| error.to_string());
        let document = document.and_then(|document| match document.mark {
            mark if mark < 0 || !is_possible(mark) => Err(format!("its mark {mark} is no event of the partition")),
            _ => match <(PageId, Page)>::try_from(&document) {
                Ok(_) => Ok(document),
                Err(error) => Err(error.to_string()),
            },
        });
        Self { document, etag }
    }
}

/// A page to be written.
#[derive(Clone, Debug)]
pub struct PageWrite {
    /// The document.
    pub document: PageDocument,
    /// Of the page it replaces; it is created if `None`.
    pub etag: Option<String>,
}

/// How what is stored of a window compares with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It counts what the log says.
    Same,
    /// It counts events behind the end of the log. The log must be read on, at least to this sequence number.
    Ahead(i64),
    /// It counts something else.
    Differs,
}

/// Whether the documents of a minute have outlived their time, so that nobody misses them.
pub fn is_over(minute: Minute, now: OffsetDateTime) -> bool {
    now - minute.end() > LATE + super::window::REDELIVERED_WITHIN
}

impl Remade {
    /// Of a log that was not read yet.
    pub fn new(id: WindowId) -> Self {
        Self { window: Window::new(id.clone()), id, last: None, waiting: Vec::new(), pages: Vec::new() }
    }

    /// Adds the next click of the log.
    ///
    /// # Errors
    /// If counts cannot be packed, which is not known to happen.
    pub fn add(&mut self, click: SequencedClick, now: OffsetDateTime) -> Result<(), PackError> {
        self.last = self.last.max(Some(click.sequence));
        self.waiting.push(click);
        if self.waiting.len() == AT_ONCE { self.count_waiting(now).map(drop) } else { Ok(()) }
    }

    /// Counts what waits, and returns the page that is not full, if there is one.
    fn count_waiting(&mut self, now: OffsetDateTime) -> Result<Option<PageDocument>, PackError> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        let mut last = None;
        while !rest.is_empty() {
            self.window.turn();
            rest = &rest[self.window.count(rest).len()..];
            let document = self.window.document(now)?;
            if document.full {
                self.pages.push(document);
                last = None;
            } else {
                last = Some(document);
            }
        }
        Ok(last)
    }

    /// All pages, from the first to the last.
    fn documents(&self, now: OffsetDateTime) -> Result<Vec<PageDocument>, PackError> {
        let mut whole = self.clone();
        let open = whole.count_waiting(now)?;
        // Nothing waited: the page that is not full is as it was.
        let open = match open {
            None if !whole.window.page().is_full() && whole.window.page().tally().clicks() > 0 => {
                Some(whole.window.document(now)?)
            }
            open => open,
        };
        whole.pages.extend(open);
        Ok(whole.pages)
    }

    /// Compares with `stored`, the log having been read up to sequence number `end`.
    ///
    /// # Errors
    /// If counts cannot be packed, which is not known to happen.
    pub fn compare(&self, stored: &[StoredPage], end: i64, now: OffsetDateTime) -> Result<Comparison, PackError> {
        let pages: Vec<&PageDocument> = stored.iter().filter_map(|page| page.document.as_ref().ok()).collect();
        if let Some(mark) = pages.iter().map(|page| page.mark).max().filter(|mark| *mark > end) {
            return Ok(Comparison::Ahead(mark));
        }
        // A damaged page counts nothing. Whoever goes on at a page before the last, or at a mark below what is counted, counts again.
        let grows_elsewhere = pages.iter().rev().skip(1).any(|page| !page.full);
        if pages.len() < stored.len() || grows_elsewhere || self.last > pages.last().map(|page| page.mark) {
            return Ok(Comparison::Differs);
        }
        let is_same = match (sum(pages), sum(&self.documents(now)?)) {
            (Some(stored), Some(remade)) => stored.is_like(&remade),
            _ => false,
        };
        Ok(if is_same { Comparison::Same } else { Comparison::Differs })
    }

    /// What to write, in this order, in place of `stored`, which does not go beyond the `end` of the log. `known` is the number of
    /// pages that the window is known to have had. The first conflict ends it: then the window is to be read and compared again.
    ///
    /// # Errors
    /// If counts cannot be packed, which is not known to happen.
    pub fn writes(
        &self,
        stored: &[StoredPage],
        known: u32,
        end: i64,
        now: OffsetDateTime,
    ) -> Result<Vec<PageWrite>, PackError> {
        let mut wanted = self.documents(now)?;
        let known = usize::try_from(known.min(MOST_PAGES)).unwrap_or_default();
        // Where a live writer may go on: behind the last page there is or was, since it may remember that one as full.
        let grows_at = stored.len().max(known);
        for number in (0..).take(grows_at + 1).skip(wanted.len()) {
            wanted.push(PageDocument {
                id: PageId { window: self.id.clone(), number }.to_string(),
                ttl: seconds_to_keep(self.id.minute, now),
                mark: end,
                full: false,
                counts: pack(&[], &Tally::default())?,
            });
        }
        let last = wanted.len() - 1;
        let writes = wanted.into_iter().enumerate().filter_map(|(place, mut document)| {
            let stored = stored.get(place);
            if place == last {
                document.mark = end;
            } else {
                document.full = true;
                let is_there = |stored: &PageDocument| stored.full && stored.counts == document.counts;
                if stored.is_some_and(|stored| stored.document.as_ref().is_ok_and(is_there)) {
                    return None;
                }
            }
            Some(PageWrite { document, etag: stored.map(|stored| stored.etag.clone()) })
        });
        Ok(writes.collect())
    }

    /// The write after which every live writer reads the window again: its last page as it is, under a new ETag. It is due where `stored`
    /// counts what the log says, but was replaced in part, or read while it was, by an attempt that ended with a conflict.
    pub fn fence(stored: &[StoredPage]) -> Option<PageWrite> {
        let StoredPage { document, etag } = stored.last()?.clone();
        Some(PageWrite { document: document.ok()?, etag: Some(etag) })
    }
}

/// What pages count together.
struct Sum {
    ids: HashSet<u64>,
    tally: Tally,
    /// Whether there was no room for ids, products and categories.
    is_flood: bool,
}

/// `None` if one of the pages is damaged.
fn sum<'a>(documents: impl IntoIterator<Item = &'a PageDocument>) -> Option<Sum> {
    let mut sum = Sum { ids: HashSet::new(), tally: Tally::default(), is_flood: false };
    for document in documents {
        let (id, page) = <(PageId, Page)>::try_from(document).ok()?;
        sum.ids.extend(page.ids());
        sum.tally.merge(page.tally());
        sum.is_flood |= id.number >= DETAILED_PAGES;
    }
    Some(sum)
}

impl Sum {
    fn is_like(&self, other: &Self) -> bool {
        if self.is_flood || other.is_flood {
            // Where the details end depends on how the clicks were batched.
            return self.tally.clicks() == other.tally.clicks();
        }
        self.ids == other.ids && self.tally.is_like(&other.tally)
    }
}
