//! Rules that what an environment deploys must keep, beyond what any compiler sees: it is what `topology.json` and `settings.json`
//! describe and nothing else, it is closed to whom it need not be open, and what Azure would refuse only at the deployment is
//! refused here.
//!
//! Each rule has a name; a [`Finding`] says it with the resource and its place in the sources.

mod apps;
mod cosmos;
mod event_grid;
mod event_hubs;
mod folder;
mod functions;
mod governance;
mod monitoring;
mod names;
mod network;
mod one_way;
mod order;
mod pipeline;
mod query;
mod role_table;
mod roles;
mod security;
mod serial;
mod settings;
mod storage;
mod topology;

use std::{collections::BTreeMap, fmt};

use serde_json::Value as Json;

pub use self::{
    folder::{Environment, check_project, environments},
    one_way::one_way,
};
use crate::evaluate::{Resource, Snapshot};

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// Where: file and line of the resource, `modules/web.bicep(46)`; empty where something is missing altogether.
    pub place: String,
    /// What is wrong, with the name of the resource.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "bicep" } else { &self.place };
        write!(f, "{place} : {}: {}", self.rule, self.message)
    }
}

/// What the templates are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// `topology.json`
    pub topology: Json,
    /// `settings.json`
    pub settings: Json,
    /// `host.json`
    pub host: Json,
    /// `function.json` of each function.
    pub functions: BTreeMap<String, Json>,
}

/// An environment, as its parameters files deploy it.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// `dev`, `test` or `prod`.
    pub environment: &'a str,
    /// What is deployed before the code.
    pub main: &'a Snapshot,
    /// The subscriptions of Event Grid, which come after it.
    pub subscriptions: &'a Snapshot,
    /// What it is compared with.
    pub project: &'a Project,
    /// Names in `topology.json` of those who are no app, by object id.
    pub people: &'a BTreeMap<String, String>,
}

/// Every rule that the deployment does not keep.
pub fn check(deployment: &Deployment<'_>) -> Vec<Finding> {
    let rules: [fn(&Deployment<'_>, &mut Findings); 17] = [
        topology::check,
        roles::check,
        functions::check,
        settings::check,
        security::check,
        event_hubs::check,
        event_grid::check,
        cosmos::check,
        storage::check,
        apps::check,
        network::check,
        monitoring::check,
        governance::check,
        pipeline::check,
        names::check,
        order::check,
        serial::check,
    ];
    let mut findings = Findings::default();
    for rule in rules {
        rule(deployment, &mut findings);
    }
    findings.0.sort();
    findings.0.dedup();
    findings.0
}

/// Findings as they come.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    /// Notes what is wrong with a resource.
    fn of(&mut self, rule: &'static str, resource: &Resource, message: impl fmt::Display) {
        let (file, line) = &resource.source;
        let kind = resource.kind.rsplit('/').next().unwrap_or_default();
        let message = format!("{kind} {}: {message}", resource.name);
        self.0.push(Finding { rule, place: format!("{}({line})", file.display()), message });
    }

    /// Notes what is wrong with the whole.
    fn add(&mut self, rule: &'static str, message: impl fmt::Display) {
        self.0.push(Finding { rule, place: String::new(), message: message.to_string() });
    }

    /// Notes it if a property has not this value.
    fn expect(&mut self, rule: &'static str, resource: &Resource, pointer: &str, value: impl Into<Json>) {
        let value = value.into();
        let found = query::at(resource, pointer);
        if *found != value {
            self.of(rule, resource, format!("{pointer} is {found}, not {value}"));
        }
    }
}
