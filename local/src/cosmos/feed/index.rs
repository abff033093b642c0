//! Index of the change feed: which items changed at which LSN. It is what makes a change feed read cost what it
//! returns.
//!
//! The emulator copies and sorts every document of a range for each page, idle or not. Every write passes the bridge, so
//! the bridge keeps, per range, the items in order of their last change, and fetches only those that a page needs. An
//! entry is recorded after its write has been stored, so the feed never runs ahead of the journal.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use azure_data_cosmos_driver::models::PartitionKeyDefinition;
use tokio::sync::watch;

use crate::cosmos::{
    emulator::{
        change::Change,
        definition::{Definition, FeedRange},
        item::{ItemChange, ItemKey, ItemVersion},
    },
    feed::{expiry::Expiry, lsns::LsnTranslation},
    wire::request::ContainerName,
};

/// The feeds of all containers.
#[derive(Default)]
pub(in crate::cosmos) struct FeedIndex {
    containers: RwLock<HashMap<ContainerName, Arc<ContainerFeed>>>,
    growth: Mutex<HashMap<ContainerName, watch::Sender<u64>>>,
}

/// What the bridge knows of one container, until it is deleted.
pub(in crate::cosmos) struct ContainerFeed {
    rid: String,
    partition_key: PartitionKeyDefinition,
    ranges: Vec<RangeFeed>,
    expiry: Expiry,
}

/// The feed of one range.
pub(in crate::cosmos) struct RangeFeed {
    bounds: FeedRange,
    /// Version of the vector clock, a part of session tokens.
    version: u64,
    /// Set when the range is loaded; none for one that came into being in this life.
    lsns: OnceLock<LsnTranslation>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// Of the last write, deletes included.
    lsn: u64,
    /// Only the last change of each living item.
    changes: BTreeMap<u64, Transaction>,
    last_change: HashMap<Arc<ItemKey>, ItemVersion>,
}

/// The items that changed together.
struct Transaction {
    at_millis: i64,
    items: Vec<Arc<ItemKey>>,
}

/// A part of a range's feed.
pub(in crate::cosmos) struct Slice {
    /// Whole transactions, by LSN.
    pub(in crate::cosmos) transactions: Vec<(u64, Vec<Arc<ItemKey>>)>,
    /// The range's LSN; the slice reaches up to here if `complete`.
    pub(in crate::cosmos) lsn: u64,
    /// Whether nothing follows.
    pub(in crate::cosmos) complete: bool,
}

impl FeedIndex {
    pub(in crate::cosmos) fn container(&self, name: &ContainerName) -> Option<Arc<ContainerFeed>> {
        self.containers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The names of all containers.
    pub(in crate::cosmos) fn names(&self) -> Vec<ContainerName> {
        self.containers.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Brings the index up to date with a write that was stored, and made at `at_millis`.
    pub(in crate::cosmos) fn apply(&self, change: Change, at_millis: i64) {
        match change {
            Change::Items { container, range, lsn, items } => {
                self.record(&container, &range, lsn, at_millis, &items);
            }
            Change::ContainerCreated { name, definition } => self.add(name, definition),
            Change::ContainerReplaced { name, definition } => {
                if let Some(feed) = self.container(&name) {
                    feed.expiry.set_default(definition.default_ttl);
                }
            }
            Change::ContainerDeleted(name) => self.remove(|other| *other == name),
            Change::DatabaseDeleted(database) => self.remove(|name| name.database == database),
            Change::Elsewhere | Change::Nothing => {}
        }
    }

    fn add(&self, name: ContainerName, definition: Definition) {
        let Definition { rid, default_ttl, partition_key, ranges } = definition;
        let range = |(bounds, version)| RangeFeed { bounds, version, lsns: OnceLock::new(), log: Mutex::default() };
        let ranges = ranges.into_iter().map(range).collect();
        let feed = ContainerFeed { rid, partition_key, ranges, expiry: Expiry::new(default_ttl) };
        self.containers.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(feed));
    }

    fn remove(&self, gone: impl Fn(&ContainerName) -> bool) {
        self.containers.write().unwrap_or_else(PoisonError::into_inner).retain(|name, _| !gone(name));
    }

    /// `items` of `range` changed at `lsn`.
    fn record(&self, name: &ContainerName, range: &str, lsn: u64, at_millis: i64, items: &[ItemChange]) {
        if let Some(feed) = self.container(name)
            && let Some(range) = feed.range(range)
        {
            range.log().record(lsn, at_millis, items);
            for item in items {
                match &item.state {
                    Some(state) => feed.expiry.written(&item.key, at_millis, state.ttl),
                    None => feed.expiry.deleted(&item.key),
                }
            }
        }
        let growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = growth.get(name) {
            sender.send_modify(|writes| *writes += 1);
        }
    }

    /// A count of writes to the container, from now on.
    pub(in crate::cosmos) fn grown(&self, name: &ContainerName) -> watch::Receiver<u64> {
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        growth.entry(name.clone()).or_default().subscribe()
    }
}

impl ContainerFeed {
    /// The container's resource id.
    pub(in crate::cosmos) fn rid(&self) -> &str {
        &self.rid
    }

