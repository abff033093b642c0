//! Lists this process wrote lately, so that the next clicks of a visit need no read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    azure::cosmos::Stored,
    domain::{click::VisitorId, recently_viewed::RecentlyViewed},
};

/// Lists of one generation; twice as many are kept, of some kilobytes each.
const GENERATION: usize = 4096;

/// Lists with the ETag they have, unless somebody else wrote them since. The least recent half goes when the other is full.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<VisitorId, Stored<RecentlyViewed>>,
    old: HashMap<VisitorId, Stored<RecentlyViewed>>,
}

impl Known {
    /// Takes a list out: while somebody works with it, nobody else does.
    pub(crate) fn take(&self, visitor: &VisitorId) -> Option<Stored<RecentlyViewed>> {
        let mut generations = self.generations();
        generations.young.remove(visitor).or_else(|| generations.old.remove(visitor))
    }

    /// Keeps a list as it is stored now.
    pub(crate) fn put(&self, list: Stored<RecentlyViewed>) {
        let mut generations = self.generations();
        generations.young.insert(list.value.id.clone(), list);
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // Losing a list costs a read, and a stale one is found out by its ETag.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_and_there_are_only_so_many() {
        let known = Known::default();
        let visitor = |number: usize| VisitorId::try_from(format!("visitor-{number}")).expect("valid");
        for number in 0..GENERATION * 5 {
            known.put(Stored { value: RecentlyViewed::of(visitor(number)), etag: number.to_string() });
        }
        let found: Vec<_> = (0..GENERATION * 5).filter(|number| known.take(&visitor(*number)).is_some()).collect();
        assert!((GENERATION..=GENERATION * 2).contains(&found.len()), "{}", found.len());
        assert_eq!(found.last(), Some(&(GENERATION * 5 - 1)));
        assert!(known.take(&visitor(GENERATION * 5 - 1)).is_none(), "taken once");
    }
}
