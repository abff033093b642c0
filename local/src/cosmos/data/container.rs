//! Containers: items in the order of their keys, the order of their changes, and what follows from both.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use contoso_cosmos_query::effective_partition_key::PartitionKeyDefinition;

use crate::cosmos::{
    data::{
        definition::Definition,
        expiry::Expiry,
        item::{Item, Transaction},
        item_key::{Interval, ItemKey},
        log::{Limits, Log, Slice},
        ranges::FeedRange,
        resource_id::ContainerId,
        unique_keys::{Entry, UniqueKeys},
    },
    wire::request::ContainerName,
};

/// Items that a scan takes at a time.
const CHUNK: usize = 256;

/// A container. Reads share it; one write at a time changes it, once it is stored.
pub(in crate::cosmos) struct Container {
    pub(in crate::cosmos) name: ContainerName,
    pub(in crate::cosmos) id: ContainerId,
    pub(in crate::cosmos) partition_key: PartitionKeyDefinition,
    pub(in crate::cosmos) unique_keys: UniqueKeys,
    pub(in crate::cosmos) ranges: Vec<FeedRange>,
    definition: RwLock<Arc<Definition>>,
    state: RwLock<State>,
}

/// What a container holds.
pub(in crate::cosmos) struct State {
    items: BTreeMap<ItemKey, Arc<Item>>,
    by_number: HashMap<u64, ItemKey>,
    /// By range.
    logs: Vec<Log>,
    unique: HashMap<Entry, ItemKey>,
    expiry: Expiry,
    next_number: u64,
}

impl Container {
    pub(in crate::cosmos) fn new(
        name: ContainerName,
        id: ContainerId,
        definition: Definition,
        ranges: Vec<FeedRange>,
    ) -> Self {
        let state = State {
            items: BTreeMap::new(),
            by_number: HashMap::new(),
            logs: ranges.iter().map(|_| Log::default()).collect(),
            unique: HashMap::new(),
            expiry: Expiry::new(definition.default_ttl),
            next_number: 1,
        };
        Self {
            name,
            id,
            partition_key: definition.partition_key.clone(),
            unique_keys: definition.unique_keys.clone(),
            ranges,
            definition: RwLock::new(Arc::new(definition)),
            state: RwLock::new(state),
        }
    }

