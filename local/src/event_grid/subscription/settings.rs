//! Settings: the properties of a subscription, read as Resource Manager spells them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Settings,
    target::{self, DestinationBody},
};
use crate::event_grid::{
    event::Schema,
    filter::{Filter, FilterBody},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PropertiesBody {
    /// Read-only, as is the next one: clients that write back what they read send them.
    #[serde(rename = "topic")]
    _topic: Option<Value>,
    #[serde(rename = "provisioningState")]
    _provisioning_state: Option<Value>,
    destination: Option<DestinationBody>,
    delivery_with_resource_identity: Option<DeliveryWithIdentity>,
    filter: Option<FilterBody>,
    #[serde(rename = "labels")]
    _labels: Option<Vec<String>>,
    expiration_time_utc: Option<String>,
    event_delivery_schema: Option<String>,
    retry_policy: Option<RetryPolicyBody>,
    dead_letter_destination: Option<DeadLetterBody>,
    dead_letter_with_resource_identity: Option<DeadLetterWithIdentity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeliveryWithIdentity {
    #[serde(rename = "identity")]
    _identity: Value,
    destination: DestinationBody,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeadLetterWithIdentity {
    #[serde(rename = "identity")]
    _identity: Value,
    dead_letter_destination: DeadLetterBody,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RetryPolicyBody {
    max_delivery_attempts: Option<u32>,
    event_time_to_live_in_minutes: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeadLetterBody {
    endpoint_type: String,
    properties: DeadLetterProperties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeadLetterProperties {
    /// There is one storage account in the stack, so the id is not looked at.
    #[serde(rename = "resourceId")]
    _resource_id: Option<String>,
    blob_container_name: String,
}

/// Checks `properties` of a subscription to a topic whose events are in `input`.
///
/// The error is a sentence for whoever makes the subscription. An expiry in the past is only refused on the way in,
/// with `now`; stored ones may have expired.
pub(crate) fn parse(properties: &Value, input: Schema, now: Option<OffsetDateTime>) -> Result<Settings, String> {
    let body: PropertiesBody = serde_json::from_value(properties.clone()).map_err(|error| format!("{error}."))?;
    let destination = match (body.destination, body.delivery_with_resource_identity) {
        (Some(destination), None) => destination,
        (None, Some(delivery)) => delivery.destination,
        (None, None) => return Err("A subscription needs `destination`.".to_owned()),
        (Some(_), Some(_)) => {
            return Err("Use either `destination` or `deliveryWithResourceIdentity`, not both.".to_owned());
        }
    };
    let schema = match (body.event_delivery_schema.as_deref().map(Schema::parse).transpose()?, input) {
        (None, input) => input,
        (Some(Schema::EventGrid), Schema::CloudEvents) => {
            return Err("A topic of cloud events cannot deliver in EventGridSchema.".to_owned());
        }
        (Some(schema), _) => schema,
    };
    let (max_attempts, minutes) = body
        .retry_policy
        .map_or((None, None), |policy| (policy.max_delivery_attempts, policy.event_time_to_live_in_minutes));
    let dead_letters = match (body.dead_letter_destination, body.dead_letter_with_resource_identity) {
        (Some(_), Some(_)) => {
            return Err("Use either `deadLetterDestination` or `deadLetterWithResourceIdentity`, not both.".to_owned());
        }
        (plain, with_identity) => plain.or(with_identity.map(|body| body.dead_letter_destination)),
    };
    Ok(Settings {
        target: target::parse(destination)?,
        schema,
        filter: Filter::try_from(body.filter.unwrap_or_default())?,
        max_attempts: bounded("maxDeliveryAttempts", max_attempts, 30)?,
        time_to_live: Duration::from_secs(60 * u64::from(bounded("eventTimeToLiveInMinutes", minutes, 1440)?)),
        dead_letters: dead_letters.map(container).transpose()?,
        expires: body.expiration_time_utc.map(|text| expiry(&text, now)).transpose()?,
    })
}

/// The properties after a `PATCH`, whose body is flat: each member it has replaces the one before.
pub(crate) fn merge_patch(properties: &Value, patch: &Map<String, Value>) -> Value {
    let mut merged = properties.as_object().cloned().unwrap_or_default();
    for (plain, with_identity) in
        [("destination", "deliveryWithResourceIdentity"), ("deadLetterDestination", "deadLetterWithResourceIdentity")]
    {
        if patch.contains_key(plain) || patch.contains_key(with_identity) {
            merged.remove(plain);
            merged.remove(with_identity);
        }
    }
    merged.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(merged)
}

/// `value` between 1 and `limit`, which is also the default.
fn bounded(name: &str, value: Option<u32>, limit: u32) -> Result<u32, String> {
    match value {
        None => Ok(limit),
        Some(value) if (1..=limit).contains(&value) => Ok(value),
        Some(value) => Err(format!("`{name}` is {value}; it must be between 1 and {limit}.")),
    }
}

fn container(body: DeadLetterBody) -> Result<String, String> {
    if body.endpoint_type != "StorageBlob" {
        return Err(format!(
            "A dead-letter destination of type `{}` does not exist; use StorageBlob.",
            body.endpoint_type
        ));
    }
    if body.properties.blob_container_name.is_empty() {
        return Err("A dead-letter destination needs `blobContainerName`.".to_owned());
    }
    Ok(body.properties.blob_container_name)
}

fn expiry(text: &str, now: Option<OffsetDateTime>) -> Result<OffsetDateTime, String> {
    let expiry = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "`expirationTimeUtc` must be an RFC 3339 date and time.".to_owned())?;
    match now {
        Some(now) if expiry <= now => Err("`expirationTimeUtc` must lie in the future.".to_owned()),
        _ => Ok(expiry),
    }
}
