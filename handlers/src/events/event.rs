//! A CloudEvent as it was received: its attributes, and data that was checked against its schema.

use std::collections::BTreeMap;

use apache_avro::types::Value as AvroValue;
use cloudevents::{EventBuilder, EventBuilderV10};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::domain::trace_context::TraceContext;

/// A received event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Unique within `source`: the pair tells a repeat.
    pub id: String,
    /// The producing domain, a URI reference.
    pub source: String,
    /// `com.contoso.<aggregate>.<past-tense>.v<major>`.
    pub r#type: String,
    /// The aggregate's id.
    pub subject: Option<String>,
    /// When it happened.
    pub time: Option<OffsetDateTime>,
    /// Where its schema is registered.
    pub dataschema: Option<String>,
    /// Every other attribute by its name: `partitionkey`, `sequence` and more.
    pub extensions: BTreeMap<String, String>,
    /// `traceparent` and `tracestate`: the span that caused the event (CloudEvents distributed tracing extension).
    pub trace: Option<TraceContext>,
    /// What happened.
    pub data: EventData,
}

/// The data of an event, checked against its schema if it has one.
#[derive(Debug, Clone)]
pub enum EventData {
    /// An Avro value and the full name of its schema. If the event's type has a contract here, the value has the contract's shape,
    /// whatever version wrote it; else the writer's.
    Avro(AvroValue, String),
    /// JSON of a producer that uses no registry.
    Json(serde_json::Value),
}

/// The data of an event does not have the shape that was asked for. Repeating is of no use.
#[derive(Debug, thiserror::Error)]
#[error("event {id} of type {event_type} has data of another shape")]
pub struct ShapeError {
    id: String,
    event_type: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Event {
    /// The data as `T`.
    ///
    /// # Errors
    /// If a field is missing or of another type.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, ShapeError> {
        // To keep track of where one is costs something for each field, so that is only done to say where the fault is.
        match &self.data {
            EventData::Avro(value, _) => apache_avro::from_value(value)
                .or_else(|_| apache_avro::from_value(value).map(|Located(data)| data))
                .map_err(|error| self.misshapen(error)),
            EventData::Json(value) => T::deserialize(value)
                .or_else(|_| Located::deserialize(value).map(|Located(data)| data))
                .map_err(|error| self.misshapen(error)),
        }
    }

    /// The key that orders this event among others: the `partitionkey` extension, else the subject.
    pub fn key(&self) -> Option<&str> {
        self.extensions.get("partitionkey").map(String::as_str).or(self.subject.as_deref())
    }

    /// The same event with `data` as its JSON data, for Event Grid and HTTP. `dataschema` is left out: it describes the Avro form.
    ///
    /// # Errors
    /// If an attribute is not allowed in a CloudEvent.
    pub fn to_cloudevent(&self, data: serde_json::Value) -> Result<cloudevents::Event, ShapeError> {
        let mut builder = EventBuilderV10::new()
            .id(self.id.as_str())
            .source(self.source.as_str())
            .ty(self.r#type.as_str())
            .data("application/json", data);
        if let Some(subject) = &self.subject {
            builder = builder.subject(subject.as_str());
        }
        if let Some(time) = self.time {
            builder = builder.time(time.format(&Rfc3339).map_err(|error| self.misshapen(error))?);
        }
        for (name, value) in &self.extensions {
            builder = builder.extension(name, value.as_str());
        }
        if let Some(trace) = &self.trace {
            builder = builder.extension("traceparent", trace.traceparent());
            if let Some(state) = &trace.state {
                builder = builder.extension("tracestate", state.to_string());
            }
        }
        builder.build().map_err(|error| self.misshapen(error))
    }

    fn misshapen(&self, error: impl std::error::Error + Send + Sync + 'static) -> ShapeError {
        ShapeError { id: self.id.clone(), event_type: self.r#type.clone(), source: Box::new(error) }
    }
}

/// Data whose errors say at which field.
struct Located<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut track = serde_path_to_error::Track::new();
        let read = T::deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track));
        read.map(Self).map_err(|error| match track.path().to_string().as_str() {
            "." => error,
            path => D::Error::custom(format!("{path}: {error}")),
        })
    }
}
