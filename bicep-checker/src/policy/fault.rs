//! Findings of several resources and environments, each fault of the sources once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::Finding;
use crate::{Severity, evaluate::Location};

/// A rule that does not hold, with all resources and environments that one statement of the sources makes it not hold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where the resources are stated; `None` where something is missing altogether.
    pub location: Option<Location>,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong, with the names that the first of the environments has.
    pub message: String,
    /// The resources of the first of the environments, by the last part of their type and their name.
    pub resources: BTreeSet<String>,
    /// The environments in which it does not hold, by name.
    pub environments: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}")?,
            None => f.write_str("bicep")?,
        }
        write!(f, " : {} {}: ", Severity::Error, self.rule)?;
        let mut resources = self.resources.iter();
        if let Some(resource) = resources.next() {
            match resources.count() {
                0 => write!(f, "{resource}: ")?,
                more => write!(f, "{resource} and {more} more: ")?,
            }
        }
        write!(f, "{} [{}]", self.message, self.environments.join(", "))
    }
}

/// Faults, in the order of their places, of the findings of each environment.
pub(super) fn faults(findings: &BTreeMap<String, Vec<Finding>>) -> Vec<Fault> {
    let mut found: BTreeMap<_, Fault> = BTreeMap::new();
    for (environment, findings) in findings {
        let mut here: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for finding in findings {
            let resources = here.entry((&finding.location, finding.rule, &finding.message)).or_default();
            resources.extend(finding.resource.clone());
        }
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for ((location, rule, message), resources) in here {
            let key = (location, rule, without_names(message, environment));
            // Two messages of one environment that differ in hashes only are two faults.
            let count = counts.entry(key.clone()).or_default();
            *count += 1;
            let fault = found.entry((key, *count)).or_insert_with(|| Fault {
                location: location.clone(),
                rule,
                message: message.clone(),
                resources,
                environments: Vec::new(),
            });
            fault.environments.push(environment.clone());
        }
    }
    found.into_values().collect()
}

/// A message as it is in every environment: without the environment's name, and without words that may be hashes (`uniqueString`).
fn without_names(message: &str, environment: &str) -> String {
    let is_hash = |word: &str| word.len() >= 10 && word.bytes().any(|byte| byte.is_ascii_digit());
    let words = message.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.map(|word| if word == environment || is_hash(word) { "*" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_several_resources_and_environments_is_printed_once() {
        let finding = |line, resource: Option<&str>, message: &str| Finding {
            rule: "rule",
            location: resource.map(|_| Location { file: "modules/web.bicep".into(), at: Some((line, 1)) }),
            resource: resource.map(str::to_owned),
            message: message.to_owned(),
        };
        let of = |environment: &str, token: &str| {
            let sites = ["a", "b"].map(|app| format!("sites {app}-{environment}"));
            vec![
                finding(4, Some(&sites[0]), "is open"),
                finding(4, Some(&sites[1]), "is open"),
                finding(4, Some(&sites[1]), "is old"),
                finding(9, Some(&sites[1]), "is open"),
                finding(0, None, &format!("id-{environment} lacks a role on std{token}1")),
                finding(0, None, &format!("id-{environment} lacks a role on std{token}2")),
            ]
        };
        let mut findings =
            BTreeMap::from([("dev".to_owned(), of("dev", "abcdefgh")), ("prod".to_owned(), of("prod", "zyxwvuts"))]);
        findings.entry("prod".to_owned()).or_default().pop();
        let lines: Vec<String> = faults(&findings).iter().map(ToString::to_string).collect();
        let expected = [
            "bicep : Error rule: id-dev lacks a role on stdabcdefgh1 [dev, prod]",
            "bicep : Error rule: id-dev lacks a role on stdabcdefgh2 [dev]",
            "modules/web.bicep(4,1) : Error rule: sites b-dev: is old [dev, prod]",
            "modules/web.bicep(4,1) : Error rule: sites a-dev and 1 more: is open [dev, prod]",
            "modules/web.bicep(9,1) : Error rule: sites b-dev: is open [dev, prod]",
        ];
        assert_eq!(lines, expected);
    }
}
