//! Retained: everything that is kept, within an hour, 64 MiB and a number of items; the oldest goes first.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use time::OffsetDateTime;

use super::{attributes::Resource, ids::TraceId, log::Log, metrics::AllSeries, span::Span};

/// How long spans, log records and series are kept that nobody tells of again.
pub const KEPT: Duration = Duration::from_secs(60 * 60);

/// Bytes of everything together, as far as they are counted.
pub(super) const BYTES: usize = 64 << 20;

/// Most spans, and most log records.
pub(super) const ITEMS: usize = 100_000;

/// What is kept.
#[derive(Default)]
pub(super) struct Retained {
    spans: Queue<Span>,
    /// The same spans, as they came.
    traces: HashMap<TraceId, VecDeque<Arc<Span>>>,
    logs: Queue<Log>,
    pub(super) series: AllSeries,
}

/// Items in the order in which they came.
struct Queue<T> {
    items: VecDeque<Item<T>>,
    bytes: usize,
}

struct Item<T> {
    received: OffsetDateTime,
    bytes: usize,
    value: Arc<T>,
}

impl Retained {
    pub(super) fn add_spans(&mut self, spans: Vec<Span>, now: OffsetDateTime) {
        let resource = spans.first().map(|span| Arc::clone(&span.resource));
        for span in spans {
            // In the index of traces too.
            let bytes = span.size() + 2 * size_of::<Arc<Span>>();
            let span = Arc::new(span);
            self.traces.entry(span.trace).or_default().push_back(Arc::clone(&span));
            self.spans.push(span, bytes, now);
        }
        self.spans.charge(resource.as_deref());
        self.make_room();
    }

    pub(super) fn add_logs(&mut self, logs: Vec<Log>, now: OffsetDateTime) {
        let resource = logs.first().map(|log| Arc::clone(&log.resource));
        for log in logs {
            let bytes = log.size();
            self.logs.push(Arc::new(log), bytes, now);
        }
        self.logs.charge(resource.as_deref());
        self.make_room();
    }

    /// Removes what is too old.
    pub(super) fn expire(&mut self, now: OffsetDateTime) {
        let oldest = now - KEPT;
        while self.spans.first().is_some_and(|received| received < oldest) {
            self.drop_span();
        }
        while self.logs.first().is_some_and(|received| received < oldest) {
            self.logs.pop();
        }
        self.series.expire(oldest);
    }

    /// Removes what is too much.
    pub(super) fn make_room(&mut self) {
        while self.spans.items.len() > ITEMS {
            self.drop_span();
        }
        while self.logs.items.len() > ITEMS {
            self.logs.pop();
        }
        // The series have a bound of their own within this one.
        while self.bytes() > BYTES {
            match (self.spans.first(), self.logs.first()) {
                (Some(span), log) if log.is_none_or(|log| span <= log) => self.drop_span(),
                (_, Some(_)) => drop(self.logs.pop()),
                _ => break,
            }
        }
    }

    fn drop_span(&mut self) {
        let Some(span) = self.spans.pop() else { return };
        if let Some(trace) = self.traces.get_mut(&span.trace) {
            // Both in the order in which they came.
            trace.pop_front();
            if trace.is_empty() {
                self.traces.remove(&span.trace);
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.spans.bytes + self.logs.bytes + self.series.bytes()
    }

    pub(super) fn trace(&self, id: TraceId) -> Option<Vec<Arc<Span>>> {
        self.traces.get(&id).map(|spans| spans.iter().cloned().collect())
    }

    /// The traces whose spans came last, newest first.
    pub(super) fn recent(&self, most: usize) -> Vec<(TraceId, Vec<Arc<Span>>)> {
        let mut seen = HashSet::new();
        let newest = self.spans().map(|span| span.trace).filter(|id| seen.insert(*id)).take(most);
        newest.filter_map(|id| Some((id, self.trace(id)?))).collect()
    }

    /// The spans, newest first.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.spans.items.iter().rev().map(|item| &item.value)
    }

    /// The log records, newest first.
    pub(super) fn logs(&self) -> impl Iterator<Item = &Arc<Log>> {
        self.logs.items.iter().rev().map(|item| &item.value)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Queue<T> {
    fn push(&mut self, value: Arc<T>, bytes: usize, received: OffsetDateTime) {
        // Counters of the reference, and the item.
        let bytes = bytes + 16 + size_of::<Item<T>>();
        self.bytes += bytes;
        self.items.push_back(Item { received, bytes, value });
    }

    /// Counts the resource of the items that came last to the last of them: it is held until that one goes.
    fn charge(&mut self, resource: Option<&Resource>) {
        if let (Some(resource), Some(last)) = (resource, self.items.back_mut()) {
            last.bytes += resource.size();
            self.bytes += resource.size();
        }
    }

    fn pop(&mut self) -> Option<Arc<T>> {
        let item = self.items.pop_front()?;
        self.bytes -= item.bytes;
        Some(item.value)
    }

    fn first(&self) -> Option<OffsetDateTime> {
        self.items.front().map(|item| item.received)
    }
}
