//! Function definitions (`function.json`) and `host.json`, as the Functions host and its scale controller in Azure read them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{json, names_in, project};

/// Each function's folder name and its bindings.
fn bindings() -> Vec<(String, Vec<Value>)> {
    let folder = project("function-definitions");
    let bindings = |name: String| {
        let definition = json(&folder.join(&name).join("function.json"));
        let bindings = definition["bindings"].as_array().expect("bindings").clone();
        (name, bindings)
    };
    names_in(&folder).into_iter().map(bindings).collect()
}

/// Names of settings that are set in `place`.
fn settings(place: &str) -> BTreeSet<String> {
    let list = json(&project("settings.json"));
    let settings = list["settings"].as_array().expect("settings").iter();
    settings
        .filter(|setting| setting["in"].as_array().expect("places").iter().any(|set_in| set_in == place))
        .map(|setting| setting["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// Every `%Name%` in the texts of a document.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split('%').skip(1).step_by(2).map(str::to_owned).collect(),
        Value::Array(values) => values.iter().flat_map(references).collect(),
        Value::Object(members) => members.values().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn named(list: &Value, name: &Value) -> Option<Value> {
    list.as_array().expect("a list").iter().find(|entry| entry["name"] == *name).cloned()
}

/// Event Hubs extension: versions before 6.2.0 could move a checkpoint past a batch that waits for its retry while the listener stops, and
/// bundles before 4.28.0 hold such (azure-sdk-for-net, issue 41784 and pull request 42299).
#[test]
fn no_bundle_is_taken_whose_checkpoint_can_pass_a_failing_batch() {
    let mut hosts = Vec::new();
    find(&project(""), "host.json", &mut hosts);
    assert!(hosts.contains(&project("host.json")), "{hosts:?}");
    for host in hosts {
        assert_eq!(json(&host)["extensionBundle"]["version"], "[4.28.0, 5.0.0)", "{}", host.display());
    }
}

/// Every file of this name in a folder, but in those that hold what was built or downloaded.
fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type().expect("a kind"))).expect("an entry");
        let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if kind.is_dir() && own != "target" && own != "node_modules" && !own.starts_with('.') {
            find(&path, name, found);
        } else if kind.is_file() && own == name {
            found.push(path);
        }
    }
}

/// Linux refuses hyphens in names of settings, one of which switches a function off.
#[test]
fn every_function_can_be_switched_off() {
    for (name, _) in bindings() {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
    }
}

/// The scale controller reads settings and not code: what a binding does not name, or names otherwise, wakes no instance.
#[test]
fn every_connection_is_named_and_its_settings_are_set_in_azure() {
    let (azure, local) = (settings("azure"), settings("local"));
    for (name, bindings) in bindings() {
        for binding in bindings {
            let kind = binding["type"].as_str().expect("a type");
            if let Some(lease) = binding.get("leaseConnection") {
                assert_eq!(
                    lease, &binding["connection"],
                    "{name}: from zero a feed with two connections does not wake"
                );
            }
            if matches!(kind, "eventHubTrigger" | "cosmosDBTrigger" | "blobTrigger" | "queueTrigger") {
                let connection = binding["connection"].as_str().unwrap_or_else(|| panic!("{name} names no connection"));
                for part in ["credential", "clientId"] {
                    assert!(azure.contains(&format!("{connection}__{part}")), "{name}: {connection}__{part}");
                }
                assert!(local.contains(connection), "{name}: {connection} for Core Tools");
            }
        }
    }
}

#[test]
fn every_reference_to_a_setting_is_to_one_that_is_set_everywhere() {
    let everywhere: BTreeSet<String> = settings("azure").intersection(&settings("local")).cloned().collect();
    let documents = bindings().into_iter().map(|(name, bindings)| (name, Value::Array(bindings)));
    for (name, document) in documents.chain([("host.json".to_owned(), json(&project("host.json")))]) {
        for reference in references(&document) {
            // `:` and `__` are hierarchy, which the scale controller does not resolve.
            assert!(!reference.contains(':') && !reference.contains("__"), "{name}: %{reference}%");
            assert!(everywhere.contains(&reference), "{name}: %{reference}%");
        }
    }
    assert_eq!(references(&serde_json::json!({ "a": ["%One%/%Two%", "100"] })), ["One", "Two"]);
}

#[test]
fn what_bindings_name_is_in_the_topology() {
    let topology = json(&project("topology.json"));
    let functions: BTreeSet<String> = names_in(&project("function-definitions"));
    for (name, bindings) in bindings() {
        for binding in &bindings {
            match binding["type"].as_str() {
                Some("eventHubTrigger") => {
                    let hub = named(&topology["eventHubs"]["hubs"], &binding["eventHubName"]);
                    let hub = hub.unwrap_or_else(|| panic!("{name}: hub {}", binding["eventHubName"]));
                    let groups = hub["consumerGroups"].as_array().expect("groups");
                    assert!(groups.contains(&binding["consumerGroup"]), "{name}: group {}", binding["consumerGroup"]);
                }
                Some("cosmosDBTrigger") => {
                    let database =
                        named(&topology["cosmos"]["databases"], &binding["databaseName"]).expect("a database");
                    assert!(named(&database["containers"], &binding["containerName"]).is_some(), "{name}");
                    let leases = named(&database["containers"], &binding["leaseContainerName"]).expect("leases");
                    assert_eq!(leases["partitionKey"], "/id", "{name}: the trigger asks for this key");
                    let creates = &binding["createLeaseContainerIfNotExists"];
                    assert_eq!(creates, false, "{name}: identities of the data plane cannot create containers");
                }
                _ => {}
            }
        }
    }
    for subscription in topology["eventGrid"]["subscriptions"].as_array().expect("subscriptions") {
        let target =
            subscription["properties"]["destination"]["properties"]["resourceId"].as_str().expect("a function");
        assert!(functions.contains(target.rsplit('/').next().unwrap_or_default()), "{target}");
    }
}
