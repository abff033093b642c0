//! What a function is: its name, its trigger, and what it is called with.
//!
//! [`crate::registry`] lists the functions there are; [`crate::host`] calls them.

use std::{future::Future, pin::Pin};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    app::{App, Reads, Served},
    azure::cosmos::ContainerName,
    domain::trace_context::TraceContext,
    events::Event,
    outcome::{Cause, Outcome},
};

/// What a function's handler returns.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One function: its name, which is also its folder in `function-definitions/`, and what calls it.
#[derive(Clone, Copy)]
pub struct Function {
    /// `PascalCase`, as in `function-definitions/<name>/function.json`.
    pub name: &'static str,
    /// What calls it, and how.
    pub trigger: Trigger,
    /// For a function on a hub all of whose effects are documents: which.
    pub projection: Option<Projection>,
}

/// A function whose effects are documents alone, so that giving it old events again tells nobody anything: `contoso rebuild` does.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    /// Its documents.
    pub documents: &'static [Documents],
    /// How long they are kept; for ever if `None`. What the hub stored before that is not given to the function again.
    pub kept: Option<time::Duration>,
    /// The reason for which it skips an event whose effects are stored.
    pub there: &'static str,
    /// What remains to be made once it was given the old events: documents that are made of other documents of its own, which may be older
    /// than any event that is left. Gives how many were written.
    pub rest: Option<Rest>,
}

/// Makes what remains, and gives how many documents were written.
pub type Rest = fn(App) -> BoxFuture<Result<u64, Cause>>;

/// Documents of a function in one container.
#[derive(Clone, Copy, Debug)]
pub struct Documents {
    /// The container.
    pub container: ContainerName,
    /// The member that is the partition key.
    pub key: &'static str,
    /// Which documents `contoso rebuild --clear` deletes, as a condition of a query on `c`.
    pub cleared: &'static str,
}

impl Documents {
    /// The condition that holds for every document.
    pub const ALL: &'static str = "true";
}

/// How the host calls a function. A batch handler returns one outcome per record, in the order of the records.
#[derive(Clone, Copy)]
pub enum Trigger {
    /// Forwarded HTTP requests: routes with their public path (`/api/…`).
    Http {
        /// Builds the routes.
        router: fn(App) -> axum::Router,
    },
    /// Batches of one partition of a hub. Its definition must carry an unlimited retry policy (`maxRetryCount: -1`): only that
    /// holds the checkpoint while a batch fails.
    EventHub {
        /// The hub it reads.
        hub: &'static str,
        /// The consumer group it reads as.
        consumer_group: &'static str,
        /// What must be handled in the order it came.
        order: Order,
        /// Called with the decoded records; undecodable ones were parked before.
        handle: fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>,
    },
    /// Batches of a container's change feed.
    CosmosDb {
        /// Called with the changed documents.
        handle: fn(App, Vec<ChangedDocument>) -> BoxFuture<Vec<Outcome>>,
    },
    /// One event of an Event Grid subscription. Retry makes Event Grid deliver it again.
    EventGrid {
        /// Called with the event; Event Grid's own schema is translated to CloudEvents before.
        handle: fn(App, cloudevents::Event) -> BoxFuture<Outcome>,
    },
    /// A schedule.
    Timer {
        /// Called when it is due.
        handle: fn(App, TimerInfo) -> BoxFuture<Result<(), Cause>>,
    },
}

/// What waits behind a record that must come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The later events of its key.
    Key,
    /// Every later event of its partition. For functions that know what they handled by one sequence number. A record
    /// counts as handled once it is parked, and no later one is handled before it is.
    Partition,
}

/// An event and where it was found.
#[derive(Debug, Clone)]
pub struct HubEvent {
    /// The decoded event.
    pub event: Event,
    /// Its place in the hub.
    pub position: Position,
    /// Whether it was parked when it came, and is given again since somebody asked for it: later events were handled meanwhile.
    pub is_replayed: bool,
}

/// A document as it is after a change.
#[derive(Debug, Clone)]
pub struct ChangedDocument {
    /// The document, whole.
    pub document: Value,
    /// What its change causes is of this context: that of the record's span, else the one that the document has as its member `trace`.
    pub trace: Option<TraceContext>,
}

