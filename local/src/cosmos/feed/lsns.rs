//! LSNs as clients know them, and as the emulator counts them in this life.
//!
//! At each start the emulator counts from 1 again: one per living item, loaded in the order of their last writes. What a
//! client holds from before (a continuation of the change feed, a session token) keeps its meaning because LSNs are translated
//! at the one place where requests and responses pass: a range goes on counting where it stood, deletes and overwritten
//! versions included, and a loaded item keeps the LSN of its last write.

/// The LSNs of one range.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cosmos) struct LsnTranslation {
    /// The LSN of each loaded item, by the emulator's LSN less one.
    loaded: Vec<u64>,
    /// The range's LSN when everything was loaded.
    base: u64,
}

impl LsnTranslation {
    /// `loaded` are the items' LSNs in the order in which the emulator got them; the range stood at `base`.
    pub(in crate::cosmos) fn new(loaded: Vec<u64>, base: u64) -> Self {
        Self { loaded, base }
    }

    fn loaded(&self) -> u64 {
        self.loaded.len() as u64
    }

    /// The range's LSN, where the emulator has it at `lsn`.
    pub(super) fn of_range(&self, lsn: u64) -> u64 {
        // Everything is loaded before the first request, so the emulator is never behind.
        self.base + lsn.saturating_sub(self.loaded())
    }

    /// The LSN of an item's last write, where the emulator has it at `lsn`.
    pub(super) fn of_item(&self, lsn: u64) -> u64 {
        let number = lsn.checked_sub(1).and_then(|number| usize::try_from(number).ok());
        number.and_then(|number| self.loaded.get(number).copied()).unwrap_or_else(|| self.of_range(lsn))
    }

    /// What the emulator has to have reached for the range to be at `lsn`.
    pub(super) fn to_emulator(&self, lsn: u64) -> u64 {
        match lsn.checked_sub(self.base) {
            Some(since) => self.loaded() + since,
            // Before this life: everything of it is loaded.
            None => self.loaded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_on_where_it_stood_and_loaded_items_keep_their_places() {
        let positions = LsnTranslation::new(vec![3, 7, 7], 9);
        assert_eq!([1, 2, 3, 4].map(|lsn| positions.of_item(lsn)), [3, 7, 7, 10]);
        assert_eq!([3, 4, 5].map(|lsn| positions.of_range(lsn)), [9, 10, 11]);
        assert_eq!([0, 5, 9, 10, 20].map(|lsn| positions.to_emulator(lsn)), [3, 3, 3, 4, 14]);
        let fresh = LsnTranslation::default();
        assert_eq!((fresh.of_item(4), fresh.of_range(4), fresh.to_emulator(4)), (4, 4, 4));
    }
}