    pub(in crate::cosmos) fn definition(&self) -> Arc<Definition> {
        Arc::clone(&self.definition.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was replaced applies to what is there.
    pub(in crate::cosmos) fn redefine(&self, definition: Definition) {
        let mut state = self.state_mut();
        let State { expiry, items, .. } = &mut *state;
        expiry.set_default(definition.default_ttl, items.values().map(|item| &**item));
        *self.definition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(definition);
    }

    /// Number of the range that an effective partition key is in.
    pub(in crate::cosmos) fn range_of(&self, effective: &str) -> usize {
        self.ranges.iter().rposition(|range| range.min.as_str() <= effective).unwrap_or(0)
    }

    /// Number of the range with this id.
    pub(in crate::cosmos) fn range(&self, id: &str) -> Option<usize> {
        self.ranges.iter().position(|range| range.id == id)
    }

    /// The keys of a range.
    pub(in crate::cosmos) fn interval(&self, range: usize) -> Interval {
        self.ranges.get(range).map_or_else(|| Interval::between("", "FF"), |it| Interval::between(&it.min, &it.max))
    }

    /// A look at what it holds. Not to be kept while something is awaited.
    pub(in crate::cosmos) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// LSN of the last write of a range.
    pub(in crate::cosmos) fn lsn(&self, range: usize) -> u64 {
        self.state().lsn(range)
    }

    /// Shows a write that was stored.
    pub(in crate::cosmos) fn apply(&self, transaction: &Transaction) {
        let mut state = self.state_mut();
        // First what goes: one item may take the values of a unique key that another leaves.
        for before in transaction.changes.iter().filter_map(|change| change.before.as_ref()) {
            state.remove(&self.unique_keys, transaction.range, before);
        }
        for after in transaction.changes.iter().filter_map(|change| change.after.as_ref()) {
            state.insert(&self.unique_keys, transaction.range, after);
        }
        state.next_number = transaction.next_number;
        if let Some(log) = state.logs.get_mut(transaction.range) {
            log.lsn = transaction.lsn;
        }
    }

    /// Takes an item as it was stored.
    pub(in crate::cosmos) fn restore(&self, range: usize, item: Item) {
        self.state_mut().insert(&self.unique_keys, range, &Arc::new(item));
    }

    /// Everything of a range was loaded, which stood at `lsn`.
    pub(in crate::cosmos) fn loaded(&self, range: usize, lsn: u64, next_number: u64) {
        let mut state = self.state_mut();
        state.next_number = state.next_number.max(next_number);
        if let Some(log) = state.logs.get_mut(range) {
            log.lsn = lsn;
        }
    }

    /// The items in an interval, after a key, that have not expired. It looks at a few at a time, so that writes go on
    /// meanwhile.
    pub(in crate::cosmos) fn scan(
        self: &Arc<Self>,
        interval: Interval,
        after: Option<Vec<u8>>,
        now_millis: i64,
    ) -> Scan {
        let waiting = Vec::new().into_iter();
        Scan { container: Arc::clone(self), interval, after, now_millis, waiting, done: false }
    }
}

impl State {
    pub(in crate::cosmos) fn get(&self, key: &ItemKey) -> Option<&Arc<Item>> {
        self.items.get(key)
    }

    /// The item at a place as queries know it.
    pub(in crate::cosmos) fn at(&self, position: &[u8]) -> Option<&Arc<Item>> {
        self.items.get(position)
    }

    /// The item with this number among all that the container ever had.
    pub(in crate::cosmos) fn numbered(&self, number: u64) -> Option<&ItemKey> {
        self.by_number.get(&number)
    }

    pub(in crate::cosmos) fn next_number(&self) -> u64 {
        self.next_number
    }

    pub(in crate::cosmos) fn count(&self) -> usize {
        self.items.len()
    }

    pub(in crate::cosmos) fn expiry(&self) -> &Expiry {
        &self.expiry
    }

    /// Who has the values of a unique key.
    pub(in crate::cosmos) fn occupant(&self, entry: &Entry) -> Option<&ItemKey> {
        self.unique.get(entry)
    }

    pub(in crate::cosmos) fn lsn(&self, range: usize) -> u64 {
        self.logs.get(range).map_or(0, |log| log.lsn)
    }

    /// The changes of a range after `lsn`, in an interval or all, but what has expired at `now_millis`.
    pub(in crate::cosmos) fn changes(
        &self,
        range: usize,
        lsn: u64,
        interval: Option<&Interval>,
        now_millis: i64,
        limits: Limits,
    ) -> Slice {
        let Some(log) = self.logs.get(range) else { return Slice::default() };
        let shows = |item: &Item| !self.expiry.is_over(item, now_millis);
        match interval {
            None => log.after(lsn, shows, limits),
            Some(interval) => {
                let bounds = interval.after(None);
                let items = bounds.into_iter().flat_map(|bounds| self.items.range::<[u8], _>(bounds));
                log.after_within(lsn, (interval, items.map(|(_, item)| item)), shows, limits)
            }
        }
    }

    /// The LSN of a range before the first change at or after `millis` since the epoch.
    pub(in crate::cosmos) fn lsn_before(&self, range: usize, millis: i64) -> u64 {
        self.logs.get(range).map_or(0, |log| log.lsn_before(millis))
    }

    fn insert(&mut self, unique_keys: &UniqueKeys, range: usize, item: &Arc<Item>) {
        if !unique_keys.is_empty() {
            for entry in unique_keys.entries(&item.key, &item.document()) {
                self.unique.insert(entry, item.key.clone());
            }
        }
        self.expiry.written(item);
        self.by_number.insert(item.number, item.key.clone());
        if let Some(log) = self.logs.get_mut(range) {
            log.write(item);
        }
        self.items.insert(item.key.clone(), Arc::clone(item));
    }

    fn remove(&mut self, unique_keys: &UniqueKeys, range: usize, item: &Item) {
        if !unique_keys.is_empty() {
            for entry in unique_keys.entries(&item.key, &item.document()) {
                self.unique.remove(&entry);
            }
        }
        self.expiry.removed(item);
        self.by_number.remove(&item.number);
        if let Some(log) = self.logs.get_mut(range) {
            log.remove(item);
        }
        self.items.remove(&item.key);
    }
}

/// See [`Container::scan`].
pub(in crate::cosmos) struct Scan {
    container: Arc<Container>,
    interval: Interval,
    after: Option<Vec<u8>>,
    now_millis: i64,
    waiting: std::vec::IntoIter<Arc<Item>>,
    done: bool,
}

impl Iterator for Scan {
    type Item = Arc<Item>;

    fn next(&mut self) -> Option<Arc<Item>> {
        loop {
            if let Some(item) = self.waiting.next() {
                return Some(item);
            }
            if self.done {
                return None;
            }
            let bounds = self.interval.after(self.after.as_deref())?;
            let state = self.container.state();
            let mut chunk: Vec<Arc<Item>> = Vec::with_capacity(CHUNK);
            chunk.extend(state.items.range::<[u8], _>(bounds).take(CHUNK).map(|(_, item)| Arc::clone(item)));
            self.done = chunk.len() < CHUNK;
            self.after = chunk.last().map(|last| last.key.position().0).or(self.after.take());
            chunk.retain(|item| !state.expiry.is_over(item, self.now_millis));
            self.waiting = chunk.into_iter();
        }
    }
}
