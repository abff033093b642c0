//! Settings of the functions that partners' subscriptions need: an app that serves none of them does without.

use std::fmt;

use time::Duration;
use url::Url;

use super::reader::Reader;
use crate::domain::partner::health::{LONGEST_PAUSE_AFTER, PAUSE_AFTER, SHORTEST_PAUSE_AFTER};

/// Resource Manager of the public cloud.
const RESOURCE_MANAGER: &str = "https://management.azure.com";
/// Log Analytics of the public cloud.
const LOG_ANALYTICS: &str = "https://api.loganalytics.azure.com";

/// What partners' subscriptions need.
#[derive(Debug, Clone)]
pub struct PartnerSettings {
    /// `EventGrid__topicId`: resource id of the partners' topic, which their subscriptions are made on.
    pub topic_id: Option<String>,
    /// `ResourceManager__endpoint`: where event subscriptions are made; the public cloud's by default.
    pub resource_manager: Url,
    /// `LogAnalytics__endpoint`: where logs of failed deliveries are read; the public cloud's by default.
    pub log_analytics: Url,
    /// `LogAnalytics__workspaceId`: the workspace (a GUID) that the topic's logs go to.
    pub workspace_id: Option<String>,
    /// `Partners__masterKeys`: what secrets of subscriptions are derived from, `id:base64`, several separated by commas, the first current.
    /// For a laptop: in Azure they are in the key vault.
    pub master_keys: Option<Hidden>,
    /// `Partners__keyVaultUri`: the vault whose secret `partner-master-keys` holds the same text.
    pub key_vault: Option<Url>,
    /// `Partners__allowPrivateEndpoints`: whether webhooks may be on private addresses, without TLS and on any port. For a laptop.
    pub allow_private: bool,
    /// `Partners__ownHosts`: host names of our own, which no webhook may be on, separated by commas.
    pub own_hosts: Vec<String>,
    /// `Partners__contact`: whom the owner of an endpoint may ask, sent with each delivery.
    pub contact: Option<String>,
    /// `Partners__pauseAfterHours`: how long every attempt must fail until a subscription is paused; `None` where it never is.
    pub pause_after: Option<Duration>,
    /// `Storage__queueServiceUri`: where queues of listeners are made.
    pub queues: Option<Url>,
    /// `Partners__deadLetterStorageId`: resource id of the storage account that takes what could not be delivered, and has the queues of
    /// listeners.
    pub dead_letter_storage: Option<String>,
}

/// A text that is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl PartnerSettings {
    pub(super) fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<Self> {
        let hosts = reader.value("Partners__ownHosts").unwrap_or_default();
        let own_hosts = hosts.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty());
        let mut address = |name, known: &str| {
            let address = reader.value(name).unwrap_or_else(|| known.to_owned());
            reader.parsed::<Url>(name, &address)
        };
        let resource_manager = address("ResourceManager__endpoint", RESOURCE_MANAGER);
        let log_analytics = address("LogAnalytics__endpoint", LOG_ANALYTICS);
        let pause_after = match reader.value("Partners__pauseAfterHours") {
            None => Ok(Some(PAUSE_AFTER)),
            Some(text) if text.eq_ignore_ascii_case("never") => Ok(None),
            Some(text) => match text.parse().ok().map(Duration::hours) {
                Some(after) if (SHORTEST_PAUSE_AFTER..=LONGEST_PAUSE_AFTER).contains(&after) => Ok(Some(after)),
                _ => Err(()),
            },
        };
        let pause_after = pause_after.map_err(|()| {
            let (least, most) = (SHORTEST_PAUSE_AFTER.whole_hours(), LONGEST_PAUSE_AFTER.whole_hours());
            let problem =
                format!("Partners__pauseAfterHours is malformed: a whole number from {least} to {most}, or never");
            reader.problems.push(problem);
        });
        Some(Self {
            topic_id: reader.value("EventGrid__topicId").map(|id| id.trim_end_matches('/').to_owned()),
            resource_manager: resource_manager?,
            log_analytics: log_analytics?,
            workspace_id: reader.value("LogAnalytics__workspaceId"),
            master_keys: reader.value("Partners__masterKeys").map(Hidden),
            key_vault: reader.optional("Partners__keyVaultUri"),
            allow_private: reader
                .value("Partners__allowPrivateEndpoints")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            own_hosts: own_hosts.collect(),
            contact: reader.value("Partners__contact"),
            pause_after: pause_after.ok()?,
            queues: reader.optional("Storage__queueServiceUri"),
            dead_letter_storage: reader.value("Partners__deadLetterStorageId"),
        })
    }
}
