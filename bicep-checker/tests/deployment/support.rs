use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use contoso_bicep::{
    evaluate::{Circumstances, EvaluateError, Snapshot, snapshot},
    policy::{Deployment, Finding, Project, check},
};
use serde_json::Value;

pub(crate) const ENVIRONMENTS: [&str; 3] = ["dev", "test", "prod"];

/// Object ids of who is no app, by the environment variable that parameters read, with their names in `topology.json`.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("CONTOSO_DEPLOYER_ID", "deployment", "33333333-3333-3333-3333-333333333301"),
    ("CONTOSO_OPERATORS_ID", "operator", "33333333-3333-3333-3333-333333333302"),
    ("CONTOSO_REBUILD_ID", "rebuild", "33333333-3333-3333-3333-333333333303"),
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn project() -> Project {
    let read = |path: PathBuf| -> Value {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let folders = fs::read_dir(root().join("function-definitions")).expect("a folder");
    let functions = folders.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_dir());
    Project {
        topology: read(root().join("topology.json")),
        settings: read(root().join("settings.json")),
        host: read(root().join("host.json")),
        functions: functions
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(entry.path().join("function.json"))))
            .collect(),
    }
}

/// Snapshots of an environment: the main template, and the subscriptions.
pub(crate) struct Environment {
    pub(crate) name: &'static str,
    pub(crate) main: Snapshot,
    pub(crate) subscriptions: Snapshot,
}

impl Environment {
    /// Of the sources in that folder.
    pub(crate) fn of(bicep: &Path, name: &'static str) -> Result<Self, EvaluateError> {
        let circumstances = circumstances(name);
        let file = |ending: &str| bicep.join(format!("environments/{name}.{ending}"));
        Ok(Self {
            name,
            main: snapshot(&file("bicepparam"), &circumstances)?,
            subscriptions: snapshot(&file("subscriptions.bicepparam"), &circumstances)?,
        })
    }

    pub(crate) fn findings(&self, project: &Project) -> Vec<Finding> {
        let people = PEOPLE.map(|(_, name, id)| (id.to_owned(), name.to_owned())).into();
        let (environment, main, subscriptions) = (self.name, &self.main, &self.subscriptions);
        check(&Deployment { environment, main, subscriptions, project, people: &people })
    }
}

pub(crate) fn circumstances(environment: &str) -> Circumstances {
    Circumstances {
        subscription_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        tenant_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        location: "westeurope".to_owned(),
        group: format!("rg-contoso-events-{environment}"),
        variables: PEOPLE.map(|(variable, _, id)| (variable.to_owned(), id.to_owned())).into(),
    }
}

/// The findings, one a line.
pub(crate) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// How many findings there are of each rule.
pub(crate) fn rules(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut rules = BTreeMap::new();
    for finding in findings {
        *rules.entry(finding.rule).or_default() += 1;
    }
    rules
}
