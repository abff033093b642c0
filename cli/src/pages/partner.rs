//! What the demo partner received, in bounded memory.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

/// How many events the demo partner remembers.
const MAX_EVENTS: usize = 1_000;
/// How many bytes of data it remembers.
const MAX_BYTES: usize = 16 << 20;

/// A CloudEvent in structured JSON, as far as a partner reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivered {
    id: String,
    source: String,
    r#type: String,
    subject: Option<String>,
    time: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    #[serde(default)]
    data: Value,
}

/// One event, and how often it came.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// Unique within its source.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// What happened.
    pub r#type: String,
    /// To what.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<String>,
    /// The span that caused it (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What tracing tools add to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// The details.
    pub data: Value,
    /// How often it was delivered: more than once is normal, and only counted.
    pub deliveries: u64,
    /// When it came first, RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    #[serde(skip)]
    bytes: usize,
}

/// What came, newest first. The oldest events are forgotten beyond 1,000 events or 16 MiB.
#[derive(Debug, Default, Serialize)]
pub struct Inbox {
    /// Distinct events since the start, including forgotten ones.
    count: u64,
    /// Deliveries since the start.
    deliveries: u64,
    /// Repeats whose data or trace was not that of the first delivery: one id with two meanings, which a publisher must not send.
    contradictions: u64,
    events: VecDeque<Received>,
    #[serde(skip)]
    bytes: usize,
}

impl Inbox {
    /// Takes one delivery in. An event is known by its source and id, so a repeat adds to its count.
    pub fn deliver(&mut self, event: Delivered, now: OffsetDateTime) {
        self.deliveries += 1;
        let known = self.events.iter_mut().find(|known| known.id == event.id && known.source == event.source);
        if let Some(known) = known {
            known.deliveries += 1;
            self.contradictions += u64::from(known.data != event.data || known.traceparent != event.traceparent);
            return;
        }
        self.count += 1;
        let bytes = event.data.to_string().len();
        self.bytes += bytes;
        let Delivered { id, source, r#type, subject, time, traceparent, tracestate, data } = event;
        self.events.push_front(Received {
            id,
            source,
            r#type,
            subject,
            time,
            traceparent,
            tracestate,
            data,
            deliveries: 1,
            received_at: now,
            bytes,
        });
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            match self.events.pop_back() {
                Some(oldest) => self.bytes -= oldest.bytes,
                None => break,
            }
        }
    }

    /// What is remembered, newest first.
    pub fn events(&self) -> impl Iterator<Item = &Received> {
        self.events.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize, source: &str, data: &str) -> Delivered {
        Delivered {
            id: id.to_string(),
            source: source.to_owned(),
            r#type: "t".to_owned(),
            subject: None,
            time: None,
            traceparent: None,
            tracestate: None,
            data: data.into(),
        }
    }

    #[test]
    fn a_repeat_is_counted_and_another_source_is_another_event() {
        let mut inbox = Inbox::default();
        for (id, source) in [(1, "a"), (1, "a"), (1, "b"), (2, "a")] {
            inbox.deliver(event(id, source, ""), OffsetDateTime::UNIX_EPOCH);
        }
        let seen: Vec<_> =
            inbox.events().map(|event| (event.id.as_str(), event.source.as_str(), event.deliveries)).collect();
        assert_eq!(seen, [("2", "a", 1), ("1", "b", 1), ("1", "a", 2)]);
        assert_eq!((inbox.count, inbox.deliveries, inbox.contradictions), (3, 4, 0));
        inbox.deliver(event(1, "a", "other"), OffsetDateTime::UNIX_EPOCH);
        assert_eq!((inbox.count, inbox.contradictions), (3, 1));
    }

    #[test]
    fn memory_is_bounded_by_number_and_by_size() {
        let mut inbox = Inbox::default();
        for id in 0..MAX_EVENTS + 5 {
            inbox.deliver(event(id, "a", ""), OffsetDateTime::UNIX_EPOCH);
        }
        assert_eq!(inbox.events().count(), MAX_EVENTS);
        assert_eq!(inbox.events().last().map(|oldest| oldest.id.as_str()), Some("5"));

        let large = "x".repeat(MAX_BYTES / 3);
        for id in 0..9 {
            inbox.deliver(event(id, "large", &large), OffsetDateTime::UNIX_EPOCH);
        }
        assert!(inbox.bytes <= MAX_BYTES);
        assert_eq!(inbox.events().next().map(|newest| newest.id.as_str()), Some("8"));
    }
}
