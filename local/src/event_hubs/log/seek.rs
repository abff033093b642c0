//! Start positions: from a time, an offset or a number to the event that a reader gets first.

use super::{
    super::{error::Error, position::Start},
    Partition,
    offset::OFFSET_STEP,
};

impl Partition {
    /// The sequence number of the first event, present or future, that a reader from `start` gets.
    ///
    /// # Errors
    /// When an offset is none of this log's, or the store fails.
    pub fn first_sequence_at(&self, start: &Start) -> Result<i64, Error> {
        let (begin, next) = {
            let state = self.lock();
            (state.begin, state.next)
        };
        let sequence = match start {
            Start::Earliest => begin,
            Start::Latest { inclusive } => next - i64::from(*inclusive),
            Start::Sequence { number, inclusive } => number.saturating_add(i64::from(!inclusive)),
            Start::Offset { text, inclusive } => {
                let offset: i64 = text.parse().map_err(|_| Error::Offset(text.clone()))?;
                let before = offset.saturating_add(i64::from(!inclusive)).saturating_sub(1);
                before.div_euclid(OFFSET_STEP).saturating_add(1)
            }
            Start::EnqueuedTime { millis, inclusive } => {
                self.first_enqueued(begin, next, millis.saturating_add(i64::from(!inclusive)))?
            }
        };
        Ok(sequence.clamp(begin, next))
    }

    /// The first sequence number in `begin..next` that was enqueued at `millis` or later, else `next`.
    fn first_enqueued(&self, begin: i64, next: i64, millis: i64) -> Result<i64, Error> {
        let (mut low, mut high) = (begin, next);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.shared.store.chunk_from(middle)? {
                Some(chunk) if chunk.enqueued_millis() >= millis => high = chunk.first().clamp(low, middle),
                Some(chunk) => low = chunk.end(),
                None => low = middle + 1,
            }
        }
        Ok(low)
    }
}
