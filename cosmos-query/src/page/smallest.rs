//! The smallest of many entries, which is what a page of a sorted result is.

use std::collections::BTreeMap;

/// Entries with the smallest keys, as many as there is room for.
pub(super) struct Smallest<K, V> {
    entries: BTreeMap<K, (V, u64)>,
    capacity: usize,
    bytes: u64,
    most_bytes: u64,
    /// Whether there are entries beyond these.
    pub(super) more: bool,
}

impl<K: Ord, V> Smallest<K, V> {
    pub(super) fn new(capacity: usize, most_bytes: u64) -> Smallest<K, V> {
        Smallest { entries: BTreeMap::new(), capacity, bytes: 0, most_bytes, more: false }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether an entry with this key would stay; if not, it is among those beyond.
    pub(super) fn wants(&mut self, key: &K) -> bool {
        let wants =
            self.entries.len() < self.capacity || self.entries.last_key_value().is_some_and(|(last, _)| key < last);
        self.more |= !wants;
        wants
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(value, _)| value)
    }

    /// Takes an entry and hands back those that have to go for it. At least one stays.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: u64) -> Vec<V> {
        self.bytes += bytes;
        let mut gone: Vec<V> = self.entries.insert(key, (value, bytes)).into_iter().map(|(value, _)| value).collect();
        while self.entries.len() > 1 && (self.entries.len() > self.capacity || self.bytes > self.most_bytes) {
            let Some((_, (value, bytes))) = self.entries.pop_last() else { break };
            self.bytes -= bytes;
            self.more = true;
            // What is larger than one that went may not come in behind it.
            self.capacity = self.capacity.min(self.entries.len());
            gone.push(value);
        }
        gone
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some((_, bytes)) = self.entries.remove(key) {
            self.bytes -= bytes;
        }
    }

    pub(super) fn into_sorted(self) -> impl Iterator<Item = (K, V)> {
        self.entries.into_iter().map(|(key, (value, _))| (key, value))
    }
}
