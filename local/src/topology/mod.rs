//! Topology: what exists in the stack, that is databases, hubs, groups, containers, topics and subscriptions, read
//! from one file; with it, who may do what.
//!
//! The stack knows nothing of the app it runs; this file tells it. The deployment templates are checked against the
//! same file, so the laptop and Azure hold the same things.

mod egress;
mod roles;
mod storage;

use std::{num::NonZeroU16, path::Path};

use serde::Deserialize;

pub use self::{
    egress::WebhookEgress,
    roles::{App, Function, Identity, RoleAssignment},
    storage::{Retention, StorageAccount},
};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Topology {
    /// Cosmos DB account.
    #[serde(default)]
    pub cosmos: Cosmos,
    /// Event Hubs namespace.
    #[serde(default)]
    pub event_hubs: EventHubs,
    /// Storage account.
    #[serde(default)]
    pub storage: StorageAccount,
    /// Event Grid topics and subscriptions.
    #[serde(default)]
    pub event_grid: EventGrid,
    /// Function apps, and what each of their functions may do.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Identities beside those of apps.
    #[serde(default)]
    pub identities: Vec<Identity>,
}

/// Cosmos DB: databases and their containers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cosmos {
    /// Regions in the order in which they take over; the first one takes writes. None stands for `East US` alone.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Databases.
    #[serde(default)]
    pub databases: Vec<Database>,
}

/// One database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Database {
    /// Its id.
    pub name: String,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// One container.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Container {
    /// Its id.
    pub name: String,
    /// Path of the partition key, such as `/id`.
    pub partition_key: String,
    /// `defaultTtl` in seconds; absent means that items never expire.
    pub ttl_seconds: Option<i64>,
    /// Its physical partitions, fixed at creation: what a change feed's leases are of. Absent means as many as its throughput takes, one up to
    /// 10,000 request units a second.
    pub physical_partitions: Option<NonZeroU16>,
    /// What is indexed beside `id`, as paths of an indexing policy such as `/category/?`: what queries filter and order by. Where there
    /// are some, the stack sorts by no other; where there are none, by all.
    #[serde(default)]
    pub indexed_paths: Vec<String>,
}

/// Event Hubs: one namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EventHubs {
    /// Name of the namespace; its host name is `<namespace>.servicebus.windows.net`.
    pub namespace: String,
    /// Hubs.
    #[serde(default)]
    pub hubs: Vec<Hub>,
    /// Groups of the schema registry.
    #[serde(default)]
    pub schema_groups: Vec<SchemaGroup>,
}

impl Default for EventHubs {
    fn default() -> Self {
        Self { namespace: "local".to_owned(), hubs: Vec::new(), schema_groups: Vec::new() }
    }
}

/// One event hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hub {
    /// Its name.
    pub name: String,
    /// Number of partitions, 1 to 32, fixed at creation.
    #[serde(default = "four")]
    pub partitions: u32,
    /// Hours an event is kept, 1 to 168.
    #[serde(default = "one_week")]
    pub retention_hours: u32,
    /// Consumer groups beside `$Default`.
    #[serde(default)]
    pub consumer_groups: Vec<String>,
    /// Capture to blob storage.
    pub capture: Option<Capture>,
}

fn four() -> u32 {
    4
}

fn one_week() -> u32 {
    168
}

/// Capture of a hub to Avro files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Capture {
    /// Blob container.
    pub container: String,
    /// Window in seconds, 60 to 900 in Azure; the local stack also takes shorter ones.
    #[serde(default = "five_minutes")]
    pub interval_seconds: u32,
    /// Size that closes a window early, in bytes.
    #[serde(default = "three_hundred_megabytes")]
    pub size_limit_bytes: u64,
    /// Writes no file for a window without events.
    #[serde(default)]
    pub skip_empty: bool,
    /// Name of a file, with every token of the service.
    #[serde(default = "default_name_format")]
    pub name_format: String,
}

fn five_minutes() -> u32 {
    300
}

fn three_hundred_megabytes() -> u64 {
    314_572_800
}

fn default_name_format() -> String {
    "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}".to_owned()
}

/// A group of the schema registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SchemaGroup {
    /// Its name.
    pub name: String,
    /// What a new version must be able to read.
    #[serde(default)]
    pub compatibility: Compatibility,
}

/// Compatibility of a schema group.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Compatibility {
    /// No check.
    #[default]
    None,
    /// A new schema reads old data.
    Backward,
    /// An old schema reads new data.
    Forward,
}

/// Event Grid topics and the subscriptions that are part of the deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EventGrid {
    /// Custom topics.
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// Event subscriptions.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
    /// Where webhooks may lead, of these subscriptions and of all others.
    #[serde(default)]
    pub webhook_egress: WebhookEgress,
}

/// A custom topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// `CloudEventSchemaV1_0` or `EventGridSchema`.
    #[serde(default = "cloud_events")]
    pub input_schema: String,
}

fn cloud_events() -> String {
    "CloudEventSchemaV1_0".to_owned()
}

/// A subscription that the deployment brings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// Where events come from.
    pub source: Source,
    /// The body of the Resource Manager `PUT`, its `properties` member: destination, filter, retry policy and
    /// dead-letter destination exactly as Azure spells them. `{functionApp}` in a resource id stands for the local app,
    /// and at the start of an `endpointUrl` for its address, as in
    /// `{functionApp}/runtime/webhooks/blobs?functionName=Host.Functions.OnBlob`.
    pub properties: serde_json::Value,
}

/// Source of a subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A custom topic, by name.
    Topic(String),
    /// The storage account's system topic.
    Storage,
    /// The Event Hubs namespace's system topic.
    EventHubs,
}

/// The file cannot be used; the message names file and place.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not valid.
    #[error("{path}: {source}")]
    Parse {
        /// The file.
        path: String,
        /// Line, column and reason.
        source: serde_json::Error,
    },
}

impl Topology {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When the file is missing, is not JSON, or has an unknown field.
    pub fn read(path: &Path) -> Result<Self, TopologyError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| TopologyError::Read { path: name(), source })?;
        contoso_json::from_str(&text).map_err(|source| TopologyError::Parse { path: name(), source })
    }

    /// Every identity: that of each app with all its functions, and the others.
    #[must_use]
    pub fn every_identity(&self) -> Vec<Identity> {
        self.apps.iter().map(|app| app.identity(|_| true)).chain(self.identities.iter().cloned()).collect()
    }
}
