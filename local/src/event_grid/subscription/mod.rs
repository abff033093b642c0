//! Subscriptions: what they ask for, and how reads show it.

mod settings;
mod shown;
mod target;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

pub(crate) use self::settings::{merge_patch, parse};
pub(crate) use self::shown::{delivery_attributes, full_url, shown};
use super::{event::Schema, filter::Filter, names::Source};

/// A subscription as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its number in the queue; never given twice.
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) source: Source,
    /// The properties that deliveries follow; `None` until the first handshake succeeded.
    pub(crate) in_force: Option<Value>,
    /// The properties that wait for their handshake.
    pub(crate) proposed: Option<Value>,
    pub(crate) state: ProvisioningState,
    /// Whether the topology file brought it; then it goes when the file no longer has it.
    pub(crate) deployed: bool,
}

impl Record {
    /// What a read shows: what is in force, else what is asked for.
    pub(crate) fn properties(&self) -> &Value {
        self.in_force.as_ref().or(self.proposed.as_ref()).unwrap_or(&Value::Null)
    }
}

/// `provisioningState` of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProvisioningState {
    Creating,
    Updating,
    AwaitingManualAction,
    Succeeded,
    Failed,
}

impl ProvisioningState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::AwaitingManualAction => "AwaitingManualAction",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// The checked form of a subscription's properties.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) target: Target,
    pub(crate) schema: Schema,
    pub(crate) filter: Filter,
    pub(crate) max_attempts: u32,
    pub(crate) time_to_live: Duration,
    /// Blob container for what could not be delivered; `None` drops it.
    pub(crate) dead_letters: Option<String>,
    pub(crate) expires: Option<OffsetDateTime>,
}

/// Where deliveries go, and in which form.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) destination: Destination,
    pub(crate) batching: Option<Batching>,
    pub(crate) attributes: Vec<Attribute>,
}

/// Where deliveries go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    WebHook(Url),
    /// A function of the app that runs in the stack, by name.
    AzureFunction(String),
    /// Another endpoint of the functions host, by path and query: how blob triggers hear of blobs.
    FunctionApp(String),
    /// A queue of the storage account.
    StorageQueue {
        queue: String,
        life: QueueLife,
    },
    /// A hub of the namespace, by name.
    EventHub(String),
}

/// `queueMessageTimeToLiveInSeconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueLife {
    /// Not given: the seven days of the queue service.
    Usual,
    For(Duration),
    Forever,
}

/// Several events in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    pub(crate) max_events: usize,
    pub(crate) preferred_bytes: usize,
}

/// A header of our own on every delivery.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: http::HeaderName,
    pub(crate) value: AttributeValue,
}

/// Where a delivery attribute takes its value from.
#[derive(Debug)]
pub(crate) enum AttributeValue {
    Static(http::HeaderValue),
    /// Names of the members from the event down to the value.
    Dynamic(Vec<String>),
}
