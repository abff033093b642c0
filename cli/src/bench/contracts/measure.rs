//! The codec in a process of its own.

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use contoso_handlers::{
    app::App,
    events::{Codec, Event, HubMessage, Incoming, Outgoing, Properties},
};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Figure, Figures};
use crate::{
    clock,
    contracts::{
        avro::{Definition, Primitive, Schema, Type},
        sources::{Source, Sources},
    },
    endpoints, identity,
    project::Project,
};

/// Between two looks at the clock.
const AT_ONCE: u32 = 64;

/// Measures every contract.
///
/// # Errors
/// When an example cannot be encoded or read.
pub async fn run(file: &Path, project: &Project, duration: Duration) -> Result<Figures> {
    let endpoints = endpoints::read(file)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let sources = Sources::read(project)?;
    let mut events = Vec::with_capacity(sources.events.len());
    for source in &sources.events {
        events.push(measure(app.events(), source, duration).await?);
    }
    Ok(Figures { events })
}

async fn measure(codec: &Codec, source: &Source, duration: Duration) -> Result<Figure> {
    let event_type = source.contract.event_type;
    let example = source.valid.first().with_context(|| format!("{event_type} has no example"))?;
    let (data, told) = (source.schema.with_defaults(&example.data), source.schema.to_json(&example.data)?);
    let data = Datum { value: &data, kind: &source.schema.root, schema: &source.schema };
    let message = codec.encode(outgoing(source, &data)?).await?;
    let json =
        HubMessage { content_type: "application/json".to_owned(), body: serde_json::to_vec(&told)?, ..message.clone() };
    let (properties, bare) = (written(&message)?, unknown(&message)?);
    let (avro_event, json_event) =
        (decoded(codec, &message, &properties).await?, decoded(codec, &json, &properties).await?);
    let content = |event: &Event| event.content().map(black_box).is_ok();
    Ok(Figure {
        event_type: event_type.to_owned(),
        avro_bytes: message.body.len(),
        json_bytes: json.body.len(),
        encode_avro: rate(duration, async || Ok(black_box(codec.encode(outgoing(source, &data)?).await?).body.len()))
            .await?,
        encode_json: rate(
            duration,
            async || Ok(black_box(serde_json::to_vec(&told)?).len() + written(&message)?.len()),
        )
        .await?,
        decode_avro: rate(duration, async || Ok(black_box(decoded(codec, &message, &properties).await?).id.len()))
            .await?,
        decode_json: rate(duration, async || Ok(black_box(decoded(codec, &json, &properties).await?).id.len())).await?,
        attributes: rate(duration, async || {
            let empty = HubMessage {
                body: b"{}".to_vec(),
                content_type: json.content_type.clone(),
                id: String::new(),
                properties: Vec::new(),
            };
            Ok(black_box(decoded(codec, &empty, &bare).await?).id.len())
        })
        .await?,
        content_avro: rate(duration, async || Ok(usize::from(content(&avro_event)))).await?,
        content_json: rate(duration, async || Ok(usize::from(content(&json_event)))).await?,
    })
}

fn outgoing<'a>(source: &Source, data: &'a Datum<'a>) -> Result<Outgoing<'a, Datum<'a>>> {
    let key = "bench-1".to_owned();
    Ok(Outgoing {
        id: "0196f5e2-0000-7000-8000-000000000001".to_owned(),
        source: "/contoso/bench",
        subject: Some(key.clone()),
        time: Some(clock::now()),
        extensions: BTreeMap::from([("partitionkey".to_owned(), key)]),
        trace: None,
        schema: source.contract,
        data,
    })
}

/// Data of an example as a type of Rust would serialize it: numbers as wide as the schema has them, whatever JSON makes of them.
struct Datum<'a> {
    value: &'a Value,
    kind: &'a Type,
    schema: &'a Schema,
}

impl<'a> Datum<'a> {
    fn part(&self, value: &'a Value, kind: &'a Type) -> Self {
        Self { value, kind, schema: self.schema }
    }

    /// The type that the value has: of a union the branch, of a logical type what it is stored as.
    fn stored(&self, kind: &'a Type) -> &'a Type {
        match kind {
            Type::Logical { base, .. } => self.stored(base),
            Type::Union(branches) => {
                let fits = |branch: &&Type| match (self.stored(branch), self.value) {
                    (Type::Primitive(primitive), Value::Number(_)) => {
                        !matches!(primitive, Primitive::Null | Primitive::String | Primitive::Boolean)
                    }
                    (Type::Array(_), Value::Array(_)) | (Type::Map(_) | Type::Named(_), Value::Object(_)) => true,
                    _ => false,
                };
                branches.iter().find(fits).map_or(kind, |branch| self.stored(branch))
            }
            _ => kind,
        }
    }

    /// The type of a member of an object.
    fn member(&self, name: &str) -> &'a Type {
        match self.stored(self.kind) {
            Type::Map(values) => values,
            Type::Named(record) => match self.schema.named(record).map(|named| &named.definition) {
                Some(Definition::Record(fields)) => {
                    fields.iter().find(|field| field.name == name).map_or(self.kind, |field| &field.kind)
                }
                _ => self.kind,
            },
            _ => self.kind,
        }
    }
}

impl<'a> Serialize for Datum<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let stored = self.stored(self.kind);
        match self.value {
            Value::Null => serializer.serialize_none(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => {
                let narrow = number.as_i64().and_then(|whole| i32::try_from(whole).ok());
                match (stored, narrow, number.as_i64()) {
                    (Type::Primitive(Primitive::Int), Some(narrow), _) => serializer.serialize_i32(narrow),
                    (Type::Primitive(Primitive::Long), _, Some(whole)) => serializer.serialize_i64(whole),
                    _ => serializer.serialize_f64(number.as_f64().unwrap_or_default()),
                }
            }
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => {
                let kind = if let Type::Array(items) = stored { items } else { stored };
                serializer.collect_seq(items.iter().map(|item| self.part(item, kind)))
            }
            Value::Object(members) => {
                let part = |(name, value): (&'a String, &'a Value)| (name, self.part(value, self.member(name)));
                serializer.collect_map(members.iter().map(part))
            }
        }
    }
}

/// The properties as the Functions host sends them.
fn written(message: &HubMessage) -> Result<String> {
    let pairs: BTreeMap<&str, &str> =
        message.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// The same of a type that nobody knows.
fn unknown(message: &HubMessage) -> Result<String> {
    let mut message = message.clone();
    for (name, value) in &mut message.properties {
        if name.ends_with(":type") {
            "com.contoso.bench.unknown.v1".clone_into(value);
        }
    }
    written(&message)
}

async fn decoded(codec: &Codec, message: &HubMessage, properties: &str) -> Result<Event> {
    let properties: Properties<'_> = serde_json::from_str(properties)?; // json: written a moment ago
    Ok(codec.decode(Incoming { body: &message.body, content_type: Some(&message.content_type), properties }).await?)
}

/// How often a second.
async fn rate(duration: Duration, mut work: impl AsyncFnMut() -> Result<usize>) -> Result<f64> {
    let mut done = 0_u32;
    let began = Instant::now();
    loop {
        for _ in 0..AT_ONCE {
            black_box(work().await?);
        }
        done = done.saturating_add(AT_ONCE);
        let elapsed = began.elapsed();
        if elapsed >= duration {
            return Ok(f64::from(done) / elapsed.as_secs_f64());
        }
    }
}
