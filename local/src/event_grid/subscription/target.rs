//! Destination of a subscription, read.

use std::{net::IpAddr, time::Duration};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::{Attribute, AttributeValue, Batching, Destination, QueueLife, Target};
use crate::{storage_account::check_name, transport::PlainPath};

const MAX_ATTRIBUTES: usize = 10;
const MAX_ATTRIBUTE_BYTES: usize = 4096;
const DEFAULT_PREFERRED_KILOBYTES: u32 = 64;

/// Stands for the address of the local functions host, whose port a topology file cannot know.
const FUNCTION_APP: &str = "{functionApp}";

/// `destination` as Resource Manager spells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DestinationBody {
    endpoint_type: String,
    properties: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WebHookBody {
    endpoint_url: Option<String>,
    /// Read-only: clients that write back what they read send it.
    #[serde(rename = "endpointBaseUrl")]
    _endpoint_base_url: Option<String>,
    max_events_per_batch: Option<u32>,
    preferred_batch_size_in_kilobytes: Option<u32>,
    /// Taken and shown: the local stack speaks what the TLS library of the machine speaks.
    #[serde(rename = "minimumTlsVersionAllowed")]
    _minimum_tls_version_allowed: Option<String>,
    azure_active_directory_tenant_id: Option<String>,
    azure_active_directory_application_id_or_uri: Option<String>,
    delivery_attribute_mappings: Option<Vec<AttributeBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FunctionBody {
    resource_id: String,
    max_events_per_batch: Option<u32>,
    preferred_batch_size_in_kilobytes: Option<u32>,
    delivery_attribute_mappings: Option<Vec<AttributeBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct QueueBody {
    /// The account; there is one.
    #[serde(rename = "resourceId")]
    _resource_id: Option<String>,
    queue_name: String,
    queue_message_time_to_live_in_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HubBody {
    resource_id: String,
    delivery_attribute_mappings: Option<Vec<AttributeBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AttributeBody {
    name: String,
    r#type: String,
    properties: AttributeProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AttributeProperties {
    value: Option<String>,
    /// Only reads look at it: a secret is shown as `Hidden`.
    #[serde(rename = "isSecret")]
    _is_secret: Option<bool>,
    source_field: Option<String>,
}

/// Checks a destination; the error is a sentence for whoever makes the subscription.
pub(super) fn parse(body: DestinationBody) -> Result<Target, String> {
    match body.endpoint_type.as_str() {
        "WebHook" => web_hook(from_value(body.properties)?),
        "AzureFunction" => function(from_value(body.properties)?),
        "StorageQueue" => storage_queue(from_value(body.properties)?),
        "EventHub" => event_hub(from_value(body.properties)?),
        other @ ("ServiceBusQueue" | "ServiceBusTopic" | "HybridConnection" | "NamespaceTopic"
        | "PartnerDestination" | "MonitorAlert") => {
            Err(format!("The local stack does not support destinations of type {other}."))
        }
        other => Err(format!("The destination type `{other}` does not exist.")),
    }
}

fn from_value<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("The properties of the destination are not valid: {error}."))
}

fn web_hook(body: WebHookBody) -> Result<Target, String> {
    if body.azure_active_directory_tenant_id.is_some() || body.azure_active_directory_application_id_or_uri.is_some() {
        return Err("The local stack does not support webhooks protected by Microsoft Entra ID.".to_owned());
    }
    let text = body.endpoint_url.ok_or("A WebHook destination needs `endpointUrl`.")?;
    Ok(Target {
        destination: match text.strip_prefix(FUNCTION_APP) {
            Some(path) if is_webhook(path) => Destination::FunctionApp(path.to_owned()),
            Some(_) => {
                return Err(format!("Behind {FUNCTION_APP} must follow /runtime/webhooks/ and what is below it."));
            }
            None => Destination::WebHook(endpoint(&text)?),
        },
        batching: batching(body.max_events_per_batch, body.preferred_batch_size_in_kilobytes)?,
        attributes: attributes(body.delivery_attribute_mappings.unwrap_or_default())?,
    })
}

/// Whether events may be sent there with the app's key: below its webhooks and nowhere else, however it is read. A path
/// such as `//host` would lead elsewhere, one with `..` or `\` to the admin API.
fn is_webhook(path_and_query: &str) -> bool {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    path.starts_with("/runtime/webhooks/")
        && PlainPath::new(path).is_some()
        && query.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

fn function(body: FunctionBody) -> Result<Target, String> {
    let name = body
        .resource_id
        .rsplit_once("/functions/")
        .map(|(_, name)| name.trim_end_matches('/'))
        .filter(|name| !name.is_empty() && !name.contains('/'))
        .ok_or_else(|| format!("`{}` is not the resource id of a function.", body.resource_id))?;
    Ok(Target {
        destination: Destination::AzureFunction(name.to_owned()),
        batching: batching(body.max_events_per_batch, body.preferred_batch_size_in_kilobytes)?,
        attributes: attributes(body.delivery_attribute_mappings.unwrap_or_default())?,
    })
}

fn storage_queue(body: QueueBody) -> Result<Target, String> {
    let life = match body.queue_message_time_to_live_in_seconds {
        None => QueueLife::Usual,
        Some(-1) => QueueLife::Forever,
        Some(seconds @ 1..) => QueueLife::For(Duration::from_secs(seconds.unsigned_abs())),
        Some(_) => return Err("`queueMessageTimeToLiveInSeconds` must be positive, or -1 for no end.".to_owned()),
    };
    check_name("Queue", &body.queue_name).map_err(|_| format!("`{}` is not the name of a queue.", body.queue_name))?;
    Ok(Target {
        destination: Destination::StorageQueue { queue: body.queue_name, life },
        batching: None,
        attributes: Vec::new(),
    })
}

fn event_hub(body: HubBody) -> Result<Target, String> {
    let lower = body.resource_id.to_lowercase();
    let at = lower.rfind("/eventhubs/").map(|at| at + "/eventhubs/".len());
    let name = at
        .and_then(|at| body.resource_id.get(at..))
        .map(|name| name.trim_end_matches('/'))
        .filter(|name| !name.is_empty() && !name.contains('/') && lower.contains("/namespaces/"))
        .ok_or_else(|| format!("`{}` is not the resource id of an event hub.", body.resource_id))?;
    Ok(Target {
        destination: Destination::EventHub(name.to_owned()),
        batching: None,
        attributes: attributes(body.delivery_attribute_mappings.unwrap_or_default())?,
    })
}

/// Azure wants https. On a laptop partners run beside the stack, so http is taken too, but only on loopback.
fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`endpointUrl` is not a URL: {error}."))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("`endpointUrl` must be https, or http on this machine (loopback).".to_owned()),
    }
}

/// Setting either limit turns batching on, except that one event per batch with a size is the default written out.
fn batching(max_events: Option<u32>, preferred_kilobytes: Option<u32>) -> Result<Option<Batching>, String> {
    let max = max_events.unwrap_or(1);
    let kilobytes = preferred_kilobytes.unwrap_or(DEFAULT_PREFERRED_KILOBYTES);
    if !(1..=5000).contains(&max) {
        return Err("`maxEventsPerBatch` must be between 1 and 5000.".to_owned());
    }
    if !(1..=1024).contains(&kilobytes) {
        return Err("`preferredBatchSizeInKilobytes` must be between 1 and 1024.".to_owned());
    }
    let on = max > 1 || (max_events.is_none() && preferred_kilobytes.is_some());
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(on.then(|| Batching { max_events: size(max), preferred_bytes: size(kilobytes) * 1024 }))
}

fn attributes(bodies: Vec<AttributeBody>) -> Result<Vec<Attribute>, String> {
    if bodies.len() > MAX_ATTRIBUTES {
        return Err(format!("A subscription has at most {MAX_ATTRIBUTES} delivery attributes."));
    }
    bodies.into_iter().map(attribute).collect()
}

fn attribute(body: AttributeBody) -> Result<Attribute, String> {
    let named = |reason: &str| format!("The delivery attribute `{}` {reason}.", body.name);
    let name = HeaderName::try_from(&body.name).map_err(|_| named("is not a header name"))?;
    if name.as_str().starts_with("aeg-") {
        return Err(named("must not start with aeg-"));
    }
    let value = match (body.r#type.as_str(), body.properties.value, body.properties.source_field) {
        ("Static", Some(value), None) if value.len() <= MAX_ATTRIBUTE_BYTES => AttributeValue::Static(
            HeaderValue::try_from(value).map_err(|_| named("has a value that no header can hold"))?,
        ),
        ("Static", Some(_), None) => return Err(named("has a value of more than 4096 bytes")),
        ("Dynamic", None, Some(path)) if !path.is_empty() => {
            AttributeValue::Dynamic(path.trim_start_matches("$.").split('.').map(str::to_owned).collect())
        }
        ("Static", ..) => return Err(named("is static and needs `value` alone")),
        ("Dynamic", ..) => return Err(named("is dynamic and needs `sourceField` alone")),
        _ => return Err(named("must be Static or Dynamic")),
    };
    Ok(Attribute { name, value })
}

impl Attribute {
    /// Whether its value is taken from the event.
    pub(crate) fn is_dynamic(&self) -> bool {
        matches!(self.value, AttributeValue::Dynamic(_))
    }

    /// The header's value for `event`; `None` where the event has no such string, number or boolean.
    pub(crate) fn value_for(&self, event: &Value) -> Option<HeaderValue> {
        let path = match &self.value {
            AttributeValue::Static(value) => return Some(value.clone()),
            AttributeValue::Dynamic(path) => path,
        };
        let text = match path.iter().try_fold(event, |value, name| value.get(name))? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        HeaderValue::try_from(text).ok().filter(|value| value.len() <= MAX_ATTRIBUTE_BYTES)
    }
}
