//! Which items changed at which LSN: what makes a change feed read cost what it returns.
//!
//! The emulator copies and sorts every document of a range for each page, idle or not. Every write passes the bridge, so
//! the bridge keeps, per range, the items in order of their last change, and fetches only those that a page needs. An
//! entry is recorded after its write has been stored, so the feed never runs ahead of the journal.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tokio::sync::watch;

use super::{
    FeedRange,
    outcome::{ItemChange, ItemKey},
    request::ContainerName,
};

/// The feeds of all containers.
#[derive(Default)]
pub(super) struct FeedIndex {
    containers: RwLock<HashMap<ContainerName, Arc<ContainerFeed>>>,
    growth: Mutex<HashMap<ContainerName, watch::Sender<u64>>>,
}

/// The feed of one container, until it is deleted.
pub(super) struct ContainerFeed {
    rid: String,
    ranges: Vec<RangeFeed>,
}

/// The feed of one range.
pub(super) struct RangeFeed {
    bounds: FeedRange,
    /// Version of the vector clock, a part of session tokens.
    version: u64,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// Of the last write, deletes included.
    lsn: u64,
    /// Only the last change of each living item.
    changes: BTreeMap<u64, Transaction>,
    last_change: HashMap<Arc<ItemKey>, u64>,
}

/// The items that changed together.
struct Transaction {
    at_millis: i64,
    items: Vec<Arc<ItemKey>>,
}

/// A part of a range's feed.
pub(super) struct Slice {
    /// Whole transactions, by LSN.
    pub(super) transactions: Vec<(u64, Vec<Arc<ItemKey>>)>,
    /// The range's LSN; the slice reaches up to here if `complete`.
    pub(super) lsn: u64,
    /// Whether nothing follows.
    pub(super) complete: bool,
}

impl FeedIndex {
    pub(super) fn container(&self, name: &ContainerName) -> Option<Arc<ContainerFeed>> {
        self.containers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A container came into being, with its ranges and the version of each range's vector clock.
    pub(super) fn add(&self, name: ContainerName, rid: String, ranges: Vec<(FeedRange, u64)>) {
        let ranges =
            ranges.into_iter().map(|(bounds, version)| RangeFeed { bounds, version, log: Mutex::default() }).collect();
        self.containers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, Arc::new(ContainerFeed { rid, ranges }));
    }

    /// Forgets every container that `gone` names.
    pub(super) fn remove(&self, gone: impl Fn(&ContainerName) -> bool) {
        self.containers.write().unwrap_or_else(PoisonError::into_inner).retain(|name, _| !gone(name));
    }

    /// A stored write: `items` of `range` changed at `lsn`.
    pub(super) fn record(&self, name: &ContainerName, range: &str, lsn: u64, at_millis: i64, items: &[ItemChange]) {
        if let Some(range) = self.container(name).as_ref().and_then(|feed| feed.range(range)) {
            range.log().record(lsn, at_millis, items);
        }
        let growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = growth.get(name) {
            sender.send_modify(|writes| *writes += 1);
        }
    }

    /// A count of writes to the container, from now on.
    pub(super) fn grown(&self, name: &ContainerName) -> watch::Receiver<u64> {
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        growth.entry(name.clone()).or_default().subscribe()
    }
}

impl ContainerFeed {
    /// The container's resource id.
    pub(super) fn rid(&self) -> &str {
        &self.rid
    }

    pub(super) fn ranges(&self) -> &[RangeFeed] {
        &self.ranges
    }

    pub(super) fn range(&self, id: &str) -> Option<&RangeFeed> {
        self.ranges.iter().find(|range| range.bounds.id == id)
    }
}

impl RangeFeed {
    pub(super) fn bounds(&self) -> &FeedRange {
        &self.bounds
    }

    /// LSN of the last stored write.
    pub(super) fn lsn(&self) -> u64 {
        self.log().lsn
    }

    /// A session token of this range at `lsn`, in the form the emulator gives: one region, number 0.
    pub(super) fn session_token(&self, lsn: u64) -> String {
        format!("{}:{}#{lsn}#0={lsn}", self.bounds.id, self.version)
    }

