//! Project and environments as they are on disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use super::{Deployment, Finding, Project, check};
use crate::evaluate::{Circumstances, EvaluateError, Snapshot, snapshot};

/// Object ids, of nobody, for who is no app: the environment variable that parameters read, the name in `topology.json`, the id.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("CONTOSO_DEPLOYER_ID", "deployment", "33333333-3333-3333-3333-333333333301"),
    ("CONTOSO_OPERATORS_ID", "operator", "33333333-3333-3333-3333-333333333302"),
    ("CONTOSO_REBUILD_ID", "rebuild", "33333333-3333-3333-3333-333333333303"),
];

/// Repository that a person prepares the pipeline of.
const REPOSITORY: (&str, &str) = ("CONTOSO_REPOSITORY", "Contoso/events");

const SUBSCRIPTION_ID: &str = "11111111-1111-1111-1111-111111111111";
const TENANT_ID: &str = "22222222-2222-2222-2222-222222222222";
const LOCATION: &str = "westeurope";

/// What every environment below `bicep/environments/` does not keep of the rules, deployed by a pipeline and by the person who prepares
/// it. `root` is the project's folder.
///
/// # Errors
/// A file that cannot be read, or a template that cannot be evaluated.
pub fn check_project(root: &Path) -> Result<Vec<Finding>, EvaluateError> {
    let (project, bicep) = (Project::read(root)?, root.join("bicep"));
    let mut findings = Vec::new();
    for name in environments(&bicep)? {
        for variables in [&[][..], &[REPOSITORY]] {
            findings.extend(Environment::read(&bicep, &name, variables)?.findings(&project));
        }
    }
    // From the project's folder, so that the same thing in two environments is one finding.
    let prefix = root.join("").display().to_string();
    for finding in &mut findings {
        finding.place = finding.place.strip_prefix(&prefix).unwrap_or(&finding.place).to_owned();
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Names of the environments, by their files of parameters.
///
/// # Errors
/// If the folder cannot be read.
pub fn environments(bicep: &Path) -> Result<Vec<String>, EvaluateError> {
    let names = files(&bicep.join("environments"))?;
    let names = names.iter().filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".bicepparam"));
    let mut names: Vec<String> = names.filter(|name| !name.contains('.')).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

impl Project {
    /// Reads what templates are compared with from the project's folder.
    ///
    /// # Errors
    /// A file that cannot be read, or is no JSON.
    pub fn read(root: &Path) -> Result<Self, EvaluateError> {
        let mut functions = BTreeMap::new();
        for path in files(&root.join("function-definitions"))?.iter().filter(|path| path.is_dir()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            functions.insert(name, json(&path.join("function.json"))?);
        }
        Ok(Self {
            topology: json(&root.join("topology.json"))?,
            settings: json(&root.join("settings.json"))?,
            host: json(&root.join("host.json"))?,
            functions,
        })
    }
}

/// An environment's snapshots.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `dev`, `test` or `prod`.
    pub name: String,
    /// What `main.bicep` deploys.
    pub main: Snapshot,
    /// What the module of subscriptions deploys after the code.
    pub subscriptions: Snapshot,
}

impl Environment {
    /// Evaluates an environment of the sources in a folder, with these environment variables beside those of ids.
    ///
    /// # Errors
    /// As [`snapshot`].
    pub fn read(bicep: &Path, name: &str, variables: &[(&str, &str)]) -> Result<Self, EvaluateError> {
        let ids = PEOPLE.map(|(variable, _, id)| (variable, id));
        let variables = ids.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let circumstances = Circumstances {
            subscription_id: SUBSCRIPTION_ID.to_owned(),
            tenant_id: TENANT_ID.to_owned(),
            location: LOCATION.to_owned(),
            group: format!("rg-contoso-events-{name}"),
            variables: variables.collect(),
        };
        let file = |ending: &str| bicep.join(format!("environments/{name}.{ending}"));
        Ok(Self {
            name: name.to_owned(),
            main: snapshot(&file("bicepparam"), &circumstances)?,
            subscriptions: snapshot(&file("subscriptions.bicepparam"), &circumstances)?,
        })
    }

    /// The rules that it does not keep.
    pub fn findings(&self, project: &Project) -> Vec<Finding> {
        let people = PEOPLE.map(|(_, name, id)| (id.to_owned(), name.to_owned())).into();
        let Self { name, main, subscriptions } = self;
        check(&Deployment { environment: name, main, subscriptions, project, people: &people })
    }
}

fn json(path: &Path) -> Result<Json, EvaluateError> {
    let text = fs::read(path).map_err(|error| of_file(path, &error))?;
    contoso_json::from_slice(&text).map_err(|error| of_file(path, &error))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, EvaluateError> {
    let entries = fs::read_dir(folder).map_err(|error| of_file(folder, &error))?;
    entries.map(|entry| Ok(entry.map_err(|error| of_file(folder, &error))?.path())).collect()
}

fn of_file(path: &Path, error: &dyn std::fmt::Display) -> EvaluateError {
    EvaluateError { path: path.to_owned(), at: None, message: error.to_string() }
}
