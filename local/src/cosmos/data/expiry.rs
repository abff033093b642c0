//! Time to live: when each item of a container expires.
//!
//! As in "Time to Live (TTL) in Azure Cosmos DB": a container without `defaultTtl` keeps everything; with one, an item
//! lives for its own `ttl` or else for the container's default, in seconds from its last write, and -1 means for ever.

use std::collections::BTreeSet;

use crate::cosmos::data::{item::Item, item_key::ItemKey};

/// The expiry of a container's items.
#[derive(Default)]
pub(in crate::cosmos) struct Expiry {
    /// `defaultTtl`.
    default: Option<i64>,
    /// Those that will expire, by the millisecond when they do.
    due: BTreeSet<(i64, ItemKey)>,
}

impl Expiry {
    pub(in crate::cosmos) fn new(default: Option<i64>) -> Self {
        Self { default, due: BTreeSet::new() }
    }

    /// The container has another `defaultTtl` from now on; it applies to what is there, too.
    pub(in crate::cosmos) fn set_default<'a>(&mut self, default: Option<i64>, items: impl Iterator<Item = &'a Item>) {
        if self.default != default {
            self.default = default;
            self.due = items.filter_map(|item| Some((expires_at(item, default)?, item.key.clone()))).collect();
        }
    }

    pub(in crate::cosmos) fn written(&mut self, item: &Item) {
        if let Some(at) = expires_at(item, self.default) {
            self.due.insert((at, item.key.clone()));
        }
    }

    /// An item was deleted or written again.
    pub(in crate::cosmos) fn removed(&mut self, item: &Item) {
        if let Some(at) = expires_at(item, self.default) {
            self.due.remove(&(at, item.key.clone()));
        }
    }

    /// Up to `limit` items that have expired at `now_millis`.
    pub(in crate::cosmos) fn due(&self, now_millis: i64, limit: usize) -> Vec<ItemKey> {
        self.due.iter().take_while(|(at, _)| *at <= now_millis).take(limit).map(|(_, key)| key.clone()).collect()
    }

    /// Whether an item has expired at `now_millis`, whether it is deleted yet or not.
    pub(in crate::cosmos) fn is_over(&self, item: &Item, now_millis: i64) -> bool {
        expires_at(item, self.default).is_some_and(|at| at <= now_millis)
    }

    /// Whether something has expired at `now_millis`.
    pub(in crate::cosmos) fn is_due(&self, now_millis: i64) -> bool {
        self.due.first().is_some_and(|(at, _)| *at <= now_millis)
    }
}

/// The millisecond at which an item expires, if it does.
fn expires_at(item: &Item, default: Option<i64>) -> Option<i64> {
    let ttl = item.ttl.unwrap_or(default?);
    default.filter(|_| ttl > 0).map(|_| item.at_millis.saturating_add(ttl.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::cosmos::data::item::Version;

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

    fn item(id: u8, at_millis: i64, ttl: Option<i64>) -> Item {
        let (key, version) = (ItemKey::new("", &id.to_string()), Version { lsn: 1, index: 0 });
        Item { key, number: 1, etag: "".into(), at_millis, version, ttl, text: Bytes::new() }
    }

    proptest! {
        /// What is due is what the documentation's rule says of every item, whatever happened before.
        #[test]
        fn an_item_is_due_by_its_own_ttl_or_the_default_and_only_where_ttl_is_on(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let mut expiry = Expiry::new(None);
            let (mut model, mut default, mut now) = (BTreeMap::<u8, Item>::new(), None, 0i64);
            for step in steps {
                match step {
                    Step::Write(id, ttl) => {
                        let written = item(id, now, ttl);
                        if let Some(before) = model.insert(id, written.clone()) {
                            expiry.removed(&before);
                        }
                        expiry.written(&written);
                    }
                    Step::Delete(id) => {
                        if let Some(before) = model.remove(&id) {
                            expiry.removed(&before);
                        }
                    }
                    Step::Default(ttl) => {
                        expiry.set_default(ttl, model.values());
                        default = ttl;
                    }
                    Step::Wait(millis) => now += millis,
                }
                let mut due: Vec<String> = expiry.due(now, usize::MAX).iter().map(|key| key.id().to_owned()).collect();
                due.sort();
                let expected: Vec<String> = model
                    .iter()
                    .filter(|(_, item)| match (default, item.ttl.or(default)) {
                        (Some(_), Some(ttl)) => ttl != -1 && item.at_millis + ttl * 1000 <= now,
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
