//! How many of the visitors whom the cache does not know have no list yet.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// All of them.
const WHOLE: u32 = 1 << 16;
/// One visitor more changes the share by so much of what is missing.
const WEIGHT: u32 = 64;

/// The share of newcomers among the last hundred or so of these visitors.
///
/// A list that is created without a look takes one request where it is new, and three where it is not (the create is refused, then it is
/// read and replaced); a look first takes two in either case. So it is left out while most are new, and the create itself tells.
#[derive(Debug, Default)]
pub(super) struct Newcomers(AtomicU32);

impl Newcomers {
    /// Whether most had no list.
    pub(super) fn are_most(&self) -> bool {
        self.0.load(Relaxed) > WHOLE / 2
    }

    /// One more visitor, and whether there was no list.
    pub(super) fn saw(&self, is_new: bool) {
        // Of two at the same moment one may be lost, which changes next to nothing.
        let share = self.0.load(Relaxed);
        let share = share - share / WEIGHT + if is_new { WHOLE / WEIGHT } else { 0 };
        self.0.store(share, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundred_decide() {
        let newcomers = Newcomers::default();
        assert!(!newcomers.are_most(), "nothing is known");
        for (is_new, visitors) in [(true, 100), (false, 100), (true, 10_000), (false, 100)] {
            (0..visitors).for_each(|_| newcomers.saw(is_new));
            assert_eq!(newcomers.are_most(), is_new, "after {visitors}");
        }
    }
}
