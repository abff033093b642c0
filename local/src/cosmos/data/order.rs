//! Order: the living items of a range as they were created, which is the order of feeds and of queries without ORDER BY.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use crate::cosmos::data::{item::Item, item_key::Interval};

/// The living items of one range, by number.
#[derive(Default)]
pub(in crate::cosmos) struct Order(BTreeMap<u64, Arc<Item>>);

/// A part of an order.
#[derive(Debug, PartialEq)]
pub(in crate::cosmos) struct Part {
    pub(in crate::cosmos) items: Vec<Arc<Item>>,
    /// Whether nothing follows it.
    pub(in crate::cosmos) is_last: bool,
}

impl Order {
    pub(in crate::cosmos) fn insert(&mut self, item: &Arc<Item>) {
        self.0.insert(item.number, Arc::clone(item));
    }

    pub(in crate::cosmos) fn remove(&mut self, item: &Item) {
        self.0.remove(&item.number);
    }

    pub(in crate::cosmos) fn get(&self, number: u64) -> Option<&Arc<Item>> {
        self.0.get(&number)
    }

    /// Up to `count` items after a number.
    pub(in crate::cosmos) fn after(&self, number: u64, count: usize) -> Part {
        let items: Vec<Arc<Item>> = self.since(number).take(count).map(Arc::clone).collect();
        Part { is_last: items.len() < count, items }
    }

    /// The same of an interval, which has `all`; it may be more than `count`, where these are then all.
    ///
    /// They are looked for in two ways at once, a step of each in turn until one is done: among all items after the number, and
    /// among all of the interval. So an interval of few items costs these, and one of many what stands between them.
    pub(in crate::cosmos) fn after_within<'a>(
        &'a self,
        number: u64,
        (interval, mut all): (&Interval, impl Iterator<Item = &'a Arc<Item>>),
        count: usize,
    ) -> Part {
        let mut items: Vec<Arc<Item>> = Vec::new();
        let mut found: Vec<&Arc<Item>> = Vec::new();
        for item in self.since(number) {
            if interval.has(&item.key) {
                items.push(Arc::clone(item));
            }
            if items.len() >= count {
                return Part { items, is_last: false };
            }
            match all.next() {
                Some(item) => found.extend((item.number > number).then_some(item)),
                None => {
                    found.sort_unstable_by_key(|item| item.number);
                    return Part { items: found.into_iter().map(Arc::clone).collect(), is_last: true };
                }
            }
        }
        Part { items, is_last: true }
    }

    fn since(&self, number: u64) -> impl Iterator<Item = &Arc<Item>> {
        self.0.range((Bound::Excluded(number), Bound::Unbounded)).map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::cosmos::data::{item::Version, item_key::ItemKey};

    proptest! {
        /// Whichever way was done first.
        #[test]
        fn a_part_of_an_interval_is_that_of_the_range_without_the_rest(
            keys in prop::collection::vec(0u8..4, 0..80),
            after in 0u64..80,
            count in 1usize..9,
        ) {
            let mut order = Order::default();
            let mut by_key: BTreeMap<ItemKey, Arc<Item>> = BTreeMap::new();
            for (number, key) in (1..).zip(keys) {
                // Ids in the opposite order, and the last key has few.
                let key = ItemKey::new(["0A", "0B", "0C", "0F"][usize::from(key)], &format!("{:03}", 999 - number));
                let version = Version { lsn: 1, index: 0 };
                let text = Bytes::from_static(b"{}");
                let item = Item { key, number, etag: "".into(), at_millis: 0, version, ttl: None, text };
                let item = Arc::new(item);
                order.insert(&item);
                by_key.insert(item.key.clone(), item);
            }
            for interval in [Interval::between("0A", "0A"), Interval::between("0B", "0D"), Interval::between("0F", "0F")] {
                let all = || by_key.values().filter(|item| interval.has(&item.key));
                let part = order.after_within(after, (&interval, all()), count);
                let rest = order.after(after, usize::MAX).items.into_iter().filter(|item| interval.has(&item.key));
                let rest: Vec<Arc<Item>> = rest.collect();
                prop_assert!(part.items.len() >= count.min(rest.len()));
                prop_assert_eq!(&part.items[..], &rest[..part.items.len()]);
                prop_assert!(!part.is_last || part.items.len() == rest.len());
            }
        }
    }
}
