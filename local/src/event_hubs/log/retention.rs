//! Retention by time: whole chunks go once their events are older than the hub keeps them.

use super::{Partition, store::Trim};
use crate::event_hubs::error::Error;

/// Chunks that one commit removes at most, so that appends wait only shortly.
const CHUNKS_PER_COMMIT: usize = 1024;

impl Partition {
    /// Removes what is past its retention. Sequence numbers go on from where they were.
    ///
    /// # Errors
    /// When the store fails; what was removed before stays removed, repeating is safe.
    pub(crate) fn expire(&self) -> Result<(), Error> {
        let oldest_kept = self.shared.clock.now_millis().saturating_sub(self.shared.retention_millis);
        loop {
            let mut state = self.lock();
            if state.begin_millis.is_none_or(|millis| millis > oldest_kept) {
                return Ok(());
            }
            let expired = self.shared.store.expired(oldest_kept, CHUNKS_PER_COMMIT)?;
            let begin = expired.kept.as_ref().map_or(state.next, |kept| kept.0);
            self.shared.store.trim(&expired.keys, Trim { next: begin, last_millis: state.last_millis })?;
            state.begin = begin;
            state.begin_millis = expired.kept.map(|kept| kept.1);
            state.tail.drop_before(begin);
        }
    }
}
