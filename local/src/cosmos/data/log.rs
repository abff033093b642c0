//! The log of a range: the order of its changes, of which the change feed is read.

use std::{collections::BTreeMap, sync::Arc};

use crate::cosmos::data::{
    item::{Item, Version},
    item_key::Interval,
};

/// Writes between two places whose time is kept, where the clock moved on meanwhile.
const APART: u32 = 256;

/// The changes of one range.
#[derive(Default)]
pub(in crate::cosmos) struct Log {
    /// Of the last write, deletes included.
    pub(in crate::cosmos) lsn: u64,
    /// Only the last change of each living item.
    changes: BTreeMap<Version, Arc<Item>>,
    times: Times,
}

/// A part of a range's change feed.
#[derive(Debug, Default, PartialEq)]
pub(in crate::cosmos) struct Slice {
    /// Items of whole transactions, in their order.
    pub(in crate::cosmos) items: Vec<Arc<Item>>,
    /// The LSN up to which this reaches.
    pub(in crate::cosmos) next: u64,
    /// The range's LSN.
    pub(in crate::cosmos) lsn: u64,
}

/// How much a slice may have.
#[derive(Clone, Copy)]
pub(in crate::cosmos) struct Limits {
    /// Items after which it ends, with their transaction.
    pub(in crate::cosmos) items: usize,
    /// Bytes of JSON before which it ends, with the transaction before; it has one transaction at least.
    pub(in crate::cosmos) bytes: usize,
}

/// About what the service's own members add to a document.
const ADDED: usize = 320;

impl Log {
    /// An item was written. Its version is after all that were.
    pub(in crate::cosmos) fn write(&mut self, item: &Arc<Item>) {
        self.times.write(item.version.lsn, item.at_millis);
        self.changes.insert(item.version, Arc::clone(item));
    }

    /// An item was deleted or written again.
    pub(in crate::cosmos) fn remove(&mut self, item: &Item) {
        self.changes.remove(&item.version);
    }

    /// The changes after `lsn` of the items that show: whole transactions within the limits. It costs what it returns.
    pub(in crate::cosmos) fn after(&self, lsn: u64, shows: impl Fn(&Item) -> bool, limits: Limits) -> Slice {
        let mut page = Page::new(lsn, limits);
        for (version, item) in self.since(lsn) {
            if page.is_full_before(version.lsn) {
                return page.until(self.lsn);
            }
            if !page.takes(item, shows(item)) {
                return page.until(self.lsn);
            }
        }
        page.complete(self.lsn)
    }

    /// The same of an interval, which has `items`.
    ///
    /// They are looked for in two ways at once, a step of each in turn until one is done: among all changes after `lsn`, and
    /// among all items of the interval. So an interval of few items costs these, however much the range has, and one of many
    /// costs what stands between its changes; a write costs nothing for it.
    pub(in crate::cosmos) fn after_within<'a>(
        &'a self,
        lsn: u64,
        (interval, mut items): (&Interval, impl Iterator<Item = &'a Arc<Item>>),
        shows: impl Fn(&Item) -> bool,
        limits: Limits,
    ) -> Slice {
        let mut page = Page::new(lsn, limits);
        let mut found: Vec<&Arc<Item>> = Vec::new();
        for (version, item) in self.since(lsn) {
            if page.is_full_before(version.lsn) {
                return page.until(self.lsn);
            }
            if !page.takes(item, interval.has(&item.key) && shows(item)) {
                return page.until(self.lsn);
            }
            match items.next() {
                Some(item) => found.extend((item.version.lsn > lsn).then_some(item)),
                None => return self.page_of(found, lsn, shows, limits),
            }
        }
        page.complete(self.lsn)
    }

    /// A slice of `items`, which are all that it could have.
    fn page_of(&self, mut items: Vec<&Arc<Item>>, lsn: u64, shows: impl Fn(&Item) -> bool, limits: Limits) -> Slice {
        items.sort_unstable_by_key(|item| item.version);
        let mut page = Page::new(lsn, limits);
        for item in items {
            if page.is_full_before(item.version.lsn) {
                return page.until(self.lsn);
            }
            if !page.takes(item, shows(item)) {
                return page.until(self.lsn);
            }
        }
        page.complete(self.lsn)
    }

    fn since(&self, lsn: u64) -> impl Iterator<Item = (&Version, &Arc<Item>)> {
        self.changes.range(Version { lsn: lsn.saturating_add(1), index: 0 }..)
    }

    /// The LSN before the first change at or after `millis` since the epoch. A clock may have been set back, so later changes
    /// may be earlier ones by time.
    pub(in crate::cosmos) fn lsn_before(&self, millis: i64) -> u64 {
        let from = Version { lsn: self.times.start(millis), index: 0 };
        let found = self.changes.range(from..).find(|(_, item)| item.at_millis >= millis);
        found.map_or(self.lsn, |(version, _)| version.lsn - 1)
    }
}

/// A slice that is being made.
struct Page {
    slice: Slice,
    bytes: usize,
    limits: Limits,
    /// Items before the transaction under way, and the LSN up to which they reach.
    whole: (usize, u64),
}

impl Page {
    fn new(lsn: u64, limits: Limits) -> Self {
        Self { slice: Slice { items: Vec::new(), next: lsn, lsn }, bytes: 0, limits, whole: (0, lsn) }
    }

