//! Event subscription: what Resource Manager is told of a partner's subscription (`Microsoft.EventGrid/eventSubscriptions`).
//!
//! A `PUT` replaces everything, and what is secret in it is never read again: it is made of the stored document each time. The label
//! `version:…` tells later which of our writes is in force.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    settings::Handshake,
    subscription::Subscription,
    webhook_secret::{CONTACT_HEADER, SECRET_HEADER, SUBSCRIPTION_HEADER, WebhookSecret},
};

/// Container of what could not be delivered.
const DEAD_LETTERS: &str = "event-grid-dead-letters";
/// Attempts and minutes after which Event Grid gives an event up: its own limits.
const ATTEMPTS: u32 = 30;
const MINUTES: u32 = 1440;
const VERSION: &str = "version:";

/// What an event subscription has beside what its partner asked for.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The value of the header that shows that a delivery is ours.
    pub secret: &'a WebhookSecret,
    /// Whom the owner of the endpoint may write to.
    pub contact: Option<&'a str>,
    /// Resource id of the storage account for what could not be delivered; without it, that is dropped.
    pub dead_letter_storage: Option<&'a str>,
}

/// A body for Resource Manager, and how its version is known.
#[derive(Clone, PartialEq, Eq)]
pub struct EventSubscriptionBody {
    /// The body. It holds the whole endpoint and the secret.
    pub body: Value,
    /// A hash of it: what [`Subscription::provisioned`] keeps.
    pub version: String,
}

/// What Resource Manager is told of a subscription.
pub fn body(subscription: &Subscription, beside: Beside<'_>) -> EventSubscriptionBody {
    let Subscription { name, partner, settings, attempt, .. } = subscription;
    let is_manual = settings.handshake == Handshake::Manual;
    let fixed = |name: &str, value: &str, is_secret: bool| json!({ "name": name, "type": "Static", "properties": { "value": value, "isSecret": is_secret } });
    let mut headers = vec![
        fixed(SECRET_HEADER, beside.secret.reveal(), true),
        fixed(SUBSCRIPTION_HEADER, &format!("{partner}/{name}"), false),
    ];
    headers.extend(beside.contact.map(|contact| fixed(CONTACT_HEADER, contact, false)));
    let mut destination = json!({
        "endpointUrl": settings.endpoint.whole().as_str(),
        "deliveryAttributeMappings": headers,
        "minimumTlsVersionAllowed": "1.2",
    });
    if let Some(batching) = settings.batching {
        destination["maxEventsPerBatch"] = json!(batching.max_events);
        destination["preferredBatchSizeInKilobytes"] = json!(batching.preferred_kilobytes);
    }
    if let Some(entra) = &settings.entra {
        destination["azureActiveDirectoryTenantId"] = json!(entra.tenant_id);
        destination["azureActiveDirectoryApplicationIdOrUri"] = json!(entra.application_id);
    }
    let mut properties = json!({
        "destination": { "endpointType": "WebHook", "properties": destination },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": settings.selection.event_grid_filter(partner, name),
        "retryPolicy": { "maxDeliveryAttempts": ATTEMPTS, "eventTimeToLiveInMinutes": MINUTES },
    });
    if let Some(storage) = beside.dead_letter_storage {
        properties["deadLetterDestination"] = json!({
            "endpointType": "StorageBlob",
            "properties": { "resourceId": storage, "blobContainerName": DEAD_LETTERS },
        });
    }
    // How the endpoint consents is not told to Event Grid, which takes either way; a change of it is a change nevertheless. So is another
    // attempt with the same settings: what became of the one before says nothing about it.
    let hash = Sha256::digest(format!("{attempt} {is_manual} {properties}"));
    let version: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    properties["labels"] =
        json!([format!("partner:{partner}"), format!("subscription:{name}"), format!("{VERSION}{version}")]);
    EventSubscriptionBody { body: json!({ "properties": properties }), version }
}

/// The version that an event subscription with these labels is of.
pub fn version(labels: &[String]) -> Option<&str> {
    labels.iter().find_map(|label| label.strip_prefix(VERSION))
}

#[cfg(test)]
mod tests {
    use time::{OffsetDateTime, macros::datetime};

    use super::*;
    use crate::partner::{endpoint::EndpointRules, settings::Settings, webhook_secret::MasterKeys};

    const NOW: OffsetDateTime = datetime!(2027-03-04 10:00 UTC);

    fn subscription(settings: Value) -> Subscription {
        let settings = settings.as_object().expect("an object");
        let settings = Settings::parse(settings, &EndpointRules::default()).expect("settings");
        let (partner, name) = ("acme".to_owned(), "prices".to_owned());
        let (partner, name) = (partner.try_into().expect("a name"), name.try_into().expect("a name"));
        Subscription::new(partner, name, settings, "m", false, NOW)
    }

    #[test]
    fn a_write_is_known_by_its_label_and_by_nothing_secret() {
        let keys = MasterKeys::parse("m:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=").expect("keys");
        let made = |settings: Value| {
            let subscription = subscription(settings);
            let Subscription { partner, name, secrets, .. } = &subscription;
            let secret = keys.header(partner, name, secrets, NOW).expect("a secret");
            body(
                &subscription,
                Beside { secret: &secret, contact: Some("mailto:abuse@contoso.example"), dead_letter_storage: None },
            )
        };
        let plain = made(json!({ "endpoint": "https://ok.example/s3cr3t" }));
        let labels: Vec<String> = serde_json::from_value(plain.body["properties"]["labels"].clone()).expect("labels");
        assert_eq!(version(&labels), Some(plain.version.as_str()));
        assert!(!labels.concat().contains("s3cr3t"));
        let headers = plain.body["properties"]["destination"]["properties"]["deliveryAttributeMappings"].as_array();
        let headers = headers.expect("headers");
        assert_eq!(headers.len(), 3);
        let secret: Vec<_> = headers.iter().filter(|header| header["properties"]["isSecret"] == true).collect();
        assert_eq!(secret.len(), 1);
        assert_eq!(made(json!({ "endpoint": "https://ok.example/s3cr3t" })).version, plain.version);
        let failed = subscription(json!({ "endpoint": "https://ok.example/s3cr3t" })).failed(String::new(), NOW);
        let again = failed.expect("it waits").retry(NOW).expect("another try");
        let secret = keys.header(&again.partner, &again.name, &again.secrets, NOW).expect("a secret");
        let beside =
            Beside { secret: &secret, contact: Some("mailto:abuse@contoso.example"), dead_letter_storage: None };
        assert_ne!(body(&again, beside).version, plain.version, "another attempt");
        for other in [
            json!({ "endpoint": "https://ok.example/s3cr3t2" }),
            json!({ "endpoint": "https://ok.example/s3cr3t", "categories": ["Tents"] }),
            json!({ "endpoint": "https://ok.example/s3cr3t", "batching": { "maxEvents": 2 } }),
            json!({ "endpoint": "https://ok.example/s3cr3t", "handshake": "manual" }),
        ] {
            assert_ne!(made(other.clone()).version, plain.version, "{other}");
        }
    }
}
