//! Cache of the lists this process wrote lately, so that the next clicks of a visit need no read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    azure::cosmos::Stored,
    domain::{click::VisitorId, recently_viewed::RecentlyViewed},
};

/// Views in the lists of one generation, counting a list itself as so many; twice as many are kept. Some 15 MB in all, and enough for
/// the visitors of half a minute at a thousand clicks a second: most click again within that.
const GENERATION: usize = 1 << 16;
const OF_ITSELF: usize = 3;

/// Lists with the ETag they have, unless somebody else wrote them since. The least recent half goes when the other is full.
#[derive(Debug, Default)]
pub(super) struct WrittenLists(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<VisitorId, Stored<RecentlyViewed>>,
    old: HashMap<VisitorId, Stored<RecentlyViewed>>,
    /// Of the young ones.
    weight: usize,
}

impl WrittenLists {
    /// Takes a list out: while somebody works with it, nobody else does.
    pub(super) fn take(&self, visitor: &VisitorId) -> Option<Stored<RecentlyViewed>> {
        let mut generations = self.generations();
        if let Some(list) = generations.young.remove(visitor) {
            generations.weight = generations.weight.saturating_sub(weight(&list.value));
            return Some(list);
        }
        generations.old.remove(visitor)
    }

    /// Keeps a list as it is stored now.
    pub(super) fn put(&self, list: Stored<RecentlyViewed>) {
        let mut generations = self.generations();
        generations.weight += weight(&list.value);
        if let Some(replaced) = generations.young.insert(list.value.id.clone(), list) {
            generations.weight = generations.weight.saturating_sub(weight(&replaced.value));
        }
        if generations.weight >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
            generations.weight = 0;
        }
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // Losing a list costs a read, and a stale one is found out by its ETag.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(list: &RecentlyViewed) -> usize {
    OF_ITSELF + list.items.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_cached_and_there_are_only_so_many() {
        let lists = GENERATION / OF_ITSELF * 5;
        let cache = WrittenLists::default();
        let visitor = |number: usize| VisitorId::try_from(format!("visitor-{number}")).expect("valid");
        for number in 0..lists {
            cache.put(Stored { value: RecentlyViewed::of(visitor(number)), etag: number.to_string() });
        }
        let found: Vec<_> = (0..lists).filter(|number| cache.take(&visitor(*number)).is_some()).collect();
        assert!((lists / 5..=lists * 2 / 5).contains(&found.len()), "{}", found.len());
        assert_eq!(found.last(), Some(&(lists - 1)));
        assert!(cache.take(&visitor(lists - 1)).is_none(), "taken once");
    }
}
