//! The event model: the two schemas, what a valid event is, and how one schema becomes the other.
//!
//! Sources: CloudEvents 1.0 (core and JSON format) and the Event Grid event schema.

mod rules;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::rules::{check_cloud_event, check_event_grid_event};

/// Schema of an event, by the names that Resource Manager uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Schema {
    /// CloudEvents 1.0, JSON format.
    #[serde(rename = "CloudEventSchemaV1_0")]
    CloudEvents,
    /// Event Grid's own.
    #[serde(rename = "EventGridSchema")]
    EventGrid,
}

impl Schema {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "CloudEventSchemaV1_0" => Ok(Self::CloudEvents),
            "EventGridSchema" => Ok(Self::EventGrid),
            other => {
                Err(format!("the schema `{other}` is not supported; use CloudEventSchemaV1_0 or EventGridSchema."))
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CloudEvents => "CloudEventSchemaV1_0",
            Self::EventGrid => "EventGridSchema",
        }
    }
}

/// A valid event in the schema of its topic.
#[derive(Debug)]
pub(crate) struct Event {
    schema: Schema,
    fields: Map<String, Value>,
    /// The text as it was published, so that passing an event through changes nothing.
    text: String,
}

impl Event {
    /// Checks one published event against the schema of its topic.
    ///
    /// `topic` is the topic's resource id: Event Grid stamps it on events of its own schema, and refuses another.
    /// The error is a sentence for the publisher.
    pub(crate) fn published(schema: Schema, topic: &str, text: &RawValue) -> Result<Self, String> {
        let Ok(Value::Object(mut fields)) = contoso_json::from_str(text.get()) else {
            return Err("Expected each event to be a JSON object.".to_owned());
        };
        let text = match schema {
            Schema::CloudEvents => {
                check_cloud_event(&fields)?;
                text.get().to_owned()
            }
            Schema::EventGrid => {
                check_event_grid_event(&fields, topic)?;
                fields.insert("topic".to_owned(), topic.into());
                fields.insert("metadataVersion".to_owned(), "1".into());
                fields.entry("dataVersion").or_insert_with(|| "".into());
                Value::Object(fields.clone()).to_string()
            }
        };
        Ok(Self { schema, fields, text })
    }

    /// An event of a system topic, which is always in the Event Grid schema.
    pub(crate) fn system(event: &SystemEvent<'_>) -> Result<Self, serde_json::Error> {
        let fields = match serde_json::to_value(event)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let text = Value::Object(fields.clone()).to_string();
        Ok(Self { schema: Schema::EventGrid, fields, text })
    }

    pub(crate) fn event_type(&self) -> &str {
        self.text_field(match self.schema {
            Schema::CloudEvents => "type",
            Schema::EventGrid => "eventType",
        })
        .unwrap_or_default()
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.text_field("subject")
    }

    fn text_field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// The value that a filter key names; `None` when it is missing.
    ///
    /// Keys name attributes of the schema in which the event was published, and members of `data`, all without regard to
    /// case: Azure documents `ID`, `EventType` and so on while events say `id`, `eventType`. Of two members that differ by
    /// case alone, the one that is spelt as the key is taken.
    pub(crate) fn lookup(&self, key: &str) -> Option<&Value> {
        let mut path = key.split('.');
        let start = member(&self.fields, path.next()?)?;
        path.try_fold(start, |value, name| member(value.as_object()?, name))
    }

    /// The event as JSON in the schema of a subscription.
    pub(crate) fn in_schema(&self, delivery: Schema) -> String {
        match (self.schema, delivery) {
            // Subscriptions that ask for this are refused when they are made.
            (Schema::CloudEvents, Schema::EventGrid) | (Schema::CloudEvents, Schema::CloudEvents) => self.text.clone(),
            (Schema::EventGrid, Schema::EventGrid) => self.text.clone(),
            (Schema::EventGrid, Schema::CloudEvents) => self.as_cloud_event(),
        }
    }

    /// `topic`, `eventType` and `eventTime` change their names, `dataVersion` is lost, as in Azure.
    fn as_cloud_event(&self) -> String {
        let mut out = Map::new();
        out.insert("specversion".to_owned(), "1.0".into());
        for (from, to) in [
            ("id", "id"),
            ("topic", "source"),
            ("subject", "subject"),
            ("eventType", "type"),
            ("eventTime", "time"),
            ("data", "data"),
        ] {
            if let Some(value) = self.fields.get(from) {
                out.insert(to.to_owned(), value.clone());
            }
        }
        Value::Object(out).to_string()
    }
}

/// The member of this name, whatever its case.
fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let otherwise = || members.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase());
    members.get(name).or_else(|| otherwise().map(|(_, value)| value))
}

/// What a service of the stack reports through its system topic.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SystemEvent<'a> {
    pub(crate) topic: &'a str,
    pub(crate) subject: String,
    pub(crate) event_type: &'static str,
    pub(crate) event_time: String,
    pub(crate) id: String,
    pub(crate) data: Value,
    pub(crate) data_version: &'static str,
    pub(crate) metadata_version: &'static str,
}

/// `moment` as the service writes it.
pub(crate) fn timestamp(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(schema: Schema, text: &str) -> Result<Event, String> {
        Event::published(schema, "/topics/t", &RawValue::from_string(text.to_owned()).expect("JSON"))
    }

    #[test]
    fn a_cloud_event_passes_through_byte_for_byte() {
        let text = r#"{ "type":"t", "specversion":"1.0","id":"1","source":"/s","data":{"z":1.10,"a":2} }"#;
        let event = parse(Schema::CloudEvents, text).expect("valid");
        assert_eq!(event.in_schema(Schema::CloudEvents), text);
    }

    #[test]
    fn an_event_grid_event_becomes_a_cloud_event() {
        let event = parse(
            Schema::EventGrid,
            r#"{"id":"1","subject":"s","eventType":"t","eventTime":"2026-03-04T10:11:12Z","data":{"n":1.50}}"#,
        )
        .expect("valid");
        let ours: Value = serde_json::from_str(&event.in_schema(Schema::CloudEvents)).expect("JSON");
        assert_eq!(
            ours.to_string(),
            r#"{"data":{"n":1.50},"id":"1","source":"/topics/t","specversion":"1.0","subject":"s","time":"2026-03-04T10:11:12Z","type":"t"}"#
        );
    }

    #[test]
    fn what_breaks_a_rule_is_refused_with_its_name() {
        for (text, named) in [
            (r#"{"specversion":"1.0","source":"/s","type":"t"}"#, "`id`"),
            (r#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#, "specversion"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"yesterday"}"#, "`time`"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":""}"#, "`subject`"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","traceParent":"x"}"#, "traceParent"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","extra":{}}"#, "`extra`"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"MQ=="}"#, "not both"),
            (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"..."}"#, "base64"),
            ("[]", "object"),
        ] {
            let refusal = parse(Schema::CloudEvents, text).expect_err(text);
            assert!(refusal.contains(named), "{text}: {refusal}");
        }
        let foreign = r#"{"id":"1","topic":"/other","subject":"s","eventType":"t","eventTime":"2026-03-04T10:11:12Z"}"#;
        assert!(parse(Schema::EventGrid, foreign).expect_err("foreign topic").contains("`topic`"));
    }
}
