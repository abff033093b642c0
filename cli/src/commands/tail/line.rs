//! One event, as one line.

use azure_messaging_eventhubs::models::ReceivedEventData;
use contoso_handlers::{
    azure::hub_reader,
    events::{Codec, Event},
};
use contoso_json::Plain;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::words::{self, short};
use crate::output::{self, Paint};

/// An event at its place in the hub, decoded or with the reason why not.
pub(super) struct Line {
    partition: String,
    sequence: i64,
    enqueued: OffsetDateTime,
    bytes: usize,
    content: Result<(Event, Value), String>,
}

impl Line {
    /// Decodes a received event; one that cannot be decoded is a line too.
    pub(super) async fn decode(codec: &Codec, partition: &str, received: &ReceivedEventData) -> Self {
        let incoming = hub_reader::incoming(received);
        let bytes = incoming.body.len();
        let content = codec.decode(incoming).await.map_err(|error| output::chain(&error)).and_then(|event| {
            let Plain(data) = event.data_as().map_err(|error| output::chain(&error))?;
            Ok((event, data))
        });
        Self {
            partition: partition.to_owned(),
            sequence: received.sequence_number().unwrap_or(-1),
            enqueued: received.enqueued_time().map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from),
            bytes,
            content,
        }
    }

    /// For people: time, partition and sequence number, then what happened; of events that we do not know, type, subject and data.
    pub(super) fn text(&self, paint: Paint) -> String {
        let time = self.enqueued.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
        let place = paint.faint(&format!("{time} {}/{}", self.partition, self.sequence));
        match &self.content {
            Ok((event, data)) => {
                let told = words::of(event, paint).unwrap_or_else(|| {
                    let subject = paint.strong(&short(event.subject.as_deref().unwrap_or("-")));
                    format!("{} {subject} {}", paint.name(&short(&event.r#type)), shortened(data))
                });
                format!("{place}  {told}")
            }
            Err(cause) => format!("{place}  {} ({} bytes): {cause}", paint.bad("undecodable"), self.bytes),
        }
    }

    /// For scripts: one JSON object.
    pub(super) fn json(&self) -> String {
        let mut object = json!({
            "partition": self.partition,
            "sequence": self.sequence,
            "enqueued": self.enqueued.format(&Rfc3339).ok(),
        });
        match &self.content {
            Ok((event, data)) => {
                object["id"] = json!(event.id);
                object["source"] = json!(event.source);
                object["type"] = json!(event.r#type);
                object["subject"] = json!(event.subject);
                object["time"] = json!(event.time.and_then(|time| time.format(&Rfc3339).ok()));
                object["extensions"] = json!(event.extensions);
                if let Some(trace) = &event.trace {
                    object["extensions"]["traceparent"] = json!(trace.traceparent());
                    if let Some(state) = &trace.state {
                        object["extensions"]["tracestate"] = json!(state);
                    }
                }
                object["data"] = data.clone();
            }
            Err(cause) => {
                object["undecodable"] = json!(cause);
                object["bytes"] = json!(self.bytes);
            }
        }
        object.to_string()
    }
}

/// The same data with long texts cut, so that a line stays one that eyes can follow.
fn shortened(data: &Value) -> Value {
    match data {
        Value::String(text) => json!(short(text)),
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shortened(value))).collect(),
        _ => data.clone(),
    }
}

#[cfg(test)]
mod tests {
    use contoso_handlers::events::EventData;

    use super::*;

    fn line(content: Result<(Event, Value), String>) -> Line {
        let enqueued = time::macros::datetime!(2026-01-05 10:00:00.5 UTC);
        Line { partition: "2".to_owned(), sequence: 41, enqueued, bytes: 3, content }
    }

    #[test]
    fn people_get_short_texts_and_scripts_get_all() {
        let data = json!({ "text": "x".repeat(100), "list": [1, "short"] });
        let event = Event {
            id: "7-1".to_owned(),
            source: "/s".to_owned(),
            r#type: "t.v1".to_owned(),
            subject: Some("7".to_owned()),
            time: None,
            dataschema: None,
            extensions: Default::default(),
            trace: None,
            data: EventData::Json(data.clone()),
        };
        let line = line(Ok((event, data.clone())));
        let short = json!({ "text": format!("{}…", "x".repeat(40)), "list": [1, "short"] });
        assert_eq!(line.text(Paint::plain()), format!("10:00:00 2/41  t.v1 7 {short}"));
        let object: Value = serde_json::from_str(&line.json()).expect("JSON");
        assert_eq!((&object["data"], &object["sequence"], &object["subject"]), (&data, &json!(41), &json!("7")));
    }

    #[test]
    fn what_cannot_be_decoded_says_so_at_its_place() {
        let line = line(Err("no CloudEvent".to_owned()));
        assert_eq!(line.text(Paint::plain()), "10:00:00 2/41  undecodable (3 bytes): no CloudEvent");
        let object: Value = serde_json::from_str(&line.json()).expect("JSON");
        assert_eq!(object["undecodable"], "no CloudEvent");
    }
}
