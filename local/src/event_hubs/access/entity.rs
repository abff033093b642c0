//! Entities: what a link sends to or receives from, and the right that it needs there.

use std::fmt;

use serde::Serialize;

/// A right on an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event_hubs) enum Right {
    /// To send events.
    Send,
    /// To receive events.
    Listen,
}

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The hub, as the topology spells it where it exists.
    pub hub: String,
    /// The partition; absent where the service chooses it.
    pub partition: Option<String>,
    /// The consumer group that receives; absent for a link that sends.
    pub consumer_group: Option<String>,
}

impl Entity {
    pub(in crate::event_hubs) fn right(&self) -> Right {
        if self.consumer_group.is_some() { Right::Listen } else { Right::Send }
    }

    /// What a role must cover.
    pub(super) fn scope(&self) -> String {
        match &self.consumer_group {
            Some(group) => format!("eventHubs/{}/consumerGroups/{group}", self.hub),
            None => format!("eventHubs/{}", self.hub),
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hub)?;
        if let Some(group) = &self.consumer_group {
            write!(f, "/ConsumerGroups/{group}")?;
        }
        match &self.partition {
            Some(partition) => write!(f, "/Partitions/{partition}"),
            None => Ok(()),
        }
    }
}
