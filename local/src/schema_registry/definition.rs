//! Schema definition: a schema's text, parsed.

use apache_avro::Schema;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::Refusal;

/// A valid Avro schema.
#[derive(Debug)]
pub(super) struct Definition {
    /// As it was registered.
    pub(super) text: String,
    pub(super) schema: Schema,
    /// The same for texts that mean the same: JSON without white space, members in order. Avro's own canonical form will
    /// not do, since it drops what readers need: defaults, logical types, documentation.
    canonical: String,
}

impl Definition {
    /// # Errors
    /// When the text is not a valid Avro schema.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::InvalidRequest("the request has no schema".to_owned()));
        }
        let not_json = |error: serde_json::Error| Refusal::InvalidRequest(format!("the schema is not JSON: {error}"));
        let json: Value = contoso_json::from_str(text).map_err(not_json)?;
        let schema = Schema::parse(&errors_as_records(&json))
            .map_err(|error| Refusal::InvalidRequest(format!("the schema is not valid Avro: {error}")))?;
        let mut canonical = String::new();
        write_canonical(&json, &mut canonical);
        Ok(Self { text: text.to_owned(), schema, canonical })
    }

    /// The id of this schema under a name: 32 hex digits that follow from group, name and content, so that a fresh
    /// stack gives every schema the id it had before and captured events stay readable.
    pub(super) fn id(&self, group: &str, name: &str) -> String {
        let mut hash = Sha256::new();
        for part in [group, name, &self.canonical] {
            // Lengths keep the parts apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The schema with every `error` made a `record`: Avro's protocols declare what a call may raise by that name, and to
/// readers and writers both are the same (Avro 1.12, "Protocol Declaration"). The parser knows records alone.
fn errors_as_records(schema: &Value) -> Value {
    match schema {
        Value::Array(branches) => branches.iter().map(errors_as_records).collect(),
        Value::Object(members) => {
            let is_named_record = members.get("fields").is_some_and(Value::is_array);
            let member = |(name, value): (&String, &Value)| {
                let value = match (name.as_str(), value) {
                    ("type", Value::String(kind)) if kind == "error" && is_named_record => "record".into(),
                    ("fields", Value::Array(fields)) => fields.iter().map(field).collect(),
                    ("type" | "items" | "values", schema) => errors_as_records(schema),
                    // Defaults, documentation and what else a schema carries are no schemas.
                    (_, value) => value.clone(),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        name => name.clone(),
    }
}

/// A field of a record: its `type` is a schema, or the name of one, which may be any.
fn field(field: &Value) -> Value {
    let mut field = field.clone();
    if let Some(schema) = field.get_mut("type") {
        *schema = errors_as_records(schema);
    }
    field
}

fn write_canonical(value: &Value, into: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            list(into, ['{', '}'], members, |(name, value), into| {
                into.push_str(&Value::from(name.as_str()).to_string());
                into.push(':');
                write_canonical(value, into);
            });
        }
        Value::Array(items) => list(into, ['[', ']'], items, write_canonical),
        plain => into.push_str(&plain.to_string()),
    }
}

fn list<T>(
    into: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    into.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            into.push(',');
        }
        write(item, into);
    }
    into.push(close);
}
