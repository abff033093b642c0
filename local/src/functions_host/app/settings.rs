//! App settings: `local.settings.json`, the environment, and what the caller sets, in rising order of precedence.

use std::{collections::BTreeMap, path::Path};

use super::{error::AppError, json_file::read_object};

const FILE: &str = "local.settings.json";

/// Settings of the app. Names are compared without regard to case, as .NET configuration does. Holds secrets, so it has
/// no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// Lower-case name → (name as written, value).
    values: BTreeMap<String, (String, String)>,
}

impl Settings {
    /// Reads `local.settings.json` where present; a variable of the environment beats it, as in Core Tools, and
    /// `overrides` beat both.
    pub(crate) fn load(root: &Path, overrides: &BTreeMap<String, String>) -> Result<Self, AppError> {
        let mut settings = Self::default();
        if root.join(FILE).exists() {
            settings.read_file(root)?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a handler is started with what the stack was started with, as under the real host"
        )]
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                settings.set(&name, value);
            }
        }
        for (name, value) in overrides {
            settings.set(name, value.clone());
        }
        Ok(settings)
    }

    fn read_file(&mut self, root: &Path) -> Result<(), AppError> {
        let file = read_object(root, FILE)?;
        if file.get("IsEncrypted").and_then(serde_json::Value::as_bool) == Some(true) {
            return Err(AppError::new(FILE, "IsEncrypted", "encrypted settings are not supported"));
        }
        for (section, prefix) in [("Values", ""), ("ConnectionStrings", "ConnectionStrings__")] {
            let Some(values) = file.get(section) else { continue };
            let Some(values) = values.as_object() else {
                return Err(AppError::new(FILE, section, "must be an object"));
            };
            for (name, value) in values {
                let value = match value {
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
                    _ => return Err(AppError::new(FILE, format!("{section}.{name}"), "must be a string")),
                };
                self.set(&format!("{prefix}{name}"), value);
            }
        }
        Ok(())
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_lowercase(), (name.to_owned(), value));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&name.to_lowercase()).map(|(_, value)| value.as_str())
    }

    /// Everything the handler's environment holds.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.values().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Overrides of `host.json`: `AzureFunctionsJobHost__a__b` as (`a:b`, value).
    pub(crate) fn host_overrides(&self) -> impl Iterator<Item = (String, &str)> {
        self.values.iter().filter_map(|(name, (_, value))| {
            let path = name.strip_prefix("azurefunctionsjobhost__")?;
            Some((path.replace("__", ":"), value.as_str()))
        })
    }

    /// Replaces each `%NAME%`; the error is the name of a setting that does not exist.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        self.expand_with(text, |name| Err(name.to_owned()))
    }

    /// Replaces each `%NAME%`, unset ones by nothing.
    pub(crate) fn expand_or_empty(&self, text: &str) -> String {
        self.expand_with(text, |_| Ok::<_, std::convert::Infallible>(String::new()))
            .unwrap_or_else(|never| match never {})
    }

    fn expand_with<E>(&self, text: &str, missing: impl Fn(&str) -> Result<String, E>) -> Result<String, E> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('%') {
            let after = &rest[start + 1..];
            // A single % without a partner, or two in a row, stands for itself.
            let Some(end) = after.find('%').filter(|end| *end > 0) else { break };
            expanded.push_str(&rest[..start]);
            match self.get(&after[..end]) {
                Some(value) => expanded.push_str(value),
                None => expanded.push_str(&missing(&after[..end])?),
            }
            rest = &after[end + 1..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// Whether a setting switches `function` off; `disabled` in `function.json` is not read by hosts of version 4.
    pub(crate) fn disables(&self, function: &str) -> bool {
        [format!("AzureWebJobs.{function}.Disabled"), format!("AzureWebJobs_{function}_Disabled")]
            .iter()
            .filter_map(|name| self.get(name))
            .any(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in pairs {
            settings.set(name, (*value).to_owned());
        }
        settings
    }

    #[test]
    fn names_in_percent_signs_are_replaced() {
        let settings = settings(&[("Hub", "clicks"), ("Group", "site")]);
        assert_eq!(settings.expand("%hub%-%GROUP%").as_deref(), Ok("clicks-site"));
        assert_eq!(settings.expand("100%"), Ok("100%".to_owned()));
        assert_eq!(settings.expand("%Missing%"), Err("Missing".to_owned()));
        assert_eq!(settings.expand_or_empty("a%Missing%b"), "ab");
    }

    #[test]
    fn a_function_is_disabled_by_either_setting() {
        assert!(settings(&[("AzureWebJobs.Tick.Disabled", "true")]).disables("Tick"));
        assert!(settings(&[("AzureWebJobs_Tick_Disabled", "1")]).disables("Tick"));
        assert!(!settings(&[("AzureWebJobs.Tick.Disabled", "false")]).disables("Tick"));
    }
}