/// A place in an event hub.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The hub's name.
    pub hub: String,
    /// The consumer group that read it.
    pub consumer_group: String,
    /// The partition id; `unknown` when the host did not say.
    pub partition: String,
    /// The sequence number, unique and growing within the partition; -1 when the host did not say.
    pub sequence: i64,
    /// The offset: opaque text, empty when the host did not say.
    pub offset: String,
    /// When the hub stored it.
    #[serde(with = "time::serde::rfc3339")]
    pub enqueued: OffsetDateTime,
}

/// What a partition is called of which the host did not say the id.
pub(crate) const UNKNOWN_PARTITION: &str = "unknown";

impl Position {
    /// Partition and sequence number, if the host said both.
    pub fn place(&self) -> Option<(&str, i64)> {
        (self.partition != UNKNOWN_PARTITION && self.sequence >= 0).then_some((&self.partition, self.sequence))
    }
}

/// A line of `contoso-handler --list`.
#[derive(Debug, Serialize)]
pub struct Listing {
    name: &'static str,
    trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<&'static str>,
    #[serde(rename = "consumerGroup", skip_serializing_if = "Option::is_none")]
    consumer_group: Option<&'static str>,
}

impl Function {
    /// A function, none of whose effects can be made again.
    pub const fn new(name: &'static str, trigger: Trigger) -> Self {
        Self { name, trigger, projection: None }
    }

    /// The same, whose effects are documents alone.
    pub const fn projecting(self, projection: Projection) -> Self {
        Self { projection: Some(projection), ..self }
    }

    /// What other functions of the app ask about it.
    pub fn served(&self) -> Served {
        let reads = match self.trigger {
            Trigger::EventHub { hub, consumer_group, .. } => Reads::Hub { hub, consumer_group },
            Trigger::CosmosDb { .. } => Reads::ChangeFeed,
            Trigger::Http { .. } | Trigger::EventGrid { .. } | Trigger::Timer { .. } => Reads::Nothing,
        };
        Served { function: self.name, reads }
    }

    /// What packaging and tests compare with the definition.
    pub fn listing(&self) -> Listing {
        let (hub, consumer_group) = match self.trigger {
            Trigger::EventHub { hub, consumer_group, .. } => (Some(hub), Some(consumer_group)),
            _ => (None, None),
        };
        Listing { name: self.name, trigger: self.trigger.binding_type(), hub, consumer_group }
    }
}

impl Trigger {
    /// The word for it in telemetry (`faas.trigger` of the semantic conventions).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::EventHub { .. } | Self::EventGrid { .. } => "pubsub",
            Self::CosmosDb { .. } => "datasource",
            Self::Timer { .. } => "timer",
        }
    }

    /// The `type` of the trigger's binding in `function.json`.
    pub fn binding_type(&self) -> &'static str {
        match self {
            Self::Http { .. } => "httpTrigger",
            Self::EventHub { .. } => "eventHubTrigger",
            Self::CosmosDb { .. } => "cosmosDBTrigger",
            Self::EventGrid { .. } => "eventGridTrigger",
            Self::Timer { .. } => "timerTrigger",
        }
    }
}

/// What the host says about a timer that fired.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TimerInfo {
    /// Whether a run was missed, and this one makes up for it.
    #[serde(deserialize_with = "flag")]
    pub is_past_due: bool,
    /// When it ran; absent if the host does not keep track.
    pub schedule_status: Option<ScheduleStatus>,
    /// What the run causes is of this context. Not the host's: each run is a trace of its own.
    #[serde(skip)]
    pub trace: Option<TraceContext>,
}

/// A timer's past and future, as texts of the host (ISO 8601, local to the host).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleStatus {
    /// The last run; year 1 if it never ran.
    pub last: String,
    /// The next run.
    pub next: String,
    /// When this status was written.
    pub last_updated: String,
}

/// A boolean, or the text of one.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Plain(bool),
        Text(String),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Plain(flag) => flag,
        Flag::Text(text) => text.eq_ignore_ascii_case("true"),
    })
}
