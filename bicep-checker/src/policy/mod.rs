//! Rules that what an environment deploys must keep, beyond what any compiler sees: it is what `topology.json` and `settings.json`
//! describe and nothing else, it is closed to whom it need not be open, and what Azure would refuse only at the deployment is
//! refused here.
//!
//! Each rule has a name; a [`Finding`] says it with the resource and its place in the sources, and a [`Fault`] is what is printed: the
//! same finding of several resources and environments, once.

mod apps;
mod cosmos;
mod event_grid;
mod event_hubs;
mod fault;
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
    fault::Fault,
    folder::{Checked, Environment, check_changes, check_project, stand_in},
};
use crate::evaluate::{Location, Resource, Snapshot};

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// Where the resource is stated; `None` where something is missing altogether.
    pub location: Option<Location>,
    /// The resource, by the last part of its type and its name; `None` where something is missing altogether.
    pub resource: Option<String>,
    /// What is wrong with it.
    pub message: String,
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
struct Deployment<'a> {
    /// `dev`, `test` or `prod`.
    environment: &'a str,
    /// What is deployed before the code.
    main: &'a Snapshot,
    /// The subscriptions of Event Grid, which come after it.
    subscriptions: &'a Snapshot,
    /// What it is compared with.
    project: &'a Project,
    /// Names in `topology.json` of those who are no app, by object id.
    people: &'a BTreeMap<String, String>,
}

/// Every rule that the deployment does not keep.
fn check(deployment: &Deployment<'_>) -> Vec<Finding> {
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
        let named = format!("{} {}", query::last(&resource.kind), resource.name);
        let (location, resource) = (Some(resource.source.clone()), Some(named));
        self.0.push(Finding { rule, location, resource, message: message.to_string() });
    }

    /// Notes what is wrong with the whole.
    fn add(&mut self, rule: &'static str, message: impl fmt::Display) {
        self.0.push(Finding { rule, location: None, resource: None, message: message.to_string() });
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