    /// Whether `lsn` is still the last stored change of the item.
    pub(super) fn is_last_change(&self, key: &ItemKey, lsn: u64) -> bool {
        self.log().last_change.get(key) == Some(&lsn)
    }

    /// The LSN before the first change at or after `millis` since the epoch.
    pub(super) fn lsn_before(&self, millis: i64) -> u64 {
        let log = self.log();
        log.changes.iter().find(|(_, transaction)| transaction.at_millis >= millis).map_or(log.lsn, |(lsn, _)| lsn - 1)
    }

    /// The changes after `lsn`: whole transactions until they hold `limit` items or more.
    pub(super) fn after(&self, lsn: u64, limit: usize) -> Slice {
        let log = self.log();
        let mut slice = Slice { transactions: Vec::new(), lsn: log.lsn, complete: true };
        let mut count = 0;
        for (lsn, transaction) in log.changes.range(lsn.saturating_add(1)..) {
            if count >= limit {
                slice.complete = false;
                break;
            }
            count += transaction.items.len();
            slice.transactions.push((*lsn, transaction.items.clone()));
        }
        slice
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn record(&mut self, lsn: u64, at_millis: i64, items: &[ItemChange]) {
        self.lsn = self.lsn.max(lsn);
        let mut living = Vec::with_capacity(items.len());
        for item in items {
            if let Some(before) = self.last_change.remove(&item.key) {
                self.forget(before, &item.key);
            }
            if item.etag.is_some() {
                self.last_change.insert(Arc::clone(&item.key), lsn);
                living.push(Arc::clone(&item.key));
            }
        }
        if !living.is_empty() {
            self.changes.insert(lsn, Transaction { at_millis, items: living });
        }
    }

    fn forget(&mut self, lsn: u64, key: &ItemKey) {
        if let Some(transaction) = self.changes.get_mut(&lsn) {
            transaction.items.retain(|item| **item != *key);
            if transaction.items.is_empty() {
                self.changes.remove(&lsn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(id: u8, living: bool) -> ItemChange {
        ItemChange {
            key: Arc::new(ItemKey { partition_key: "[]".to_owned(), id: id.to_string() }),
            etag: living.then(String::new),
        }
    }

    proptest! {
        /// Whatever is written, and however a reader pages, it ends with every living item at its last change.
        #[test]
        fn a_reader_that_follows_the_feed_has_the_last_change_of_every_living_item(
            writes in prop::collection::vec(prop::collection::vec((0u8..6, any::<bool>()), 1..4), 0..40),
            limit in 1usize..5,
            read_between in any::<bool>(),
        ) {
            let index = FeedIndex::default();
            let name = ContainerName::new("d", "c");
            let bounds = FeedRange { id: "0".to_owned(), min: String::new(), max: "FF".to_owned() };
            index.add(name.clone(), "rid".to_owned(), vec![(bounds, 1)]);
            let feed = index.container(&name).unwrap();
            let range = feed.range("0").unwrap();
            let mut model: BTreeMap<String, u64> = BTreeMap::new();
            let mut seen: BTreeMap<String, u64> = BTreeMap::new();
            let mut cursor = 0;
            let read = |cursor: &mut u64, seen: &mut BTreeMap<String, u64>| {
                loop {
                    let slice = range.after(*cursor, limit);
                    for (lsn, items) in &slice.transactions {
                        for item in items {
                            seen.insert(item.id.clone(), *lsn);
                        }
                        *cursor = *lsn;
                    }
                    if slice.complete {
                        *cursor = slice.lsn;
                        return;
                    }
                }
            };
            for (lsn, write) in (1u64..).zip(&writes) {
                let mut items: Vec<ItemChange> = Vec::new();
                for (id, living) in write {
                    items.retain(|item| item.key.id != id.to_string());
                    items.push(change(*id, *living));
                }
                for item in &items {
                    match item.etag {
                        Some(_) => model.insert(item.key.id.clone(), lsn),
                        None => model.remove(&item.key.id),
                    };
                }
                index.record(&name, "0", lsn, 0, &items);
                if read_between {
                    read(&mut cursor, &mut seen);
                }
            }
            read(&mut cursor, &mut seen);
            prop_assert_eq!(cursor, writes.len() as u64);
            seen.retain(|id, _| model.contains_key(id));
            prop_assert_eq!(seen, model);
        }
    }
}