    /// Whether it ends before the transaction with this LSN.
    fn is_full_before(&mut self, lsn: u64) -> bool {
        if lsn > self.slice.next {
            self.whole = (self.slice.items.len(), self.slice.next);
        }
        lsn > self.slice.next && self.slice.items.len() >= self.limits.items
    }

    /// Takes an item if it shows; false where it ends before this item's transaction instead, as that would be too much.
    fn takes(&mut self, item: &Arc<Item>, shows: bool) -> bool {
        self.slice.next = item.version.lsn;
        if shows {
            self.bytes = self.bytes.saturating_add(item.text.len() + ADDED);
            let (before, next) = self.whole;
            if before > 0 && self.bytes > self.limits.bytes {
                self.slice.items.truncate(before);
                self.slice.next = next;
                return false;
            }
            self.slice.items.push(Arc::clone(item));
        }
        true
    }

    /// There is more in the range, which is at `lsn`.
    fn until(self, lsn: u64) -> Slice {
        Slice { lsn, ..self.slice }
    }

    /// There is nothing more.
    fn complete(self, lsn: u64) -> Slice {
        Slice { next: lsn.max(self.slice.next), lsn, ..self.slice }
    }
}

/// Where a log was at what time, roughly: a date leads to a place not far before what was written since. It knows what was
/// written, not what lives, so nothing is taken out of it; it has 16 bytes for each 256 writes.
#[derive(Default)]
struct Times {
    /// Of all writes so far.
    latest: Option<i64>,
    /// Writes since the last step.
    writes: u32,
    /// A time in milliseconds and an LSN, before which nothing is later. Both grow.
    steps: Vec<(i64, u64)>,
}

impl Times {
    fn write(&mut self, lsn: u64, at_millis: i64) {
        let reached = self.steps.last().map(|(latest, _)| *latest);
        if let Some(latest) = self.latest
            && self.writes >= APART
            && reached < self.latest
        {
            self.steps.push((latest, lsn));
            self.writes = 0;
        }
        self.writes = self.writes.saturating_add(1);
        self.latest = self.latest.max(Some(at_millis));
    }

    /// An LSN before which nothing is at or after `millis`.
    fn start(&self, millis: i64) -> u64 {
        let earlier = self.steps.partition_point(|(latest, _)| *latest < millis);
        earlier.checked_sub(1).and_then(|last| self.steps.get(last)).map_or(0, |(_, lsn)| *lsn)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::cosmos::data::item_key::ItemKey;

    /// A key of one of these partition keys; `F` is that of few items.
    const PARTITIONS: [&str; 3] = ["0A", "0B", "0F"];

    fn item(partition: usize, id: u8, lsn: u64, at_millis: i64) -> Arc<Item> {
        let key = ItemKey::new(PARTITIONS[partition], &id.to_string());
        let version = Version { lsn, index: 0 };
        Arc::new(Item {
            key,
            number: 1,
            etag: "".into(),
            at_millis,
            version,
            ttl: None,
            text: Bytes::from_static(b"{}"),
        })
    }

    proptest! {
        /// Whichever way was done first.
        #[test]
        fn a_slice_of_an_interval_is_that_of_the_range_without_the_rest(
            writes in prop::collection::vec((0usize..3, 0u8..6, any::<bool>()), 0..60),
            after in 0u64..60,
            limit in 1usize..5,
        ) {
            let mut log = Log::default();
            let mut living: BTreeMap<ItemKey, Arc<Item>> = BTreeMap::new();
            for (partition, id, is_deletion) in writes {
                log.lsn += 1;
                let written = item(partition, id, log.lsn, 0);
                if let Some(before) = living.remove(&written.key) {
                    log.remove(&before);
                }
                if !is_deletion {
                    log.write(&written);
                    living.insert(written.key.clone(), written);
                }
            }
            let limits = Limits { items: limit, bytes: usize::MAX };
            for partition in PARTITIONS {
                let interval = Interval::between(partition, partition);
                let shows = |item: &Item| item.key.id() != "5";
                let rest = |lsn| log.after(lsn, |item| interval.has(&item.key) && shows(item), limits);
                let items = living.values().filter(|item| interval.has(&item.key));
                let slice = log.after_within(after, (&interval, items), shows, limits);
                let expected = rest(after);
                prop_assert_eq!(&slice.items, &expected.items);
                // It may know further that nothing else is there.
                prop_assert!(slice.next >= expected.next && slice.lsn == expected.lsn);
                prop_assert_eq!(rest(slice.next).items, rest(expected.next).items);
            }
        }
    }

    #[test]
    fn a_date_leads_to_the_first_change_since_also_where_the_clock_was_set_back() {
        let mut log = Log::default();
        let mut written = Vec::new();
        for lsn in 1..=5000u64 {
            let step = i64::try_from(lsn).unwrap() * 10;
            // Back by an hour for a while, and stopped for another.
            let at_millis = match lsn {
                2000..2600 => step - 3_600_000,
                4000..4500 => 40_000,
                _ => step,
            };
            log.lsn = lsn;
            let item = item(0, 0, lsn, at_millis);
            log.write(&item);
            if lsn % 3 == 0 { log.remove(&item) } else { written.push((at_millis, lsn)) }
        }
        assert!(log.times.steps.len() > 10);
        for millis in (-3_700_000..60_000).step_by(97) {
            let first = written.iter().find(|(at_millis, _)| *at_millis >= millis);
            assert_eq!(log.lsn_before(millis), first.map_or(5000, |(_, lsn)| lsn - 1), "{millis}");
        }
    }
}
