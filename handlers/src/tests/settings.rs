//! `settings.json`, the list of app settings, and what is written of them elsewhere.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{json, project};
use crate::{function::Function, registry::functions};

fn list() -> Vec<Value> {
    json(&project("settings.json"))["settings"].as_array().expect("settings").clone()
}

fn text<'a>(setting: &'a Value, member: &str) -> &'a str {
    setting[member].as_str().unwrap_or_else(|| panic!("{member} of {setting}"))
}

fn is_set_in(setting: &Value, place: &str) -> bool {
    setting["in"].as_array().expect("places").iter().any(|set_in| set_in == place)
}

/// Linux apps refuse other names, and say so by an error about another setting.
#[test]
fn names_of_settings_are_such_as_linux_takes() {
    let mut names = BTreeSet::new();
    for setting in list() {
        assert!(matches!(text(&setting, "readBy"), "handler" | "host" | "both"), "{setting}");
        for Function { name: function, .. } in functions() {
            let name = text(&setting, "name").replace("{function}", function);
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
            assert!(name.bytes().all(fits), "{name}");
        }
        assert!(names.insert(text(&setting, "name").to_owned()), "{setting} stands there twice");
    }
}

/// Identity-based connections: address, credential and client id. Those of the handler alone need the address only.
#[test]
fn every_connection_of_the_host_has_all_three_settings_in_azure() {
    const ADDRESSES: [(&str, &str); 3] = [
        ("AzureWebJobsStorage", "accountName"),
        ("Cosmos", "accountEndpoint"),
        ("EventHubs", "fullyQualifiedNamespace"),
    ];
    const OF_HANDLER: [&str; 8] =
        ["Storage", "EventGrid", "SchemaRegistry", "Site", "Sales", "ResourceManager", "LogAnalytics", "Partners"];
    let azure: BTreeSet<String> = list()
        .iter()
        .filter(|setting| is_set_in(setting, "azure"))
        .map(|setting| text(setting, "name").to_owned())
        .collect();
    let mut expected = BTreeSet::new();
    for (connection, address) in ADDRESSES {
        expected.extend([address, "credential", "clientId"].map(|part| format!("{connection}__{part}")));
        // A connection string, even an empty one, wins over the three.
        assert!(!azure.contains(connection), "{connection}");
    }
    let is_of_host =
        |name: &&String| name.split_once("__").is_some_and(|(connection, _)| !OF_HANDLER.contains(&connection));
    assert_eq!(azure.iter().filter(is_of_host).cloned().collect::<BTreeSet<_>>(), expected);
    for setting in list() {
        let (name, read_by) = (text(&setting, "name"), text(&setting, "readBy"));
        let is_of_handler = name.split_once("__").is_some_and(|(connection, _)| OF_HANDLER.contains(&connection));
        if is_of_handler && is_set_in(&setting, "azure") {
            assert_eq!(read_by, "handler", "{name}: the host would need a credential beside it");
        }
    }
}

#[test]
fn the_example_for_core_tools_sets_what_is_set_locally() {
    let example = json(&project("local.settings.json.example"));
    let set: BTreeSet<&str> = example["Values"].as_object().expect("values").keys().map(String::as_str).collect();
    let settings = list();
    let listed =
        settings.iter().filter(|setting| is_set_in(setting, "local")).map(|setting| text(setting, "name")).collect();
    assert_eq!(set, listed);
}

#[test]
fn the_page_of_settings_has_the_list_as_its_table() {
    let page = fs::read_to_string(project("docs/settings.md")).expect("docs/settings.md");
    let rows: String = list().iter().map(row).collect();
    let table = format!("| --- | --- | --- | --- | --- |\n{rows}\n");
    assert!(page.contains(&table), "write this to docs/settings.md:\n{table}");
}

fn row(setting: &Value) -> String {
    let places: Vec<&str> = setting["in"].as_array().expect("places").iter().filter_map(Value::as_str).collect();
    let places = if places.is_empty() { "–".to_owned() } else { places.join(", ") };
    let [name, read_by, meaning, without] =
        ["name", "readBy", "meaning", "without"].map(|member| text(setting, member));
    format!("| `{name}` | {read_by} | {places} | {meaning} | {without} |\n")
}
