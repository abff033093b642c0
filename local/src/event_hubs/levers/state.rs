//! State of the levers: what they are set to, and for which links.

use serde::{Deserialize, Serialize};

use crate::event_hubs::access::Entity;

/// The links that a lever is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// All of them, and connections without any.
    #[default]
    All,
    /// Those of one hub, whatever the partition.
    Hub(String),
    /// Those that receive from one partition, or send to it alone; as for answers to sends, also those that the service
    /// itself sends there.
    Partition {
        /// The hub.
        hub: String,
        /// Id of the partition.
        partition: String,
    },
}

/// How a send is answered. In no case is the event stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The service did not take it; the sender may repeat it.
    Released,
    /// As `Released`, but it counts as tried.
    Modified,
    /// The service refuses it.
    Rejected {
        /// The condition's symbol, such as `com.microsoft:server-busy`.
        condition: String,
    },
}

/// A delay in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delay {
    /// Whose.
    pub scope: Scope,
    /// Milliseconds.
    pub millis: u64,
}

/// Answers still to be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAnswer {
    /// To sends of which links.
    pub scope: Scope,
    /// How.
    pub answer: Answer,
    /// How often still.
    pub left: u32,
}

/// An attached link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkState {
    /// Number of its connection.
    pub connection: u64,
    /// What it is for.
    #[serde(flatten)]
    pub entity: Entity,
}

/// What there is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverState {
    /// Open connections.
    pub connections: usize,
    /// Attached links for events, oldest first; those of `$cbs` and `$management` are left out.
    pub links: Vec<LinkState>,
    /// Delays of deliveries to receivers.
    pub delivery_delays: Vec<Delay>,
    /// Delays of answers to sends.
    pub disposition_delays: Vec<Delay>,
    /// Answers still to be given, in the order in which they are used.
    pub answers: Vec<PlannedAnswer>,
}

impl Scope {
    /// Whether a link to this hub and, if it is for one alone, this partition belongs to it.
    pub(in crate::event_hubs) fn covers(&self, hub: &str, partition: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Hub(wanted) => wanted.eq_ignore_ascii_case(hub),
            Self::Partition { hub: wanted, partition: id } => {
                wanted.eq_ignore_ascii_case(hub) && partition == Some(id.as_str())
            }
        }
    }
}
