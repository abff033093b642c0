//! Events to and from their form on a hub.

use std::collections::BTreeMap;

use apache_avro::reader::datum::GenericDatumReader;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cloudevents::AttributesReader;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    attributes::{self, Attributes, Properties},
    contracts::{self, Contract},
    event::{Event, EventData},
    outgoing::{HubMessage, Outgoing},
};
use crate::{
    azure::{
        credentials::Credentials,
        schema_registry::{RegistryError, SchemaRegistry},
    },
    domain::trace_context::TraceContext,
    outcome::Cause,
    settings::SchemaRegistrySettings,
};

/// Content type of a body that is bare Avro; the schema id follows. Nothing may follow the id: other decoders would take it as part
/// of the id.
const AVRO: &str = "avro/binary+";
const STRUCTURED: &str = "application/cloudevents+json";

/// A length inside an Avro body is a claim; no more than this is set aside on its word (bytes). Events are at most 1 MiB, blocks of
/// capture files a few.
const MAX_AVRO_ALLOCATION: usize = 64 << 20;

/// Encodes and decodes events, asking the registry for schemas once per schema.
pub struct Codec {
    registry: SchemaRegistry,
}

/// A message as it came from a hub or a capture file.
#[derive(Debug, Clone)]
pub struct Incoming<'a> {
    /// The body's bytes.
    pub body: &'a [u8],
    /// The AMQP content type, if it was kept.
    pub content_type: Option<&'a str>,
    /// The application properties.
    pub properties: Properties<'a>,
}

/// An event could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The registry did not give the schema's id; see [`CodecError::is_transient`].
    #[error("encode {event_type} {id}: its schema has no id yet")]
    Registry {
        /// The event's type.
        event_type: &'static str,
        /// The event's id.
        id: String,
        /// What the registry said.
        source: RegistryError,
    },
    /// The data does not fit its schema: repeating is of no use.
    #[error("encode {event_type} {id}: the data does not fit its schema")]
    Shape {
        /// The event's type.
        event_type: &'static str,
        /// The event's id.
        id: String,
        /// What does not fit.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CodecError {
    /// Whether repeating may help. A schema that is not registered counts: registering it is a step of the deployment.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Registry { .. })
    }
}

