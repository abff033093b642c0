//! Project and environments as they are on disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use super::{Deployment, Fault, Finding, Project, check, fault::faults, one_way::one_way};
use crate::evaluate::{Circumstances, EvaluateError, Snapshot, snapshot};

/// People and pipelines that `topology.json` grants roles to, with made-up object ids: the environment variable that parameters files read,
/// the name in `topology.json`, the id.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("CONTOSO_DEPLOYER_ID", "deployment", "33333333-3333-3333-3333-333333333301"),
    ("CONTOSO_OPERATORS_ID", "operator", "33333333-3333-3333-3333-333333333302"),
    ("CONTOSO_REBUILD_ID", "rebuild", "33333333-3333-3333-3333-333333333303"),
];

/// The repository whose pipeline gets an identity, as a person sets it who deploys for the first time; pipelines do not set it.
const REPOSITORY: (&str, &str) = ("CONTOSO_REPOSITORY", "Contoso/events");

/// The key vault of partners, which is somebody else's, in another resource group.
const KEY_VAULT: (&str, &str) = (
    "CONTOSO_PARTNER_KEY_VAULT_ID",
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/vaults/providers/Microsoft.KeyVault/vaults/keys",
);

/// A deployment to a group of a subscription that nobody has, by people whom nobody knows: every id is made up. The variables of these
/// people are those that parameters files read.
pub fn stand_in(group: &str) -> Circumstances {
    Circumstances {
        subscription_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        tenant_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        location: "westeurope".to_owned(),
        group: group.to_owned(),
        variables: PEOPLE.map(|(variable, _, id)| (variable.to_owned(), id.to_owned())).into(),
    }
}

/// What is found in a project's environments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The environments that were worked out, by name.
    pub environments: Vec<String>,
    /// The rules that they do not keep.
    pub faults: Vec<Fault>,
    /// Why others were not worked out, by the rule `evaluation`.
    pub not_evaluated: Vec<Fault>,
}

/// What every environment below `bicep/environments/` does not keep of the rules, deployed by a pipeline and by the person who prepares
/// it and has a key vault for partners. `root` is the project's folder, and paths of the faults begin with it.
///
/// # Errors
/// A file that cannot be read, of those that templates are compared with.
pub fn check_project(root: &Path) -> Result<Checked, EvaluateError> {
    let (project, bicep) = (Project::read(root)?, root.join("bicep"));
    Ok(each(environments(&bicep)?, |name| {
        let read = |variables: &[_]| Ok(Environment::read(&bicep, name, variables)?.findings(&project));
        Ok([read(&[])?, read(&[REPOSITORY, KEY_VAULT])?].concat())
    }))
}

/// What Azure would not change, or only with a loss, where templates become others: partitions and partition keys, tiers, zones, the kind
/// of backups, the start of a budget; and hubs and containers that are gone. `before` and `after` are folders such as `bicep/` of two
/// commits; environments that only one of them has are left out.
///
/// # Errors
/// A folder without environments.
pub fn check_changes(before: &Path, after: &Path) -> Result<Checked, EvaluateError> {
    let old = environments(before)?;
    let both = environments(after)?.into_iter().filter(|name| old.contains(name));
    Ok(each(both, |name| {
        let [before, after] = [Environment::read(before, name, &[])?, Environment::read(after, name, &[])?];
        Ok(one_way(&before.main, &after.main))
    }))
}

/// Asks the same of several environments.
fn each(
    environments: impl IntoIterator<Item = String>,
    question: impl Fn(&str) -> Result<Vec<Finding>, EvaluateError>,
) -> Checked {
    let (mut findings, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for name in environments {
        match question(&name) {
            Ok(found) => findings.insert(name, found),
            Err(EvaluateError { location, message }) => {
                let location = Some(location);
                errors.insert(name, vec![Finding { rule: "evaluation", location, resource: None, message }])
            }
        };
    }
    let environments = findings.keys().cloned().collect();
    Checked { environments, faults: faults(&findings), not_evaluated: faults(&errors) }
}

/// Names of the environments, by their files of parameters.
fn environments(bicep: &Path) -> Result<Vec<String>, EvaluateError> {
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
    name: String,
    /// What `main.bicep` deploys.
    main: Snapshot,
    /// What the module of subscriptions deploys after the code.
    subscriptions: Snapshot,
}

impl Environment {
    /// Evaluates an environment of the sources in a folder, with these environment variables beside those of ids.
    ///
    /// # Errors
    /// As [`snapshot`].
    pub fn read(bicep: &Path, name: &str, variables: &[(&str, &str)]) -> Result<Self, EvaluateError> {
        let mut circumstances = stand_in(&format!("rg-contoso-events-{name}"));
        circumstances.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
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
    let text = fs::read(path).map_err(|error| EvaluateError::of_file(path, error))?;
    contoso_json::from_slice(&text).map_err(|error| EvaluateError::of_file(path, error))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, EvaluateError> {
    let entries = fs::read_dir(folder).map_err(|error| EvaluateError::of_file(folder, error))?;
    entries.map(|entry| Ok(entry.map_err(|error| EvaluateError::of_file(folder, error))?.path())).collect()
}
