//! The rules that no compiler has, asked of what each environment deploys (`contoso_bicep::policy`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Context as _;
use contoso_bicep::{
    evaluate::{Circumstances, EvaluateError, snapshot},
    policy::{Deployment, Project as Compared, check},
};
use serde_json::Value;

use crate::project::Project;

/// Ids that stand in for those of a real subscription: who is no app, by the variable that parameters files read and by the name
/// in `topology.json`.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("CONTOSO_DEPLOYER_ID", "deployment", "33333333-3333-3333-3333-333333333301"),
    ("CONTOSO_OPERATORS_ID", "operator", "33333333-3333-3333-3333-333333333302"),
    ("CONTOSO_REBUILD_ID", "rebuild", "33333333-3333-3333-3333-333333333303"),
];

/// What does not hold, a line each with the environments in which it does not, and the environments that were looked at.
///
/// # Errors
/// When a file that the templates are compared with cannot be read.
pub fn broken(project: &Project) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let compared = compared(project)?;
    let environments = environments(&project.bicep().join("environments")).context("cannot read bicep/environments")?;
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for environment in &environments {
        let lines = match findings(project, &compared, environment) {
            Ok(lines) => lines,
            // A template that cannot be worked out has a finding of the checker's as a rule, but not always.
            Err(error) => [error.to_string().replace(&format!("{}/", project.root().display()), "")].into(),
        };
        for line in lines {
            found.entry(line).or_default().push(environment);
        }
    }
    let lines = found.into_iter().map(|(line, environments)| format!("{line} [{}]", environments.join(", ")));
    Ok((lines.collect(), environments))
}

fn findings(project: &Project, compared: &Compared, environment: &str) -> Result<BTreeSet<String>, EvaluateError> {
    let circumstances = Circumstances {
        subscription_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        tenant_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        location: "westeurope".to_owned(),
        group: format!("rg-contoso-events-{environment}"),
        variables: PEOPLE.map(|(variable, _, id)| (variable.to_owned(), id.to_owned())).into(),
    };
    let folder = project.bicep().join("environments");
    let main = snapshot(&folder.join(format!("{environment}.bicepparam")), &circumstances)?;
    let subscriptions = snapshot(&folder.join(format!("{environment}.subscriptions.bicepparam")), &circumstances)?;
    let people = PEOPLE.map(|(_, name, id)| (id.to_owned(), name.to_owned())).into();
    let (main, subscriptions) = (&main, &subscriptions);
    let found = check(&Deployment { environment, main, subscriptions, project: compared, people: &people });
    Ok(found.iter().map(ToString::to_string).collect())
}

/// Environments that have parameters, by name.
fn environments(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(environment) = name.strip_suffix(".bicepparam").filter(|name| !name.contains('.')) {
            found.push(environment.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// What the templates are compared with.
fn compared(project: &Project) -> anyhow::Result<Compared> {
    let mut functions = BTreeMap::new();
    for entry in fs::read_dir(project.definitions()).context("cannot read function-definitions")? {
        let folder = entry?.path();
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if folder.is_dir() {
            functions.insert(name, read(&folder.join("function.json"))?);
        }
    }
    let settings = read(&project.root().join("settings.json"))?;
    Ok(Compared { topology: read(&project.topology())?, settings, host: read(&project.host_json())?, functions })
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    contoso_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}