    /// What its items are distributed by.
    pub(in crate::cosmos) fn partition_key(&self) -> &PartitionKeyDefinition {
        &self.partition_key
    }

    pub(in crate::cosmos) fn expiry(&self) -> &Expiry {
        &self.expiry
    }

    /// A stored item was loaded, with its own `ttl` if it has one. Items come in order of their versions.
    pub(in crate::cosmos) fn restore(
        &self,
        range: &RangeFeed,
        key: ItemKey,
        version: ItemVersion,
        at_millis: i64,
        ttl: Option<i64>,
    ) {
        let key = Arc::new(key);
        range.log().insert(version, at_millis, &key);
        self.expiry.written(&key, at_millis, ttl);
    }

    pub(in crate::cosmos) fn ranges(&self) -> &[RangeFeed] {
        &self.ranges
    }

    pub(in crate::cosmos) fn range(&self, id: &str) -> Option<&RangeFeed> {
        self.ranges.iter().find(|range| range.bounds.id == id)
    }
}

impl RangeFeed {
    pub(in crate::cosmos) fn bounds(&self) -> &FeedRange {
        &self.bounds
    }

    /// All of the range's items have been loaded.
    pub(in crate::cosmos) fn loaded(&self, lsns: LsnTranslation, lsn: u64) {
        self.log().lsn = lsn;
        // It is loaded once, before the account serves anything.
        drop(self.lsns.set(lsns));
    }

    /// How the emulator's LSNs translate.
    pub(in crate::cosmos) fn lsns(&self) -> &LsnTranslation {
        static FRESH: OnceLock<LsnTranslation> = OnceLock::new();
        self.lsns.get().unwrap_or_else(|| FRESH.get_or_init(LsnTranslation::default))
    }

    /// An item's present version, if it lives.
    pub(in crate::cosmos) fn version_of(&self, key: &ItemKey) -> Option<ItemVersion> {
        self.log().last_change.get(key).copied()
    }

    /// LSN of the last stored write.
    pub(in crate::cosmos) fn lsn(&self) -> u64 {
        self.log().lsn
    }

    /// A session token of this range at `lsn`, in the form the emulator gives: one region, number 0.
    pub(in crate::cosmos) fn session_token(&self, lsn: u64) -> String {
        format!("{}:{}#{lsn}#0={lsn}", self.bounds.id, self.version)
    }

    /// Whether `lsn` is still the last stored change of the item.
    pub(in crate::cosmos) fn is_last_change(&self, key: &ItemKey, lsn: u64) -> bool {
        self.version_of(key).is_some_and(|version| version.lsn == lsn)
    }

    /// The LSN before the first change at or after `millis` since the epoch.
    pub(in crate::cosmos) fn lsn_before(&self, millis: i64) -> u64 {
        let log = self.log();
        log.changes.iter().find(|(_, transaction)| transaction.at_millis >= millis).map_or(log.lsn, |(lsn, _)| lsn - 1)
    }

    /// The changes after `lsn`: whole transactions until they hold `limit` items or more.
    pub(in crate::cosmos) fn after(&self, lsn: u64, limit: usize) -> Slice {
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
        for (index, item) in (0u16..).zip(items) {
            if let Some(before) = self.last_change.remove(&item.key) {
                self.forget(before.lsn, &item.key);
            }
            if item.state.is_some() {
                self.insert(ItemVersion { lsn, index }, at_millis, &item.key);
            }
        }
    }

    fn insert(&mut self, version: ItemVersion, at_millis: i64, key: &Arc<ItemKey>) {
        self.last_change.insert(Arc::clone(key), version);
        let transaction =
            self.changes.entry(version.lsn).or_insert_with(|| Transaction { at_millis, items: Vec::new() });
        transaction.items.push(Arc::clone(key));
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
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cosmos::emulator::item::ItemState;

    fn change(id: u8, living: bool) -> ItemChange {
        ItemChange {
            key: Arc::new(ItemKey { partition_key: "[]".to_owned(), id: id.to_string() }),
            state: living.then(|| ItemState { etag: String::new(), body: Bytes::new(), ttl: None }),
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
            let partition_key = serde_json::from_value(json!({ "paths": ["/pk"], "kind": "Hash", "version": 2 })).unwrap();
            let definition =
                Definition { rid: "rid".to_owned(), default_ttl: None, partition_key, ranges: vec![(bounds, 1)] };
            index.add(name.clone(), definition);
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
                    match item.state {
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
