//! Azure's built-in roles, as far as the stack's services ask for what they allow.
//!
//! Source: "Azure built-in roles" and "Azure Cosmos DB: role-based access control", the data actions of each role.

use std::fmt;

/// Something a service asks a role for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send events to a hub.
    EventHubsSend,
    /// Receive events, and read properties of hubs and partitions.
    EventHubsListen,
    /// Read schemas.
    SchemaRead,
    /// Register schemas.
    SchemaWrite,
    /// Read and query items, read the change feed.
    CosmosRead,
    /// Create, replace and delete items.
    CosmosWrite,
    /// Read and list blobs.
    BlobRead,
    /// Create, replace, lease and delete blobs and containers.
    BlobWrite,
    /// Peek at messages, read and list queues.
    QueueRead,
    /// Add messages.
    QueueSend,
    /// Receive, update and delete messages.
    QueueProcess,
    /// Create and delete queues, set their metadata, clear them.
    QueueWrite,
    /// Publish to a topic.
    EventGridSend,
    /// Read event subscriptions.
    SubscriptionsRead,
    /// Create, change and delete event subscriptions.
    SubscriptionsWrite,
    /// Query the log of failed deliveries.
    LogsRead,
    /// Read the metrics of a topic.
    MetricsRead,
}

use Action::{
    BlobRead, BlobWrite, CosmosRead, CosmosWrite, EventGridSend, EventHubsListen, EventHubsSend, LogsRead, MetricsRead,
    QueueProcess, QueueRead, QueueSend, QueueWrite, SchemaRead, SchemaWrite, SubscriptionsRead, SubscriptionsWrite,
};

/// A built-in role.
pub(super) struct Role {
    /// Its name in Azure.
    pub(super) name: &'static str,
    pub(super) allows: &'static [Action],
}

/// Every role that the topology may name.
pub(super) const ROLES: &[Role] = &[
    Role { name: "Azure Event Hubs Data Sender", allows: &[EventHubsSend] },
    Role { name: "Azure Event Hubs Data Receiver", allows: &[EventHubsListen] },
    Role { name: "Azure Event Hubs Data Owner", allows: &[EventHubsSend, EventHubsListen, SchemaRead, SchemaWrite] },
    Role { name: "Schema Registry Reader", allows: &[SchemaRead] },
    Role { name: "Schema Registry Contributor", allows: &[SchemaRead, SchemaWrite] },
    Role { name: "Cosmos DB Built-in Data Reader", allows: &[CosmosRead] },
    Role { name: "Cosmos DB Built-in Data Contributor", allows: &[CosmosRead, CosmosWrite] },
    Role { name: "Storage Blob Data Reader", allows: &[BlobRead] },
    Role { name: "Storage Blob Data Contributor", allows: &[BlobRead, BlobWrite] },
    Role { name: "Storage Blob Data Owner", allows: &[BlobRead, BlobWrite] },
    Role { name: "Storage Queue Data Reader", allows: &[QueueRead] },
    Role { name: "Storage Queue Data Message Sender", allows: &[QueueSend] },
    Role { name: "Storage Queue Data Message Processor", allows: &[QueueRead, QueueProcess] },
    Role { name: "Storage Queue Data Contributor", allows: &[QueueRead, QueueSend, QueueProcess, QueueWrite] },
    Role { name: "EventGrid Data Sender", allows: &[EventGridSend] },
    Role { name: "EventGrid EventSubscription Reader", allows: &[SubscriptionsRead] },
    Role { name: "EventGrid EventSubscription Contributor", allows: &[SubscriptionsRead, SubscriptionsWrite] },
    Role { name: "Log Analytics Reader", allows: &[LogsRead] },
    Role { name: "Monitoring Reader", allows: &[MetricsRead] },
    Role { name: "EventGrid Contributor", allows: &[SubscriptionsRead, SubscriptionsWrite] },
];

impl Role {
    /// The role with this name, in whatever case.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        ROLES.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }
}

impl Action {
    /// Names of the roles that allow this, most narrow first.
    pub(super) fn roles(self) -> impl Iterator<Item = &'static str> {
        ROLES.iter().filter(move |role| role.allows.contains(&self)).map(|role| role.name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            EventHubsSend => "send events to",
            EventHubsListen => "receive events from",
            SchemaRead => "read schemas of",
            SchemaWrite => "register schemas with",
            CosmosRead => "read items of",
            CosmosWrite => "write items of",
            BlobRead => "read blobs of",
            BlobWrite => "write blobs of",
            QueueRead => "read",
            QueueSend => "add messages to",
            QueueProcess => "process messages of",
            QueueWrite => "change",
            EventGridSend => "publish to",
            SubscriptionsRead => "read event subscriptions of",
            SubscriptionsWrite => "change event subscriptions of",
            LogsRead => "query",
            MetricsRead => "read metrics of",
        })
    }
}
