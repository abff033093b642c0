//! Tumbling windows: one partition's clicks of one minute, as documents of `analytics/windows`.
//!
//! A window is a chain of pages, each a document. Only the last page changes; it is written under the ETag it was read with, and when it is
//! full, it says so in its last write and the next one is created. So at any time there is one place where the window can
//! grow, and of two writers one fails and reads again. A write holds the counts *and* the mark: the sequence number of
//! the last hub event considered. What comes again is not above the mark, and is not counted again, whatever happened meanwhile.
//!
//! This is exact as long as a window's events come in the order of the partition, without gaps: whoever feeds it holds back everything
//! behind an event that could not be handled yet.
//!
//! A producer's own repeat has another place in the hub but the same `source`, `id` and time, so it is in the same window, where the ids
//! are known: it is dropped as long as the window is kept, see [`seconds_to_keep`].

use std::{collections::HashSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use xxhash_rust::xxh3::Xxh3;

use super::{
    minute::Minute,
    packed::{PackError, pack, unpack},
    tally::Tally,
};
use crate::click::{Click, LATE};

/// Views after which a page is full. Small pages make small batches cheap; a batch of 500 fills one or two.
const FULL_VIEWS: u64 = 256;
/// Views that a page never exceeds. With 600 of the longest names of products and categories it is still below 512 kB.
const MOST_VIEWS: u64 = 600;
/// Bytes of packed counts after which a page is full.
const FULL_BYTES: usize = 8 << 10;
/// Pages of a window that keep ids, products and categories: more than 100,000 clicks of one minute in one partition, while a partition
/// takes some 60,000 events a minute. What a flood brings beyond is counted in the total alone, exactly as to its place in the
/// hub, but without knowing producers' repeats.
pub const DETAILED_PAGES: u32 = 400;
/// Pages that no window has more of: who finds a higher number has found damage, and need not look for all the pages below it. The last
/// page of a flood does not end, and a window that is made anew gets one page more.
pub const MOST_PAGES: u32 = 10_000;
/// The longest time that a hub's event may be delivered after it was stored: the hub's retention of seven days, and a day.
pub const REDELIVERED_WITHIN: Duration = Duration::days(8);

/// Which window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId {
    /// Partition of the hub.
    pub partition: String,
    /// When its clicks happened.
    pub minute: Minute,
}

/// Which document of a window: `<partition>|<minute>|<number>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    /// The window.
    pub window: WindowId,
    /// From 0, without gaps.
    pub number: u32,
}

/// Not the id of a page.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no id of a window's page")]
pub struct PageIdError(String);

/// A click and its place in the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SequencedClick {
    /// Sequence number in its partition.
    pub sequence: i64,
    /// What a producer's repeat is known by.
    pub event: EventHash,
    /// When it happened.
    pub at: OffsetDateTime,
    /// What happened.
    pub click: Click,
}

/// 64 bits of an event's `source` and `id`. Two of a window's 100,000 collide, and the second is taken for a repeat, once in four
/// billion windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventHash(u64);

impl EventHash {
    /// The hash of an event, the same on every machine.
    pub fn new(source: &str, id: &str) -> Self {
        let mut hash = Xxh3::new();
        hash.update(source.as_bytes());
        // Neither can hold it.
        hash.update(&[0]);
        hash.update(id.as_bytes());
        Self(hash.digest())
    }
}

/// What became of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// It counts from the next write on.
    Counted,
    /// It was considered when it was delivered first.
    Before,
    /// A producer's repeat.
    Repeat,
}

/// A window as far as a writer must know it: its last page, and the ids of all.
#[derive(Clone, Debug)]
pub struct Window {
    id: WindowId,
    seen: HashSet<u64>,
    page: Page,
}

/// One document of a window.
#[derive(Clone, Debug, Default)]
pub struct Page {
    number: u32,
    mark: Option<i64>,
    full: bool,
    ids: Vec<u64>,
    tally: Tally,
}

/// A page as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageDocument {
    /// [`PageId`] as text: also the partition key.
    pub id: String,
    /// Seconds from this write on that it is kept.
    pub ttl: i64,
    /// Sequence number of the last event considered.
    pub mark: i64,
    /// Whether it stays as it is for ever, and the next page follows.
    pub full: bool,
    /// Ids and counts, packed.
    pub counts: String,
}

/// A document that is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Of another id.
    #[error(transparent)]
    Id(#[from] PageIdError),
    /// With damaged counts.
    #[error("page {id} is damaged")]
    Counts {
        /// Its id.
        id: String,
        /// What is wrong.
        source: PackError,
    },
}

/// How long, in seconds from `now`, the documents of a minute are kept: as long as a click of it may be stored, and a stored one may be
/// delivered again. Hence no redelivery finds its window gone, and a minute can always be summed again.
pub fn seconds_to_keep(minute: Minute, now: OffsetDateTime) -> i64 {
    let until_last = minute.end() + LATE + REDELIVERED_WITHIN - now;
    until_last.max(REDELIVERED_WITHIN).whole_seconds()
}

