//! Who sends to a hub and who reads from it: from roles in the topology and from the registry of functions.

use contoso_handlers::{
    function::{Function, Trigger},
    registry,
};
use contoso_local::topology::{Hub, RoleAssignment, Topology};

const SENDERS: [&str; 2] = ["Azure Event Hubs Data Sender", "Azure Event Hubs Data Owner"];
const PUBLISHERS: [&str; 1] = ["EventGrid Data Sender"];

/// What flows through which hub and topic.
pub struct Flows<'a> {
    topology: &'a Topology,
    functions: Vec<Function>,
}

/// A function that reads a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The function.
    pub function: &'static str,
    /// The consumer group it reads as.
    pub group: &'static str,
}

impl<'a> Flows<'a> {
    /// Of this program's functions in `topology`.
    #[must_use]
    pub fn new(topology: &'a Topology) -> Self {
        Self { topology, functions: registry::functions() }
    }

    /// The hubs, in order of the topology.
    #[must_use]
    pub fn hubs(&self) -> &'a [Hub] {
        &self.topology.event_hubs.hubs
    }

    /// The functions that may send to a hub.
    #[must_use]
    pub fn senders(&self, hub: &str) -> Vec<&'a str> {
        self.with(&SENDERS, &["eventHubs".to_owned(), format!("eventHubs/{hub}")])
    }

    /// The functions that may publish on an Event Grid topic.
    #[must_use]
    pub fn publishers(&self, topic: &str) -> Vec<&'a str> {
        let scopes = ["eventGrid".to_owned(), "eventGrid/topics".to_owned(), format!("eventGrid/topics/{topic}")];
        self.with(&PUBLISHERS, &scopes)
    }

    /// The functions that read a hub.
    #[must_use]
    pub fn readers(&self, hub: &str) -> Vec<Reader> {
        let mut readers: Vec<_> = self.functions.iter().filter_map(|function| reader(function, hub)).collect();
        readers.sort_by_key(|reader| reader.function);
        readers
    }

    fn with(&self, roles: &[&str], scopes: &[String]) -> Vec<&'a str> {
        let grants = |assignment: &RoleAssignment| {
            roles.contains(&assignment.role.as_str()) && scopes.contains(&assignment.scope)
        };
        let functions = self.topology.apps.iter().flat_map(|app| &app.functions);
        let mut names: Vec<_> = functions
            .filter(|function| function.roles.iter().any(grants))
            .map(|function| function.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn reader(function: &Function, wanted: &str) -> Option<Reader> {
    match function.trigger {
        Trigger::EventHub { hub, consumer_group, .. } if hub == wanted => {
            Some(Reader { function: function.name, group: consumer_group })
        }
        _ => None,
    }
}
