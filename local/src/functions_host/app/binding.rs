//! One entry of `bindings`: its fields, with `%NAME%` replaced, and faults that name them.

use serde_json::{Map, Value};

use super::{error::AppError, settings::Settings};

/// An entry with every `%NAME%` replaced.
#[derive(Debug)]
pub(crate) struct Binding {
    file: String,
    index: usize,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) direction: String,
    pub(super) properties: Map<String, Value>,
}

/// One event per call, or a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cardinality {
    One,
    Many,
}

/// How the host binds a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    Undefined,
    Text,
    Binary,
}

impl Binding {
    pub(crate) fn read(file: &str, index: usize, value: &Value, settings: &Settings) -> Result<Self, AppError> {
        let mut binding = Self {
            file: file.to_owned(),
            index,
            name: String::new(),
            kind: String::new(),
            direction: String::new(),
            properties: Map::new(),
        };
        let Some(properties) = value.as_object() else {
            return Err(AppError::new(file, format!("bindings[{index}]"), "must be an object"));
        };
        for (name, value) in properties {
            let value = match value {
                Value::String(text) => Value::String(settings.expand(text).map_err(|missing| {
                    binding.error(name, format!("%{missing}% does not resolve to an app setting"))
                })?),
                other => other.clone(),
            };
            binding.properties.insert(name.to_lowercase(), value);
        }
        binding.kind = binding.text("type")?;
        binding.name = binding.text("name")?;
        binding.direction = binding.optional_text("direction")?.unwrap_or_else(|| "in".to_owned()).to_lowercase();
        if !is_binding_name(&binding.name) {
            return Err(binding.error(
                "name",
                format!(
                    "'{}' is not a binding name: a letter, then letters and digits, at most 128, or $return",
                    binding.name
                ),
            ));
        }
        Ok(binding)
    }

    pub(crate) fn is_trigger(&self) -> bool {
        self.kind.to_lowercase().ends_with("trigger")
    }

    pub(crate) fn error(&self, field: &str, problem: impl Into<String>) -> AppError {
        AppError::new(self.file.clone(), format!("bindings[{}].{field}", self.index), problem)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.properties.contains_key(&field.to_lowercase())
    }

    pub(super) fn optional_text(&self, field: &str) -> Result<Option<String>, AppError> {
        match self.properties.get(&field.to_lowercase()) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.error(field, "must be a string")),
        }
    }

    pub(super) fn text(&self, field: &str) -> Result<String, AppError> {
        self.optional_text(field)?.ok_or_else(|| self.error(field, "is missing"))
    }

    /// A number or boolean, as such or as a text.
    pub(super) fn scalar<T: std::str::FromStr>(&self, field: &str, default: T) -> Result<T, AppError> {
        let text = match self.properties.get(&field.to_lowercase()) {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::String(text)) => text.to_lowercase(),
            Some(other) => other.to_string(),
        };
        text.parse().map_err(|_| self.error(field, format!("'{text}' cannot be used")))
    }

    pub(super) fn cardinality(&self) -> Result<Cardinality, AppError> {
        match self.optional_text("cardinality")?.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("one") => Ok(Cardinality::One),
            Some("many") => Ok(Cardinality::Many),
            Some(other) => Err(self.error("cardinality", format!("'{other}' is neither 'one' nor 'many'"))),
        }
    }
}

impl DataType {
    pub(super) fn read(binding: &Binding) -> Result<Self, AppError> {
        match binding.optional_text("dataType")?.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("undefined") => Ok(Self::Undefined),
            Some("string") => Ok(Self::Text),
            Some("binary") => Ok(Self::Binary),
            Some(other) => Err(binding.error("dataType", format!("'{other}' cannot be bound"))),
        }
    }
}

fn is_binding_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name == "$return"
        || bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
            && name.len() <= 128
            && bytes.all(|byte| byte.is_ascii_alphanumeric())
}
