//! Events of a hub, counted by the schema that they were written by.

use std::collections::{BTreeMap, BTreeSet};

use azure_messaging_eventhubs::models::ReceivedEventData;
use contoso_handlers::azure::hub_reader;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Sources that are kept apart.
const MAX_SOURCES: usize = 100;

/// What hubs hold.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// By schema id.
    pub(super) avro: BTreeMap<String, Written>,
    /// Events in JSON, by type.
    pub(super) json: BTreeMap<String, Written>,
}

/// Events of one schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) events: u64,
    pub(super) last: Option<OffsetDateTime>,
    /// By the event's source: who wrote it, as it says itself.
    sources: BTreeMap<String, u64>,
    pub(super) types: BTreeSet<String>,
}

impl Counted {
    pub(super) fn add(&mut self, received: &ReceivedEventData) {
        let incoming = hub_reader::incoming(received);
        let attribute = |name| incoming.properties.attribute(name).unwrap_or("unknown");
        let enqueued = received.enqueued_time().map(OffsetDateTime::from);
        self.note(incoming.content_type, attribute("type"), attribute("source"), enqueued);
    }

    fn note(&mut self, content_type: Option<&str>, event_type: &str, source: &str, enqueued: Option<OffsetDateTime>) {
        let content_type = content_type.unwrap_or_default();
        let written = match content_type.split_once('+') {
            Some(("avro/binary", id)) => self.avro.entry(id.to_owned()).or_default(),
            _ => self.json.entry(event_type.to_owned()).or_default(),
        };
        written.events += 1;
        written.last = written.last.max(enqueued);
        written.types.insert(event_type.to_owned());
        if written.sources.len() < MAX_SOURCES || written.sources.contains_key(source) {
            *written.sources.entry(source.to_owned()).or_default() += 1;
        }
    }
}

impl Written {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "events": self.events,
            "last": self.last(),
            "writers": self.sources.iter().map(|(source, events)| json!({ "source": source, "events": events })).collect::<Vec<_>>(),
        })
    }

    pub(super) fn words(&self) -> String {
        if self.events == 0 {
            return "no event".to_owned();
        }
        let sources: Vec<String> = self.sources.iter().map(|(source, events)| format!("{source} ({events})")).collect();
        let last = self.last().map(|last| format!(", last at {last}")).unwrap_or_default();
        format!("{} event{} by {}{last}", self.events, if self.events == 1 { "" } else { "s" }, sources.join(", "))
    }

    fn last(&self) -> Option<String> {
        self.last.and_then(|last| last.replace_nanosecond(0).ok()?.format(&Rfc3339).ok())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn events_count_for_the_schema_that_wrote_them() {
        let mut counted = Counted::default();
        let at = |minute| Some(datetime!(2026-01-05 10:00 UTC) + time::Duration::minutes(minute));
        counted.note(Some("avro/binary+one"), "t.v1", "/shop", at(2));
        counted.note(Some("avro/binary+one"), "t.v1", "/till", at(1));
        counted.note(Some("avro/binary+two"), "t.v1", "/shop", at(3));
        counted.note(Some("application/json"), "t.v1", "/shop", at(4));
        let one = &counted.avro["one"];
        assert_eq!(one.words(), "2 events by /shop (1), /till (1), last at 2026-01-05T10:02:00Z");
        assert_eq!((counted.avro["two"].events, counted.json["t.v1"].events), (1, 1));
        assert_eq!(Written::default().words(), "no event");
    }
}
