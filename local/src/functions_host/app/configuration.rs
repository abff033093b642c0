//! `host.json` flattened, with app settings on top: what its values mean is for others to say.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::Value;

use super::{error::AppError, json_file::read_object, settings::Settings, time_span};

const FILE: &str = "host.json";

/// `host.json` as .NET configuration sees it: flat, every value a text, names without regard to case.
#[derive(Default)]
pub(super) struct Configuration {
    values: BTreeMap<String, String>,
}

impl Configuration {
    pub(super) fn read(root: &Path, settings: &Settings) -> Result<Self, AppError> {
        let mut config = Self::default();
        config.flatten("", &Value::Object(read_object(root, FILE)?));
        for (path, value) in settings.host_overrides() {
            config.values.insert(path.to_lowercase(), value.to_owned());
        }
        Ok(config)
    }

    fn flatten(&mut self, path: &str, value: &Value) {
        let below =
            |name: &str| if path.is_empty() { name.to_lowercase() } else { format!("{path}:{}", name.to_lowercase()) };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.flatten(&below(name), value)),
            Value::Array(elements) => {
                for (index, value) in elements.iter().enumerate() {
                    self.flatten(&below(&index.to_string()), value);
                }
            }
            Value::Null => {}
            Value::String(text) => {
                self.values.insert(path.to_owned(), text.clone());
            }
            other => {
                self.values.insert(path.to_owned(), other.to_string());
            }
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.values.get(&path.to_lowercase()).map(String::as_str)
    }

    /// The elements of an array.
    pub(super) fn list(&self, path: &str) -> Vec<String> {
        (0..).map_while(|index: u32| self.get(&format!("{path}:{index}")).map(str::to_owned)).collect()
    }

    /// The first of `paths` that is set, itself or below, and is not `false`.
    pub(super) fn first_below<'p>(&self, paths: &[&'p str]) -> Option<&'p str> {
        paths.iter().copied().find(|path| {
            self.values.iter().any(|(name, value)| {
                let inside = name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
                inside && !value.eq_ignore_ascii_case("false")
            })
        })
    }

    pub(super) fn optional_number<T: std::str::FromStr>(&self, path: &str) -> Result<Option<T>, AppError> {
        self.get(path)
            .map(|text| text.to_lowercase().parse().map_err(|_| self.error(path, format!("'{text}' cannot be used"))))
            .transpose()
    }

    /// A number or a boolean.
    pub(super) fn number<T: std::str::FromStr>(&self, path: &str, default: T) -> Result<T, AppError> {
        Ok(self.optional_number(path)?.unwrap_or(default))
    }

    pub(super) fn duration(&self, path: &str, default: Duration) -> Result<Duration, AppError> {
        match self.get(path) {
            None => Ok(default),
            Some(text) => time_span::parse(text)
                .ok_or_else(|| self.error(path, format!("'{text}' is not a time span such as 00:00:30"))),
        }
    }

    pub(super) fn error(&self, path: &str, problem: impl Into<String>) -> AppError {
        AppError::new(FILE, path.replace(':', "."), problem)
    }
}
