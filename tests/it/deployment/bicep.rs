//! What scripts and pipelines take from the Bicep sources, and the other way round: names that nobody compiles together.

use std::{collections::BTreeSet, path::PathBuf};

use super::{checkout, files, text};

/// The words that stand between `before` and one of these ends, everywhere in these files.
fn between(files: &[PathBuf], before: &str, ends: &[char]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        for rest in text(file).split(before).skip(1) {
            found.insert(rest.split(ends).next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[test]
fn scripts_read_outputs_that_there_are() {
    let main = [checkout("bicep/main.bicep")];
    let outputs = between(&main, "\noutput ", &[' ']);
    let scripts = files("deploy", ".sh");
    for quote in ["\"$stage\" \"", "\"$stage\" "] {
        for read in between(&scripts, &format!("output {quote}"), &['.', ' ', ')', '"']) {
            assert!(read.is_empty() || outputs.contains(&read), "main.bicep has no output {read}: {outputs:?}");
        }
    }
    let sources = text(&checkout("bicep/main.bicep"));
    for field in ["functionApp", "hostName", "functions"] {
        assert!(sources.contains(&format!("    {field}: ")), "apps have no {field}");
    }
}

#[test]
fn pipelines_set_what_parameters_read() {
    let parameters = files("bicep/environments", ".bicepparam");
    let mut read = between(&parameters, "readEnvironmentVariable('", &['\'']);
    // A person alone prepares the identity of a pipeline.
    assert!(read.remove("CONTOSO_REPOSITORY"));
    let workflow = [checkout(".github/workflows/deploy-environment.yml")];
    let mut set = between(&workflow, "vars.", &[' ']);
    set.retain(|name| name.starts_with("CONTOSO_"));
    assert_eq!(set, read);
}

/// Each stage that is deployed has its parameters, for the templates and for the subscriptions after the code.
#[test]
fn every_stage_has_its_parameters() {
    let stages = between(&[checkout(".github/workflows/deploy.yml")], "      environment: ", &['\n']);
    assert_eq!(stages, between(&[checkout("azure-pipelines.yml")], "      environment: ", &['\n']));
    assert_eq!(stages.iter().map(String::as_str).collect::<Vec<_>>(), ["dev", "prod", "test"]);
    for stage in &stages {
        for name in [format!("{stage}.bicepparam"), format!("{stage}.subscriptions.bicepparam")] {
            let content = text(&checkout("bicep/environments").join(&name));
            assert!(content.contains(&format!("param environmentName = '{stage}'")), "{name}");
        }
    }
    // azd deploys to one app, and finds it by this name; stages with several are deployed by the scripts.
    let services = between(&[checkout("azure.yaml")], "\nservices:\n", &['\u{0}']);
    let service = services.iter().flat_map(|rest| rest.lines()).find(|line| line.ends_with(':')).expect("a service");
    let dev = text(&checkout("bicep/environments/dev.bicepparam"));
    assert!(dev.contains(&format!("name: '{}'", service.trim().trim_end_matches(':'))), "{service}");
}

/// Pages have one address for all that they call.
#[test]
fn what_pages_call_is_one_app() {
    for apps in between(&files("bicep/environments", ".bicepparam"), "functions: [", &[']']) {
        let called = ["SiteApi", "CollectClicks", "OpsApi"].map(|name| apps.contains(&format!("'{name}'")));
        assert!(called == [true; 3] || called == [false; 3], "{apps}");
    }
}
