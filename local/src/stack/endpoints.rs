//! The addresses and keys of a running stack, as `contoso up` prints them.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::identity::Credentials;

/// Where everything is, for people, tests and other tools.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Functions host.
    pub functions: String,
    /// Pages.
    pub site: String,
    /// Event Hubs and its schema registry.
    pub event_hubs: EventHubsEndpoints,
    /// Cosmos DB.
    pub cosmos: CosmosEndpoints,
    /// Blob Storage.
    pub blob: BlobEndpoints,
    /// Queue Storage.
    pub queue: QueueEndpoints,
    /// Event Grid.
    pub event_grid: EventGridEndpoints,
    /// Azure Monitor. Empty where a stack of an earlier version wrote them.
    #[serde(default)]
    pub monitor: MonitorEndpoints,
    /// Levers for tests.
    pub control: String,
    /// OpenTelemetry over HTTP: base address of `/v1/traces`, `/v1/metrics` and `/v1/logs`. Empty where a stack of an earlier version wrote them.
    #[serde(default)]
    pub otlp: String,
    /// What an app with one of the topology's identities has in its environment, by name of the identity.
    pub identities: BTreeMap<String, Credentials>,
    /// Certificate of the authority that all https endpoints are trusted through, PEM.
    pub ca_certificate: PathBuf,
    /// Names of the members above whose addresses are of programs beside the stack: `functions`, or nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
}

/// Name of the member of [`Endpoints`] that may be external.
const FUNCTIONS: &str = "functions";

impl Endpoints {
    /// Whether the functions host runs beside the stack.
    #[must_use]
    pub fn has_external_functions(&self) -> bool {
        self.external.iter().any(|name| name == FUNCTIONS)
    }

    /// What [`external`](Self::external) holds.
    pub(super) fn external_functions(is_external: bool) -> Vec<String> {
        if is_external { vec![FUNCTIONS.to_owned()] } else { Vec::new() }
    }
}

/// Event Hubs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventHubsEndpoints {
    /// For every official client.
    pub connection_string: String,
    /// AMQP over WebSockets, on the same port; `wss` where the client wants TLS.
    #[serde(default)]
    pub web_sockets: String,
    /// Base address of the schema registry.
    pub schema_registry: String,
    /// The same as host and port, as clients want it that ask for a fully qualified namespace: Python's, JavaScript's, .NET's.
    #[serde(default)]
    pub schema_registry_namespace: String,
    /// Names of the hubs; empty where a stack of an earlier version wrote them.
    #[serde(default)]
    pub hubs: Vec<String>,
}

/// Cosmos DB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CosmosEndpoints {
    /// Account endpoint.
    pub endpoint: String,
    /// Account key, the emulator's well-known one.
    pub key: String,
}

/// Blob Storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobEndpoints {
    /// For every official client.
    pub connection_string: String,
}

/// Queue Storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueEndpoints {
    /// For every official client; the same as that of the blobs.
    pub connection_string: String,
}

/// Event Grid: the first topic, and Resource Manager.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventGridEndpoints {
    /// Where events are published.
    pub topic_endpoint: String,
    /// Key of the topic.
    pub topic_key: String,
    /// Base address of the Resource Manager calls.
    pub resource_manager: String,
    /// Resource id of the topic.
    pub topic_id: String,
}

/// Azure Monitor: the log of failed deliveries. Metrics are Resource Manager's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitorEndpoints {
    /// Base address of Log Analytics queries.
    pub log_analytics: String,
    /// Id of the workspace.
    pub workspace_id: String,
}
