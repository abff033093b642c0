//! Resource ids: how Resource Manager spells what exists in the stack.

use serde::{Deserialize, Serialize};

use crate::topology;

/// What can be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Source {
    /// A custom topic, by its name in the topology.
    Topic(String),
    /// The system topic of the storage account.
    Storage,
    /// The system topic of the Event Hubs namespace.
    EventHubs,
}

impl From<&topology::Source> for Source {
    fn from(source: &topology::Source) -> Self {
        match source {
            topology::Source::Topic(name) => Self::Topic(name.clone()),
            topology::Source::Storage => Self::Storage,
            topology::Source::EventHubs => Self::EventHubs,
        }
    }
}

impl Source {
    /// What roles are assigned on for this source.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::Topic(name) => format!("eventGrid/topics/{name}"),
            Self::Storage => "storage".to_owned(),
            Self::EventHubs => "eventHubs".to_owned(),
        }
    }
}

/// The names that resource ids are made of.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) subscription_id: String,
    pub(crate) resource_group: String,
    pub(crate) storage_account: String,
    pub(crate) event_hubs_namespace: String,
}

impl Names {
    fn resource(&self, provider_path: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{provider_path}",
            self.subscription_id, self.resource_group
        )
    }

    /// Id of the resource that emits the events, which is also `source` or `topic` of system events.
    pub(crate) fn source(&self, source: &Source) -> String {
        match source {
            Source::Topic(name) => self.resource(&format!("Microsoft.EventGrid/topics/{name}")),
            Source::Storage => self.resource(&format!("Microsoft.Storage/storageAccounts/{}", self.storage_account)),
            Source::EventHubs => self.resource(&format!("Microsoft.EventHub/namespaces/{}", self.event_hubs_namespace)),
        }
    }

    /// Id of the system topic before `source`; the topic itself for a custom one.
    pub(crate) fn topic(&self, source: &Source) -> String {
        match source {
            Source::Topic(_) => self.source(source),
            Source::Storage => self.resource("Microsoft.EventGrid/systemTopics/storage"),
            Source::EventHubs => self.resource("Microsoft.EventGrid/systemTopics/eventhubs"),
        }
    }
}
