//! Changed copies of the sources: each must be noticed by the rule that is there for it.

use std::{collections::BTreeSet, fs, sync::Mutex};

use contoso_bicep::policy::{Environment, Project};

use crate::{
    changes::{HUBS, MUTATIONS, Mutation},
    support::{copy, root, rules},
};

#[test]
fn each_change_is_noticed_by_the_rule_that_is_there_for_it() {
    let project = Project::read(&root()).unwrap_or_else(|error| panic!("{error}"));
    let (next, report) = (Mutex::new(MUTATIONS.iter()), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(mutation) = next.lock().expect("no panic").next() else { break };
                    if let Err(message) = notice(&project, mutation) {
                        let (rule, _, file, from, _) = mutation;
                        report.lock().expect("no panic").push_str(&format!("{rule}: {file}: {from:?}: {message}\n"));
                    }
                }
            });
        }
    });
    let report = report.into_inner().expect("no panic");
    assert!(report.is_empty(), "{report}");
}

fn notice(project: &Project, (rule, environment, file, from, to): &Mutation) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("bicep"), folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect("readable");
    if !text.contains(from) {
        return Err("the sources have no such text any more".to_owned());
    }
    fs::write(&path, text.replacen(from, to, 1)).expect("writable");
    let vault = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/vaults/providers/Microsoft.KeyVault/vaults/keys";
    let variables = [("CONTOSO_REPOSITORY", "Contoso/events"), ("CONTOSO_PARTNER_KEY_VAULT_ID", vault)];
    let found = match Environment::read(folder.path(), environment, &variables) {
        Ok(environment) => rules(&environment.findings(project)),
        Err(error) if error.message.starts_with("parameter ") => [("parameter", 1)].into(),
        Err(error) => return Err(format!("no snapshot: {error}")),
    };
    if found.contains_key(rule) { Ok(()) } else { Err(format!("not noticed; other rules: {found:?}")) }
}

/// The other files that make an app are compared with the templates too.
#[test]
fn a_changed_project_is_noticed() {
    let project = Project::read(&root()).unwrap_or_else(|error| panic!("{error}"));
    let dev = Environment::read(&root().join("bicep"), "dev", &[]).unwrap_or_else(|error| panic!("{error}"));
    let mut other = project.clone();
    other.host["extensionBundle"]["version"] = "[4.*, 5.0.0)".into();
    other.topology["cosmos"]["databases"][0]["containers"][0]["partitionKey"] = "/sku".into();
    other.settings["settings"][0]["name"] = "Renamed".into();
    other.functions.insert("not-known".to_owned(), serde_json::json!({ "bindings": [] }));
    let found = rules(&dev.findings(&other));
    let expected = ["host-bundle", "cosmos-containers", "settings-missing", "settings-excess", "function-name"];
    for rule in expected.into_iter().chain(["function-unknown", "function-runs-nowhere"]) {
        assert!(found.contains_key(rule), "{rule}: {found:?}");
    }
}

/// API versions are the types' business, which are compared where they are at hand.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn a_made_up_api_version_is_noticed() {
    use contoso_bicep::check::{Options, check_folder};
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("bicep"), folder.path());
    let path = folder.path().join(HUBS);
    let text = fs::read_to_string(&path).expect("readable");
    let options = Options { types: Some(concat!(env!("REAL_DATA"), "/bicep-types").into()), today: None };
    for (version, expected) in [("2026-01-01", 0), ("2026-01-02", 1)] {
        let changed = text.replacen("namespaces@2026-01-01' = {", &format!("namespaces@{version}' = {{"), 1);
        fs::write(&path, changed).expect("writable");
        let report = check_folder(folder.path(), &options).expect("readable");
        let found: Vec<String> = report.lines().filter(|line| line.contains("BCP081")).collect();
        assert!(found.len() >= expected && (expected > 0 || found.is_empty()), "{version}: {found:?}");
    }
}

/// A rule that no change shows is a rule that may notice nothing.
#[test]
fn every_rule_is_shown_by_a_change() {
    // These count beyond what one change of text reaches, or are about other files; `one-way` has a test of its own.
    let without = ["event-grid-limits", "function-name", "function-unknown", "host-bundle", "one-way", "role-count"];
    let shown: BTreeSet<&str> = MUTATIONS.iter().map(|(rule, ..)| *rule).chain(without).collect();
    let mut missing = BTreeSet::new();
    for entry in fs::read_dir(root().join("bicep-checker/src/policy")).expect("a folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("readable");
        for call in ["findings.of(", "findings.add(", "findings.expect(", "compare("] {
            let names =
                text.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
            missing.extend(names.map(|(rule, _)| rule.to_owned()).filter(|rule| !shown.contains(rule.as_str())));
        }
    }
    assert!(missing.is_empty(), "no change shows these rules: {missing:?}");
}
