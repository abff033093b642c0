//! A receiver link: events of one partition, from a position on.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::event_hubs::{
    amqp::{
        Value,
        condition::{Condition, Refusal},
        message::with_delivery_annotations,
    },
    event::StoredEvent,
    log::{Partition, offset_of},
    receivers::Registration,
};

/// Events and bytes that a receiver takes out of the log at once.
const READ_EVENTS: usize = 256;
const READ_BYTES: usize = 256 << 10;

pub(super) struct Receiver {
    partition: Partition,
    registration: Registration,
    /// Sequence number behind the last event delivered.
    next: i64,
    taken: VecDeque<StoredEvent>,
    runtime_metric: bool,
}

impl Receiver {
    pub(super) fn new(partition: Partition, registration: Registration, next: i64, runtime_metric: bool) -> Self {
        Self { partition, registration, next, taken: VecDeque::new(), runtime_metric }
    }

    /// Number of the receiver, as its lease has it.
    pub(super) fn id(&self) -> u64 {
        self.registration.id()
    }

    /// Sequence number of the next event, and the one behind the last event there is.
    pub(super) fn ahead(&self) -> (i64, i64) {
        (self.next, self.partition.state().last_sequence + 1)
    }

    /// The next event's message; nothing where the reader has caught up.
    pub(super) fn next(&mut self, now_millis: i64) -> Result<Option<Bytes>, Refusal> {
        if self.taken.is_empty() {
            let events = self.partition.read(self.next, READ_EVENTS, READ_BYTES).map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "reading a partition failed");
                Refusal::new(Condition::InternalError, error.to_string())
            })?;
            self.taken = events.into();
        }
        let Some(event) = self.taken.pop_front() else { return Ok(None) };
        self.next = event.sequence + 1;
        Ok(Some(if self.runtime_metric {
            with_delivery_annotations(&event.message, self.runtime_annotations(now_millis))
        } else {
            event.message
        }))
    }

    /// Calls `wake` when there is more to read.
    pub(super) fn wake(&self, wake: impl FnOnce() + Send + 'static) {
        self.partition.wake_at(self.next, self.registration.id(), wake);
    }

    fn runtime_annotations(&self, now_millis: i64) -> Value {
        let state = self.partition.state();
        let entry = |name: &str, value| (Value::symbol(name), value);
        Value::Map(vec![
            entry("last_enqueued_sequence_number", Value::Long(state.last_sequence)),
            entry("last_enqueued_offset", Value::string(offset_of(state.last_sequence).to_string())),
            entry("last_enqueued_time_utc", Value::Timestamp(state.last_enqueued_millis)),
            entry("runtime_info_retrieval_time_utc", Value::Timestamp(now_millis)),
        ])
    }
}
