use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value as Json;

use super::order::Node;

/// What an expression is worth before the deployment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Only from JSON.
    Float(f64),
    Text(String),
    Array(Vec<Value>),
    /// By key, as `items()` lists them.
    Object(BTreeMap<String, Value>),
    /// What only the deployment finds out, as the expression that finds it.
    Runtime(String),
    /// A resource or module.
    Node(Node),
    /// A resource or module whose condition is false.
    Absent,
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Runtime(_) => "known at run time only",
            Self::Node(_) => "a resource or module",
            Self::Absent => "a resource or module that is not deployed",
        }
    }

    pub(super) fn is_runtime(&self) -> bool {
        matches!(self, Self::Runtime(_))
    }

    /// Whether something in it is known at run time only.
    pub(super) fn has_runtime(&self) -> bool {
        match self {
            Self::Runtime(_) => true,
            Self::Array(items) => items.iter().any(Self::has_runtime),
            Self::Object(members) => members.values().any(Self::has_runtime),
            _ => false,
        }
    }

    /// As text, as `string()` and interpolation write it; `None` where that is not known before the deployment.
    pub(super) fn written(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(true) => Some("True".to_owned()),
            Self::Boolean(false) => Some("False".to_owned()),
            Self::Null => Some(String::new()),
            other if other.has_runtime() => None,
            other => other.json().map(|json| json.to_string()),
        }
    }

    /// As an expression of Bicep.
    pub(super) fn expression(&self) -> String {
        match self {
            Self::Null | Self::Absent => "null".to_owned(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\${")),
            Self::Runtime(expression) => expression.clone(),
            Self::Node(node) => format!("{node:?}"),
            Self::Array(items) => {
                let items: Vec<String> = items.iter().map(Self::expression).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Object(members) => {
                let mut text = String::from("{");
                for (name, value) in members {
                    // Writing to a string never fails.
                    write!(text, " {}: {}", Self::text(name.as_str()).expression(), value.expression()).ok();
                }
                text + " }"
            }
        }
    }

    /// As JSON. What is known at run time only becomes `[expression]`, as in a compiled template, where a string that begins with a
    /// bracket is written with two. `None` for what no property can have: a resource, a number that is none.
    pub(super) fn json(&self) -> Option<Json> {
        Some(match self {
            Self::Null => Json::Null,
            Self::Boolean(flag) => Json::Bool(*flag),
            Self::Integer(number) => Json::from(*number),
            Self::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
            Self::Text(text) if text.starts_with('[') => Json::String(format!("[{text}")),
            Self::Text(text) => Json::String(text.clone()),
            Self::Runtime(expression) => Json::String(format!("[{expression}]")),
            Self::Array(items) => Json::Array(items.iter().map(Self::json).collect::<Option<_>>()?),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| Some((name.clone(), value.json()?)));
                Json::Object(members.collect::<Option<_>>()?)
            }
            Self::Node(_) | Self::Absent => return None,
        })
    }

    pub(super) fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Boolean(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Self::Integer(number),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from_json).collect()),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from_json(value))).collect())
            }
        }
    }
}
