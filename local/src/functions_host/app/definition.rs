//! `function.json`: one function, its trigger, its outputs and its retry policy.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    binding::Binding, error::AppError, host_json::HostJson, json_file::read_object, settings::Settings,
    trigger::Trigger,
};
use crate::functions_host::invocation::RetryPolicy;

/// One function of the app.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Name of the trigger binding: the one key of `Data`.
    pub(crate) binding: String,
    pub(crate) trigger: Trigger,
    /// Name of the `http` output binding, where there is one.
    pub(crate) http_output: Option<String>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) disabled: bool,
}

impl Function {
    /// Reads `<folder>/function.json`.
    pub(crate) fn read(root: &Path, folder: &str, host: &HostJson, settings: &Settings) -> Result<Self, AppError> {
        let file = format!("{folder}/function.json");
        let definition = read_object(root, &file)?;
        if !is_function_name(folder) {
            return Err(AppError::new(
                file,
                "name",
                format!(
                    "'{folder}' is not a function name: a letter, then letters, digits, - and _, at most 128, not 'host'"
                ),
            ));
        }
        if let Some(script) = definition.get("scriptFile").and_then(Value::as_str)
            && !root.join(folder).join(script).exists()
        {
            return Err(AppError::new(file, "scriptFile", format!("'{script}' does not exist")));
        }
        let bindings = read_bindings(&file, &definition, settings)?;
        let trigger = the_trigger(&file, &bindings)?;
        Ok(Self {
            name: folder.to_owned(),
            binding: trigger.name.clone(),
            trigger: Trigger::read(folder, trigger, settings)?,
            http_output: http_output(&bindings, trigger)?,
            retry: retry(&file, &definition)?.or(host.retry),
            disabled: settings.disables(folder),
        })
    }

    /// A fault in a field of this function's trigger binding.
    pub(crate) fn error(&self, field: &str, problem: impl Into<String>) -> AppError {
        AppError::new(format!("{}/function.json", self.name), field, problem)
    }

    /// Whether the raw HTTP request goes to the handler: exactly an `httpTrigger` and an `http` output, and the app
    /// asks for it.
    pub(crate) fn forwards_http(&self, host: &HostJson) -> bool {
        host.custom_handler.forward_http && matches!(self.trigger, Trigger::Http(_)) && self.http_output.is_some()
    }
}

/// The policy of `retry`, with every field of the chosen strategy.
fn retry(file: &str, definition: &Map<String, Value>) -> Result<Option<RetryPolicy>, AppError> {
    let Some(retry) = definition.get("retry").filter(|retry| !retry.is_null()) else {
        return Ok(None);
    };
    let Some(retry) = retry.as_object() else {
        return Err(AppError::new(file, "retry", "must be an object"));
    };
    RetryPolicy::read(&|field| match retry.get(field)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    })
    .map_err(|(field, problem)| AppError::new(file, format!("retry.{field}"), problem))
}

fn read_bindings(file: &str, definition: &Map<String, Value>, settings: &Settings) -> Result<Vec<Binding>, AppError> {
    let Some(bindings) = definition.get("bindings").and_then(Value::as_array).filter(|all| !all.is_empty()) else {
        return Err(AppError::new(file, "bindings", "must hold at least one binding"));
    };
    let mut read: Vec<Binding> = Vec::with_capacity(bindings.len());
    for (index, binding) in bindings.iter().enumerate() {
        let binding = Binding::read(file, index, binding, settings)?;
        if read.iter().any(|other| other.name.eq_ignore_ascii_case(&binding.name)) {
            return Err(binding.error("name", format!("'{}' is used twice", binding.name)));
        }
        read.push(binding);
    }
    Ok(read)
}

fn the_trigger<'b>(file: &str, bindings: &'b [Binding]) -> Result<&'b Binding, AppError> {
    let mut triggers = bindings.iter().filter(|binding| binding.is_trigger());
    match (triggers.next(), triggers.next()) {
        (Some(trigger), None) if trigger.direction == "in" => Ok(trigger),
        (Some(trigger), None) => Err(trigger.error("direction", "of a trigger must be 'in'")),
        (Some(_), Some(second)) => Err(second.error("type", "is a second trigger; a function has exactly one")),
        (None, _) => Err(AppError::new(file, "bindings", "hold no trigger; a function has exactly one")),
    }
}

/// The `http` output. Every other binding beside the trigger is refused by name.
fn http_output(bindings: &[Binding], trigger: &Binding) -> Result<Option<String>, AppError> {
    let mut output = None;
    for binding in bindings.iter().filter(|binding| !binding.is_trigger()) {
        let is_http = binding.kind.eq_ignore_ascii_case("http") && binding.direction == "out";
        if !is_http {
            return Err(binding.error(
                "type",
                format!(
                    "binding '{}' with direction '{}' is not supported by this host",
                    binding.kind, binding.direction
                ),
            ));
        }
        if !trigger.kind.eq_ignore_ascii_case("httpTrigger") {
            return Err(binding.error("type", "an 'http' output needs an 'httpTrigger'"));
        }
        if output.replace(binding.name.clone()).is_some() {
            return Err(binding.error("type", "is a second 'http' output"));
        }
    }
    Ok(output)
}

fn is_function_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && name.len() <= 128
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !name.eq_ignore_ascii_case("host")
}
