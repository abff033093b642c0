//! What is kept, by the stack's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::retained::Retained;
use crate::clock::Clock;

/// What is kept, and by which clock.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) retained: Arc<Mutex<Retained>>,
    pub(super) clock: Clock,
}

impl Kept {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { retained: Arc::default(), clock: clock.clone() }
    }

    /// What is kept as of now: without what is too old.
    pub(super) fn retained(&self) -> MutexGuard<'_, Retained> {
        let mut retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        retained.expire(self.clock.now());
        retained
    }
}