/// A message could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The message is bad: it will never decode.
    #[error("{0}")]
    Park(#[source] Cause),
    /// Its schema is out of reach for now.
    #[error("{0}")]
    Retry(#[source] Cause),
}

impl Codec {
    /// A codec that asks the registry in `settings` for schemas; nothing is connected yet.
    pub fn new(settings: &SchemaRegistrySettings, credentials: &Credentials) -> Self {
        apache_avro::util::max_allocation_bytes(MAX_AVRO_ALLOCATION);
        let is_current = |name: &str, schema: &_| {
            contracts::ALL.iter().any(|contract| contract.name == name && contract.is_current(schema))
        };
        Self { registry: SchemaRegistry::new(settings, credentials, is_current) }
    }

    /// Encodes an event for a hub: attributes as properties, data as bare Avro of its contract's schema.
    ///
    /// # Errors
    /// If the registry has no id for the schema or is out of reach, or the data does not fit the schema.
    pub async fn encode<T: Serialize>(&self, event: Outgoing<'_, T>) -> Result<HubMessage, CodecError> {
        let contract = event.schema;
        let event_type = contract.event_type;
        let id = match self.registry.id_of(contract.name, contract.schema).await {
            Ok(id) => id,
            Err(source) => return Err(CodecError::Registry { event_type, id: event.id, source }),
        };
        let shape = |source: Box<dyn std::error::Error + Send + Sync>| CodecError::Shape {
            event_type,
            id: event.id.clone(),
            source,
        };
        let forms = contract.forms().map_err(|error| shape(error.to_string().into()))?;
        let body = forms.writer.write_ser_to_vec(event.data).map_err(|error| shape(Box::new(error)))?;
        let properties =
            attributes::write(&event, self.registry.address_of(&id)).map_err(|error| shape(Box::new(error)))?;
        Ok(HubMessage { id: event.id, properties, content_type: format!("{AVRO}{id}"), body })
    }

    /// Decodes a message of a hub. Avro bodies take the schema id from the content type, else from the end of `dataschema`, since
    /// capture drops the content type, and without either are read by our schema of their type; JSON bodies and structured events of other producers are accepted.
    ///
    /// # Errors
    /// `Park` if the message is no event or its body does not fit its schema or the schema id is unknown, `Retry` if the registry is
    /// out of reach.
    pub async fn decode(&self, message: Incoming<'_>) -> Result<Event, DecodeError> {
        if message.content_type.is_some_and(|content_type| media_type(content_type).eq_ignore_ascii_case(STRUCTURED)) {
            return self.structured(message.body).await;
        }
        let Attributes { mut event, datacontenttype } = Attributes::read(message.properties)
            .map_err(|error| refused("the message is no CloudEvent", error.to_string()))?;
        let content_type = message.content_type.or(datacontenttype.as_deref());
        event.data = self.data(&event, content_type, message.body).await?;
        Ok(event)
    }

    async fn structured(&self, body: &[u8]) -> Result<Event, DecodeError> {
        let parsed = structured(body).map_err(|error| park("read the structured CloudEvent", error))?;
        let content_type = parsed.datacontenttype().map(str::to_owned);
        let time = parsed
            .time()
            .map(|time| OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.timestamp_micros()) * 1000))
            .transpose()
            .map_err(|error| park("read the event's time", error))?;
        let mut extensions: BTreeMap<_, _> =
            parsed.iter_extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        let (parent, state) = (extensions.remove("traceparent"), extensions.remove("tracestate"));
        let mut event = Event {
            id: parsed.id().to_owned(),
            source: parsed.source().to_string(),
            r#type: parsed.ty().to_owned(),
            subject: parsed.subject().map(str::to_owned),
            time,
            dataschema: parsed.dataschema().map(ToString::to_string),
            extensions,
            trace: parent.and_then(|parent| TraceContext::parse(&parent, state.as_deref())),
            data: EventData::Json(Value::Null),
        };
        event.data = match parsed.data() {
            None => EventData::Json(Value::Null),
            Some(cloudevents::Data::Json(value)) => EventData::Json(value.clone()),
            Some(cloudevents::Data::String(text)) => EventData::Json(Value::String(text.clone())),
            Some(cloudevents::Data::Binary(bytes)) => self.data(&event, content_type.as_deref(), bytes).await?,
        };
        Ok(event)
    }

    async fn data(&self, event: &Event, content_type: Option<&str>, body: &[u8]) -> Result<EventData, DecodeError> {
        match Form::of(content_type, event.dataschema.as_deref()) {
            Form::Avro(id) => self.avro(event, id, body).await,
            Form::Json => json(body),
            Form::Unsaid => match Contract::of(&event.r#type) {
                // No schema here begins with what JSON in an object does: as a length, that byte would be negative.
                Some(contract) if !body.trim_ascii_start().starts_with(b"{") => unsaid(contract, body),
                _ => json(body),
            },
            Form::Other(content_type) => Err(refused(
                "the content type is neither JSON nor Avro",
                format!("content type {content_type} is neither JSON nor Avro with a schema id"),
            )),
        }
    }

    async fn avro(&self, event: &Event, id: &str, mut body: &[u8]) -> Result<EventData, DecodeError> {
        let registered = self.registry.schema(id).await.map_err(|error| match error {
            RegistryError::Unknown { .. } | RegistryError::Unusable { .. } => {
                park("find the schema of the body", error)
            }
            RegistryError::OutOfReach { .. } => {
                DecodeError::Retry(Cause::from_error("find the schema of the body", error))
            }
        })?;
        let name = &registered.name;
        let mismatch = |error: apache_avro::Error| unread(&format!("read the body as {name} (schema {id})"), error);
        let contract = Contract::of(&event.r#type);
        if let Some(contract) = contract.filter(|contract| contract.name != name) {
            let (event_type, expected) = (&event.r#type, contract.name);
            return Err(refused(
                "the event holds data of another type",
                format!("an event of type {event_type} holds a {name}, not a {expected}"),
            ));
        }
        let ours = match contract.map(Contract::forms).transpose() {
            Ok(ours) => ours,
            Err(error) => return Err(refused("a contract is of no use", error.to_string())),
        };
        let value = match ours {
            Some(ours) if registered.is_current => ours.reader.read_value(&mut body).map_err(mismatch)?,
            _ => {
                let reader = GenericDatumReader::builder(&registered.schema).build().map_err(mismatch)?;
                reader.read_value(&mut body).map_err(mismatch)?
            }
        };
        if !body.is_empty() {
            let rest = body.len();
            return Err(refused(
                "the body is longer than its data",
                format!("the body has {rest} bytes more than a {name} (schema {id})"),
            ));
        }
        let value = match ours {
            Some(ours) if !registered.is_current => value.resolve(ours.schema).map_err(mismatch)?,
            _ => value,
        };
        Ok(EventData::Avro(value, registered.name.clone()))
    }
}

fn json(body: &[u8]) -> Result<EventData, DecodeError> {
    contoso_json::from_slice(body).map(EventData::Json).map_err(|error| park("read the body as JSON", error))
}

/// Reads a body that does not say by which schema it was written, by ours.
fn unsaid(contract: &'static Contract, mut body: &[u8]) -> Result<EventData, DecodeError> {
    let name = contract.name;
    let operation = format!("read the body as {name} (it does not say its schema, so by the one known here)");
    let forms = contract.forms().map_err(|error| refused("a contract is of no use", error.to_string()))?;
    let value = forms.reader.read_value(&mut body).map_err(|error| unread(&operation, error))?;
    if !body.is_empty() {
        return Err(refused(
            "the body is longer than its data",
            format!("{operation}: it has {} bytes more", body.len()),
        ));
    }
    Ok(EventData::Avro(value, name.to_owned()))
}

/// Reads a CloudEvent in structured JSON. The SDK would read data in base64 by itself, without a bottom; so that is looked at first.
///
/// # Errors
/// If the text is no CloudEvent, or a member in it has a reserved name.
pub fn structured(text: &[u8]) -> Result<cloudevents::Event, serde_json::Error> {
    let event: Value = contoso_json::from_slice(text)?;
    let encoded = event.get("data_base64").and_then(Value::as_str);
    if let Some(data) = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()) {
        contoso_json::check(&data)?;
    }
    cloudevents::Event::deserialize(event)
}

