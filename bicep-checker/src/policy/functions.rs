//! Which app runs which function.

use std::collections::BTreeMap;

use super::{
    Deployment, Findings,
    query::{SETTINGS, items, member},
};

/// Functions that several apps may run: `Heartbeat` reports the state of the app that runs it, `DeadLetterReplays` gives parked records to the
/// functions of its own.
const SEVERAL: [&str; 2] = ["DeadLetterReplays", "Heartbeat"];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let mut apps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for settings in deployment.main.of(SETTINGS) {
        for function in deployment.runs(settings) {
            apps.entry(function).or_default().push(&settings.name);
        }
    }
    for function in deployment.project.functions.keys() {
        match apps.get(function.as_str()).map_or(0, Vec::len) {
            0 => findings.add("function-runs-nowhere", format!("no app runs {function}")),
            1 => {}
            _ if SEVERAL.contains(&function.as_str()) => {}
            _ => findings.add("function-runs-twice", format!("{function} runs in {:?}", apps[function.as_str()])),
        }
        // Linux takes no other letters in the name of the setting that turns it off.
        if !function.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            findings.add("function-name", format!("{function} cannot be turned off: its name has other letters"));
        }
    }
    for function in apps.keys().filter(|name| !deployment.project.functions.contains_key(**name)) {
        findings.add("function-unknown", format!("{function} is turned on, and is no function"));
    }
    let described = || items(&deployment.project.topology["apps"]).flat_map(|app| items(&app["functions"]));
    for function in deployment.project.functions.keys() {
        if !described().any(|it| member(it, "name") == function) {
            findings.add("function-unknown", format!("topology.json has no roles of {function}"));
        }
    }
}
