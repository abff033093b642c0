//! A cache of the values written last, so that the next write of one needs no read. Losing one costs a read; a stale one is found out
//! by its ETag.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The values last put here, up to a limit.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    limit: usize,
    values: Mutex<Values<K, V>>,
}

#[derive(Debug)]
struct Values<K, V> {
    /// Counts what was put, so that the least recent is known.
    clock: u64,
    by_key: HashMap<K, (u64, V)>,
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    /// Room for `limit` values.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, values: Mutex::new(Values { clock: 0, by_key: HashMap::new() }) }
    }

    /// Takes a value out: while somebody works with it, nobody else does.
    pub(crate) fn take(&self, key: &K) -> Option<V> {
        self.values().by_key.remove(key).map(|(_, value)| value)
    }

    /// Keeps a value, and lets go of the one put least recently if there is no room.
    pub(crate) fn put(&self, key: K, value: V) {
        let mut values = self.values();
        values.clock += 1;
        let now = values.clock;
        values.by_key.insert(key, (now, value));
        if values.by_key.len() > self.limit {
            let oldest = values.by_key.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                values.by_key.remove(&oldest);
            }
        }
    }

    fn values(&self) -> MutexGuard<'_, Values<K, V>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recent_goes() {
        let cache = Cache::new(2);
        cache.put("a", 1);
        cache.put("b", 2);
        let a = cache.take(&"a").unwrap();
        cache.put("a", a);
        cache.put("c", 3);
        assert_eq!((cache.take(&"a"), cache.take(&"b"), cache.take(&"c")), (Some(1), None, Some(3)));
    }
}
