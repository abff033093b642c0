//! Containers: items by key, in the order in which they were created and in that of their changes, and what follows from these.

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
        order::{Order, Part},
        ranges::FeedRange,
        resource_id::ContainerId,
        scan_position::ScanPosition,
        unique_keys::{Entry, UniqueKeys},
    },
    wire::request::ContainerName,
};

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
    /// By range.
    orders: Vec<Order>,
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
            orders: ranges.iter().map(|_| Order::default()).collect(),
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
}

impl State {
    pub(in crate::cosmos) fn get(&self, key: &ItemKey) -> Option<&Arc<Item>> {
        self.items.get(key)
    }

    pub(in crate::cosmos) fn at(&self, place: ScanPosition) -> Option<&Arc<Item>> {
        self.orders.get(place.range)?.get(place.number)
    }

    /// The item with this number among all that the container ever had.
    pub(in crate::cosmos) fn numbered(&self, number: u64) -> Option<&ItemKey> {
        self.orders.iter().find_map(|order| order.get(number)).map(|item| &item.key)
    }

    /// Up to `count` items of a range that were created after the one of this number, in an interval or all; more, where the
    /// interval has no others.
    pub(in crate::cosmos) fn created(
        &self,
        range: usize,
        number: u64,
        interval: Option<&Interval>,
        count: usize,
    ) -> Part {
        let Some(order) = self.orders.get(range) else { return Part { items: Vec::new(), is_last: true } };
        match interval {
            None => order.after(number, count),
            Some(interval) => order.after_within(number, (interval, self.within(interval)), count),
        }
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
            Some(interval) => log.after_within(lsn, (interval, self.within(interval)), shows, limits),
        }
    }

    /// The items of an interval, in the order of their keys.
    fn within(&self, interval: &Interval) -> impl Iterator<Item = &Arc<Item>> {
        let bounds = interval.bounds();
        bounds.into_iter().flat_map(|bounds| self.items.range::<[u8], _>(bounds)).map(|(_, item)| item)
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
        if let Some(order) = self.orders.get_mut(range) {
            order.insert(item);
        }
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
        if let Some(order) = self.orders.get_mut(range) {
            order.remove(item);
        }
        if let Some(log) = self.logs.get_mut(range) {
            log.remove(item);
        }
        self.items.remove(&item.key);
    }
}