impl Window {
    /// A window that nothing is known of: as if it had no documents.
    pub fn new(id: WindowId) -> Self {
        Self { id, seen: HashSet::new(), page: Page::default() }
    }

    /// The window whose pages these are, from the first to the last.
    pub fn of_pages(id: WindowId, pages: Vec<Page>) -> Self {
        let mut window = Self::new(id);
        for page in pages {
            window.seen.extend(&page.ids);
            window.page = page;
        }
        window
    }

    /// Takes `clicks`, in the order of the partition, until the page has no room, and says what became of those it took.
    /// All that is taken is stored with the next write of [`Window::page`], or not at all.
    pub fn count(&mut self, clicks: &[SequencedClick]) -> Vec<Counting> {
        let mut counted = Vec::with_capacity(clicks.len());
        let mut is_first = true;
        for click in clicks {
            if self.page.mark.is_some_and(|mark| click.sequence <= mark) {
                counted.push(Counting::Before);
                continue;
            }
            // One always fits what is not full, so that a caller who turns full pages always comes on.
            if self.page.full || !(is_first || self.page.has_room()) {
                break;
            }
            is_first = false;
            counted.push(self.take(click));
            self.page.mark = Some(click.sequence);
        }
        counted
    }

    /// Takes a click that was passed over when it came, since it was parked: the mark is past it by now. It counts if it is not known, nor
    /// a repeat of it. Where clicks are not known any more, as in a flood, the answer is `None`, and nothing is taken.
    pub fn count_replayed(&mut self, click: &SequencedClick) -> Option<Counting> {
        let EventHash(id) = click.event;
        if self.seen.contains(&id) {
            return Some(Counting::Before);
        }
        if !self.page.is_detailed() {
            return None;
        }
        // The mark stays: events before it may have yet to come again, since bad ones are parked before good ones are counted.
        Some(self.take(click))
    }

    fn take(&mut self, click: &SequencedClick) -> Counting {
        let EventHash(id) = click.event;
        if self.seen.contains(&id) {
            self.page.tally.repeats += 1;
            return Counting::Repeat;
        }
        if self.page.is_detailed() {
            self.seen.insert(id);
            self.page.ids.push(id);
            self.page.tally.add(&click.click, click.at);
        } else {
            self.page.tally.add_to_total(&click.click);
        }
        Counting::Counted
    }

    /// The page that changes.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Its id.
    pub fn page_id(&self) -> PageId {
        PageId { window: self.id.clone(), number: self.page.number }
    }

    /// The changing page as it is to be stored at `now`. It becomes full here, if it is.
    ///
    /// # Errors
    /// If the counts cannot be packed, which is not known to happen.
    pub fn document(&mut self, now: OffsetDateTime) -> Result<PageDocument, PackError> {
        let counts = pack(&self.page.ids, &self.page.tally)?;
        let is_full = self.page.tally.total.views >= FULL_VIEWS || counts.len() >= FULL_BYTES;
        self.page.full = is_full && self.page.is_detailed();
        Ok(PageDocument {
            id: self.page_id().to_string(),
            ttl: seconds_to_keep(self.id.minute, now),
            mark: self.page.mark.unwrap_or(-1),
            full: self.page.full,
            counts,
        })
    }

    /// Goes on to the next page if the present one, stored, is full. The next one is not stored yet.
    pub fn turn(&mut self) -> bool {
        let is_full = self.page.full;
        if is_full {
            let (number, mark) = (self.page.number + 1, self.page.mark);
            self.page = Page { number, mark, ..Page::default() };
        }
        is_full
    }
}

impl Page {
    /// Whether it stays as it is.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// What it counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the events it counted are known by.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    fn has_room(&self) -> bool {
        self.tally.total.views < MOST_VIEWS || !self.is_detailed()
    }

    fn is_detailed(&self) -> bool {
        self.number < DETAILED_PAGES
    }
}

impl TryFrom<&PageDocument> for (PageId, Page) {
    type Error = PageError;

    fn try_from(document: &PageDocument) -> Result<Self, PageError> {
        let id: PageId = document.id.parse()?;
        let (ids, tally) =
            unpack(&document.counts).map_err(|source| PageError::Counts { id: document.id.clone(), source })?;
        let page = Page { number: id.number, mark: Some(document.mark), full: document.full, ids, tally };
        Ok((id, page))
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.partition, self.minute)
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.window, self.number)
    }
}

impl FromStr for PageId {
    type Err = PageIdError;

    fn from_str(text: &str) -> Result<Self, PageIdError> {
        let parse = || {
            let (window, number) = text.rsplit_once('|')?;
            let (partition, minute) = window.rsplit_once('|')?;
            let minute = minute.parse().ok()?;
            let number = number.parse().ok().filter(|number| *number < MOST_PAGES)?;
            Some(Self { window: WindowId { partition: partition.to_owned(), minute }, number })
        };
        parse().ok_or_else(|| PageIdError(text.to_owned()))
    }
}
