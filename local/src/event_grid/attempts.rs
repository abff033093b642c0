//! The last delivery attempts of a subscription, kept in memory for whoever asks why a partner got nothing.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

/// How many attempts are remembered per subscription.
const KEPT: usize = 100;

/// One try to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When the request was sent.
    pub at: OffsetDateTime,
    /// Which try this was for its events, counted from 1.
    pub number: u32,
    /// How many events the request carried.
    pub events: usize,
    /// Status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// `Delivered`, or the service's word for the failure, such as `TimedOut` or `SocketError`.
    pub outcome: &'static str,
    /// From sending to the end of the answer.
    pub duration: Duration,
}

/// A ring of attempts, newest last.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    ring: Mutex<VecDeque<Attempt>>,
}

impl Attempts {
    pub(crate) fn record(&self, attempt: Attempt) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(attempt);
    }

    pub(crate) fn all(&self) -> Vec<Attempt> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
