//! JSON Schemas that messages refer to: those of the OpenAPI document that partners' messages need, and those made of Avro schemas for
//! events that only operators get.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::super::{
    json_form::{Definitions, Forms},
    sources::{Source, Sources},
};

pub(super) const SCHEMAS: &str = "#/components/schemas/";

pub(super) struct Components<'a> {
    openapi: &'a Map<String, Value>,
    schemas: Map<String, Value>,
    forms: Forms,
}

impl<'a> Components<'a> {
    pub(super) fn of(sources: &'a Sources) -> Self {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let openapi = sources.openapi["components"]["schemas"].as_object().unwrap_or(&NONE);
        Self { openapi, schemas: Map::new(), forms: Forms::default() }
    }

    /// The event types of the OpenAPI document's webhook, each with the name of its schema.
    pub(super) fn told(&self) -> Vec<(&'a str, &'a str)> {
        let mapping = self.openapi.get("Event").and_then(|event| event["discriminator"]["mapping"].as_object());
        let pairs = mapping.into_iter().flatten();
        pairs
            .filter_map(|(event_type, target)| Some((event_type.as_str(), target.as_str()?.rsplit('/').next()?)))
            .collect()
    }

    /// Takes a schema of the OpenAPI document, with all that it refers to.
    pub(super) fn take(&mut self, name: &str) -> Result<Value> {
        if !self.schemas.contains_key(name) {
            let mut schema =
                self.openapi.get(name).with_context(|| format!("schemas/openapi.json has no schema {name}"))?.clone();
            let mut names = Vec::new();
            adapt(&mut schema, &mut names);
            self.schemas.insert(name.to_owned(), schema);
            for name in names {
                self.take(&name)?;
            }
        }
        Ok(json!({ "$ref": format!("{SCHEMAS}{name}") }))
    }

    /// The schema of an event's JSON that stands in no other document.
    pub(super) fn make(&mut self, source: &Source) -> Value {
        let form = source.add_to(&mut self.forms);
        Definitions { forms: &self.forms, prefix: SCHEMAS }.form(&form)
    }

    pub(super) fn into_schemas(self) -> Map<String, Value> {
        let Self { mut schemas, forms, .. } = self;
        for (name, schema) in (Definitions { forms: &forms, prefix: SCHEMAS }).all() {
            schemas.entry(name).or_insert(schema);
        }
        schemas
    }
}

/// The dialect of AsyncAPI is draft 7, which passes over what stands beside a reference, and knows no discriminator with a mapping.
fn adapt(schema: &mut Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) =
                members.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix(SCHEMAS))
            {
                names.push(name.to_owned());
                if members.len() > 1
                    && let Some(reference) = members.remove("$ref")
                {
                    members.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
                }
            }
            members.remove("discriminator");
            members.values_mut().for_each(|member| adapt(member, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| adapt(item, names)),
        _ => {}
    }
}