/// The form of a body.
enum Form<'a> {
    Avro(&'a str),
    Json,
    /// Neither a content type nor a registered schema: capture keeps no content type, and not everybody sends `dataschema`.
    Unsaid,
    Other(&'a str),
}

impl<'a> Form<'a> {
    fn of(content_type: Option<&'a str>, dataschema: Option<&'a str>) -> Self {
        match content_type.map(media_type) {
            Some(media) if media.get(..AVRO.len()).is_some_and(|start| start.eq_ignore_ascii_case(AVRO)) => {
                Self::Avro(&media[AVRO.len()..])
            }
            Some(media) if is_json(media) => Self::Json,
            Some(media) => Self::Other(media),
            None => dataschema.and_then(registered_id).map_or(Self::Unsaid, Self::Avro),
        }
    }
}

/// The schema id at the end of an address in a schema registry.
fn registered_id(dataschema: &str) -> Option<&str> {
    dataschema.rsplit_once("/$schemaGroups/$schemas/").map(|(_, id)| id)
}

fn media_type(content_type: &str) -> &str {
    content_type.split_once(';').map_or(content_type, |(media, _)| media).trim()
}

fn is_json(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    media.ends_with("/json") || media.ends_with("+json")
}

fn refused(label: &'static str, message: String) -> DecodeError {
    DecodeError::Park(Cause::of(label, message))
}

fn unread(operation: &str, error: apache_avro::Error) -> DecodeError {
    DecodeError::Park(Cause::of("read the body", format!("could not {operation}")).because(error))
}

fn park(operation: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> DecodeError {
    DecodeError::Park(Cause::from_error(operation, error))
}
