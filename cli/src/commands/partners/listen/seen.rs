//! Events that came before, by source and id, as far back as memory is spent on.

use std::collections::{HashSet, VecDeque};

const MOST: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Seen {
    keys: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Notes an event; whether it came before.
    pub(super) fn note(&mut self, key: String) -> bool {
        if !self.keys.insert(key.clone()) {
            return true;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        false
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}
