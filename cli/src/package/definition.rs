//! A function's definition, `function.json`, checked against the registry before anything runs.

use std::path::Path;

use contoso_handlers::function::{Function, Trigger};
use serde_json::{Value, json};

use super::{
    PackageError,
    properties::{self, Kind},
};

/// A definition that the host will accept and that fits the function it names.
pub(super) struct Definition {
    content: Value,
    trigger: usize,
}

impl Definition {
    /// Reads and checks `path`, the definition of `function`.
    pub(super) fn read(path: &Path, function: &Function) -> Result<Self, PackageError> {
        let text = super::read(path)?;
        let content: Value = contoso_json::from_str(&text)
            .map_err(|source| PackageError::Json { file: path.display().to_string(), source })?;
        let refused = |reason| PackageError::Definition { file: path.display().to_string(), reason };
        let trigger = check(&content, function).map_err(refused)?;
        Ok(Self { content, trigger })
    }

    /// Sets one property of the trigger's binding, and checks the whole again.
    pub(super) fn set(&mut self, function: &Function, property: &str, value: &str) -> Result<(), String> {
        let kind = properties::of(function.trigger.binding_type())
            .and_then(|mut known| known.find(|known| known.name == property))
            .map(|known| known.kind)
            .ok_or_else(|| format!("{} has no property {property}", function.trigger.binding_type()))?;
        let value = match kind {
            Kind::Text | Kind::OneOf(_) => json!(value),
            Kind::Texts => json!(value.split(',').collect::<Vec<_>>()),
            Kind::Flag | Kind::Whole => contoso_json::from_str(value).unwrap_or_else(|_| json!(value)),
        };
        self.content["bindings"][self.trigger][property] = value;
        check(&self.content, function).map(drop)
    }

    /// The file to stage.
    pub(super) fn text(&self) -> String {
        format!("{:#}\n", self.content)
    }
}

/// Checks a definition and returns the index of its trigger.
fn check(content: &Value, function: &Function) -> Result<usize, String> {
    let object = content.as_object().ok_or("not a JSON object")?;
    if let Some(unknown) =
        object.keys().find(|key| !["$schema", "disabled", "bindings", "retry"].contains(&key.as_str()))
    {
        return Err(format!("unknown property {unknown}"));
    }
    let bindings = object.get("bindings").and_then(Value::as_array).ok_or("bindings is missing or no list")?;
    for binding in bindings {
        check_binding(binding)?;
    }
    let triggers: Vec<usize> =
        (0..bindings.len()).filter(|index| kind_of(&bindings[*index]).ends_with("Trigger")).collect();
    let [trigger] = triggers[..] else {
        return Err(format!("{} triggers; a function has exactly one", triggers.len()));
    };
    check_trigger(&bindings[trigger], object.get("retry"), function)?;
    Ok(trigger)
}

fn kind_of(binding: &Value) -> &str {
    binding["type"].as_str().unwrap_or_default()
}

fn check_binding(binding: &Value) -> Result<(), String> {
    let kind = kind_of(binding);
    let known =
        properties::of(kind).ok_or_else(|| format!("a binding of type {:?}, which this app does not use", kind))?;
    for property in known.clone() {
        match binding.get(property.name) {
            Some(value) if property.kind.holds(value) => {}
            Some(value) => {
                return Err(format!("{kind}.{} is {value}, not {}", property.name, property.kind.wanted()));
            }
            None if property.required => {
                return Err(format!("{kind}.{} is missing; it must be {}", property.name, property.kind.wanted()));
            }
            None => {}
        }
    }
    let unknown = binding.as_object().and_then(|fields| {
        fields.keys().find(|key| *key != "type" && !known.clone().any(|property| property.name == **key))
    });
    unknown.map_or(Ok(()), |unknown| Err(format!("unknown property {kind}.{unknown}")))
}

/// The registry and the definition must agree, and a stream must be held back while its batch fails.
fn check_trigger(binding: &Value, retry: Option<&Value>, function: &Function) -> Result<(), String> {
    let (written, registered) = (kind_of(binding), function.trigger.binding_type());
    if written != registered {
        return Err(format!("trigger {written}, but {} is registered with {registered}", function.name));
    }
    match function.trigger {
        Trigger::EventHub { hub, consumer_group, .. } => {
            for (property, registered) in [("eventHubName", hub), ("consumerGroup", consumer_group)] {
                if binding[property] != registered {
                    return Err(format!(
                        "{property} is {}, but {} reads {registered}",
                        binding[property], function.name
                    ));
                }
            }
            check_retry(retry)
        }
        Trigger::CosmosDb { .. } => check_retry(retry),
        Trigger::Http { .. } | Trigger::EventGrid { .. } | Trigger::Timer { .. } => Ok(()),
    }
}

/// Without an unlimited retry policy the host moves its checkpoint past a failed batch, and the events are lost.
fn check_retry(retry: Option<&Value>) -> Result<(), String> {
    let retry = retry.ok_or("the retry policy is missing; a stream needs one with maxRetryCount -1")?;
    if retry["maxRetryCount"] != -1 {
        return Err("retry.maxRetryCount must be -1: any other lets the checkpoint move past a failed batch".to_owned());
    }
    let intervals: &[&str] = match retry["strategy"].as_str() {
        Some("fixedDelay") => &["delayInterval"],
        Some("exponentialBackoff") => &["minimumInterval", "maximumInterval"],
        _ => return Err("retry.strategy must be fixedDelay or exponentialBackoff".to_owned()),
    };
    match intervals.iter().find(|interval| !retry[**interval].as_str().is_some_and(is_time_span)) {
        Some(interval) => Err(format!("retry.{interval} must be a time span like 00:00:05")),
        None => Ok(()),
    }
}

/// `hh:mm:ss`.
fn is_time_span(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}
