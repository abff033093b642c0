//! Time to live: when each item of a container expires.
//!
//! As in "Time to Live (TTL) in Azure Cosmos DB": a container without `defaultTtl` keeps everything; with one, an item
//! lives for its own `ttl` or else for the container's default, in seconds from its last write, and -1 means for ever.
//! Writes are timed by the stack's clock and not by `_ts`, which the emulator takes from the system.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::cosmos::emulator::item::ItemKey;

/// The expiry of a container's items.
#[derive(Default)]
pub(in crate::cosmos) struct Expiry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `defaultTtl`.
    default: Option<i64>,
    items: HashMap<Arc<ItemKey>, Written>,
    /// Those that will expire, by the millisecond when they do.
    due: BTreeSet<(i64, Arc<ItemKey>)>,
}

#[derive(Clone, Copy)]
struct Written {
    at_millis: i64,
    ttl: Option<i64>,
}

impl Expiry {
    pub(in crate::cosmos) fn new(default: Option<i64>) -> Self {
        Self { state: Mutex::new(State { default, ..State::default() }) }
    }

    /// The container has another `defaultTtl` from now on; it applies to what is there, too.
    pub(in crate::cosmos) fn set_default(&self, default: Option<i64>) {
        let mut state = self.state();
        if state.default == default {
            return;
        }
        state.default = default;
        state.due = state
            .items
            .iter()
            .filter_map(|(key, written)| Some((expires_at(*written, default)?, Arc::clone(key))))
            .collect();
    }

    /// An item was written, with its own `ttl` if it has one.
    pub(in crate::cosmos) fn written(&self, key: &Arc<ItemKey>, at_millis: i64, ttl: Option<i64>) {
        let mut state = self.state();
        state.forget(key);
        let written = Written { at_millis, ttl };
        if let Some(at) = expires_at(written, state.default) {
            state.due.insert((at, Arc::clone(key)));
        }
        state.items.insert(Arc::clone(key), written);
    }

    /// An item was deleted.
    pub(in crate::cosmos) fn deleted(&self, key: &Arc<ItemKey>) {
        self.state().forget(key);
    }

    /// Up to `limit` items that have expired at `now_millis`.
    pub(in crate::cosmos) fn due(&self, now_millis: i64, limit: usize) -> Vec<Arc<ItemKey>> {
        let state = self.state();
        state.due.iter().take_while(|(at, _)| *at <= now_millis).take(limit).map(|(_, key)| Arc::clone(key)).collect()
    }

    /// Whether something has expired at `now_millis`.
    pub(in crate::cosmos) fn is_due(&self, now_millis: i64) -> bool {
        self.state().due.first().is_some_and(|(at, _)| *at <= now_millis)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, key: &Arc<ItemKey>) {
        if let Some(before) = self.items.remove(key)
            && let Some(at) = expires_at(before, self.default)
        {
            self.due.remove(&(at, Arc::clone(key)));
        }
    }
}

/// The millisecond at which an item expires, if it does.
fn expires_at(written: Written, default: Option<i64>) -> Option<i64> {
    let ttl = written.ttl.unwrap_or(default?);
    default.filter(|_| ttl > 0).map(|_| written.at_millis.saturating_add(ttl.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u8, Option<i64>),
        Delete(u8),
        Default(Option<i64>),
        Wait(i64),
    }

    fn ttl() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![Just(None), Just(Some(-1)), (1i64..5).prop_map(Some)]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u8..5, ttl()).prop_map(|(id, ttl)| Step::Write(id, ttl)),
            (0u8..5).prop_map(Step::Delete),
            ttl().prop_map(Step::Default),
            (0i64..4000).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// What is due is what the documentation's rule says of every item, whatever happened before.
        #[test]
        fn an_item_is_due_by_its_own_ttl_or_the_default_and_only_where_ttl_is_on(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let expiry = Expiry::new(None);
            let keys: Vec<_> = (0u8..5)
                .map(|id| Arc::new(ItemKey { partition_key: "[]".to_owned(), id: id.to_string() }))
                .collect();
            let (mut model, mut default, mut now) = (BTreeMap::new(), None, 0i64);
            for step in steps {
                match step {
                    Step::Write(id, ttl) => {
                        expiry.written(&keys[usize::from(id)], now, ttl);
                        model.insert(id, (now, ttl));
                    }
                    Step::Delete(id) => {
                        expiry.deleted(&keys[usize::from(id)]);
                        model.remove(&id);
                    }
                    Step::Default(ttl) => {
                        expiry.set_default(ttl);
                        default = ttl;
                    }
                    Step::Wait(millis) => now += millis,
                }
                let mut due: Vec<String> = expiry.due(now, usize::MAX).iter().map(|key| key.id.clone()).collect();
                due.sort();
                let expected: Vec<String> = model
                    .iter()
                    .filter(|(_, (at, own))| match (default, own.or(default)) {
                        (Some(_), Some(ttl)) => ttl != -1 && at + ttl * 1000 <= now,
                        _ => false,
                    })
                    .map(|(id, _)| id.to_string())
                    .collect();
                prop_assert_eq!(expiry.is_due(now), !due.is_empty());
                prop_assert_eq!(due, expected);
            }
        }
    }
}
