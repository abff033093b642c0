//! What holds for every function.

mod definitions;
mod openapi;
mod roles;
mod settings;

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    domain::product_events::{CHANGED, DISCONTINUED},
    events::{Content, Contract, Event, EventData, contracts, tests::avro},
    function::{Function, Trigger},
    registry::functions,
    stores,
};

pub(crate) fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

pub(crate) fn json(path: &PathBuf) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names_in(folder: &PathBuf) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

#[test]
fn every_function_has_a_definition_that_agrees_and_every_definition_a_function() {
    let names: BTreeSet<String> = functions().iter().map(|function| function.name.to_owned()).collect();
    assert_eq!(names_in(&project("function-definitions")), names);
    for Function { name, trigger, .. } in functions() {
        let definition = json(&project("function-definitions").join(name).join("function.json"));
        let bindings = definition["bindings"].as_array().expect(name);
        let binding = &bindings[0];
        assert_eq!(binding["type"], trigger.binding_type(), "{name}");
        assert_eq!(binding["direction"], "in", "{name}");
        let retries = &definition["retry"]["maxRetryCount"];
        match trigger {
            Trigger::EventHub { hub, consumer_group, .. } => {
                assert_eq!(binding["eventHubName"], hub, "{name}");
                assert_eq!(binding["consumerGroup"], consumer_group, "{name}");
                assert_eq!(binding["connection"], "EventHubs", "{name}");
                assert_eq!(
                    (&binding["cardinality"], &binding["dataType"]),
                    (&"many".into(), &"binary".into()),
                    "{name}"
                );
                assert_eq!(retries, -1, "{name}: only that holds the checkpoint while a batch fails");
            }
            Trigger::CosmosDb { .. } => {
                assert_eq!(binding["connection"], "Cosmos", "{name}");
                assert_eq!(retries, -1, "{name}: only that holds the lease while a batch fails");
            }
            Trigger::Http { .. } => {
                let is_forwarded =
                    bindings.len() == 2 && bindings[1]["type"] == "http" && bindings[1]["direction"] == "out";
                assert!(is_forwarded, "{name}: requests are forwarded only with one http out binding");
            }
            Trigger::EventGrid { .. } | Trigger::Timer { .. } => assert!(retries.is_null(), "{name}"),
        }
    }
}

#[test]
fn examples_of_events_are_what_their_schemas_say() {
    for contract in contracts::ALL {
        let (aggregate, name) = contract.path.split_once('/').expect("an aggregate");
        let folder = project("schemas").join(aggregate).join("examples").join(name);
        for (case, is_valid) in [("valid", true), ("invalid", false)] {
            let cases = names_in(&folder.join(case));
            assert!(!cases.is_empty(), "{name} has no {case} example");
            for file in cases {
                let example = json(&folder.join(case).join(&file));
                assert_eq!(fits(contract, &example), is_valid, "{name}/{case}/{file}");
            }
        }
    }
}

/// Whether `example` is an Avro value of the contract's schema, and means an event that a function reads.
fn fits(contract: &Contract, example: &Value) -> bool {
    let schema = contract.avro().expect("a schema");
    let Ok(value) = avro(example).resolve(schema) else { return false };
    let event = Event {
        id: "e-1".to_owned(),
        source: "/contoso/catalog".to_owned(),
        r#type: contract.event_type.to_owned(),
        subject: None,
        time: None,
        dataschema: None,
        extensions: Default::default(),
        trace: None,
        data: EventData::Avro(value, contract.name.to_owned()),
    };
    event.content().is_ok_and(|content| !matches!(content, Content::Other))
}

#[test]
fn events_of_other_types_are_not_ours_and_malformed_ones_are_bad() {
    let event = |event_type: &str| Event {
        id: "e-1".to_owned(),
        source: "/elsewhere".to_owned(),
        r#type: event_type.to_owned(),
        subject: None,
        time: None,
        dataschema: None,
        extensions: Default::default(),
        trace: None,
        data: EventData::Json(serde_json::json!({ "productId": "a/b" })),
    };
    assert!(matches!(event("com.contoso.order.placed.v1").product(), Ok(None)));
    assert!(event(CHANGED).product().is_err());
    assert!(event(DISCONTINUED).product().is_err());
}

#[test]
fn the_topology_has_every_container_and_hub_that_the_app_names() {
    let topology = json(&project("topology.json"));
    let names = |list: &Value| -> BTreeSet<String> {
        list.as_array()
            .expect("a list")
            .iter()
            .map(|entry| entry["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let databases = topology["cosmos"]["databases"].as_array().expect("databases");
    let containers: BTreeSet<String> = databases
        .iter()
        .flat_map(|database| {
            let containers = names(&database["containers"]);
            containers.into_iter().map(|name| format!("{}/{name}", database["name"].as_str().expect("a name")))
        })
        .collect();
    assert_eq!(containers, stores::CONTAINERS.map(|name| name.to_string()).into());
    let blobs: Vec<String> = serde_json::from_value(topology["storage"]["containers"].clone()).expect("names");
    for container in stores::BLOB_CONTAINERS {
        assert!(blobs.iter().any(|name| name == container), "{container}");
    }
    let hubs = names(&topology["eventHubs"]["hubs"]);
    assert_eq!(hubs, contracts::ALL.map(|contract| contract.hub.to_owned()).into());
}

/// What people read of each function, which nothing can write for them.
#[test]
fn every_function_stands_where_people_look_for_it() {
    let read = |path: &str| fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (readme, delivery, graph) = (read("README.md"), read("docs/delivery.md"), read("web/js/operations/graph.js"));
    let mut missing = Vec::new();
    for Function { name, trigger, projection } in functions() {
        let row = format!("| `{name}` | ");
        match readme.lines().find(|line| line.starts_with(&row)) {
            None => {
                missing.push(format!("README.md, functions: a row that begins {row:?}: trigger, what it does, file"));
            }
            Some(line) => {
                let file = line.split("](handlers/").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or("?");
                if !project("handlers").join(file).is_file() {
                    missing.push(format!("README.md, row of {name}: a link to its file, which handlers/{file} is not"));
                }
                if let Trigger::EventHub { hub, consumer_group, .. } = trigger
                    && !line.contains(&format!("hub `{hub}`, group `{consumer_group}`"))
                {
                    missing.push(format!("README.md, row of {name}: hub `{hub}`, group `{consumer_group}`"));
                }
            }
        }
        if !delivery.lines().any(|line| line.starts_with(&row)) {
            let columns = "a second delivery, disorder, a kill, a bad record";
            missing.push(format!("docs/delivery.md: a row that begins {row:?}: {columns}"));
        }
        if !graph.contains(&format!("\"{name}\"")) {
            missing.push(format!("web/js/operations/graph.js: a node {name} and its edges, or its name in NOT_DRAWN"));
        }
        if projection.is_some() && !matches!(trigger, Trigger::EventHub { .. }) {
            missing.push(format!("{name}: only a function on a hub can be given old events again"));
        }
    }
    assert!(missing.is_empty(), "write this:\n{}", missing.join("\n"));
}

/// A consumer group that nobody reads tells a wrong story, and one that is missing fails at the first start.
#[test]
fn the_topology_has_the_consumer_group_of_every_function() {
    let topology = json(&project("topology.json"));
    let name = |value: &Value| value.as_str().expect("a name").to_owned();
    let hubs = topology["eventHubs"]["hubs"].as_array().expect("hubs").iter();
    let groups: BTreeSet<(String, String)> = hubs
        .flat_map(|hub| {
            let groups = hub["consumerGroups"].as_array().expect("groups").iter();
            groups.map(|group| (name(&hub["name"]), name(group)))
        })
        .collect();
    let read = functions().into_iter().filter_map(|function| match function.trigger {
        Trigger::EventHub { hub, consumer_group, .. } => Some((hub.to_owned(), consumer_group.to_owned())),
        _ => None,
    });
    assert_eq!(groups, read.collect());
}

/// Events, as teams read of them.
#[test]
fn the_page_of_events_has_a_row_for_each_contract() {
    let page = fs::read_to_string(project("docs/events.md")).expect("docs/events.md");
    for Contract { event_type, name, path, hub, key, owner, .. } in contracts::ALL {
        let schema = format!("[{path}](../schemas/{path}.avsc)");
        let row = format!("| `{event_type}` | `{name}` | {schema} | `{hub}` | {key} | {owner} |");
        assert!(page.contains(&row), "write this to docs/events.md:\n{row}");
        assert!(project("schemas").join(format!("{path}.avsc")).is_file(), "{path}");
    }
}

/// How long documents live is said by the container, and by the function, which is not given events of before that again.
#[test]
fn the_topology_keeps_documents_as_long_as_their_function_says() {
    let topology = json(&project("topology.json"));
    let find = |list: &Value, name: &str| {
        let found = list.as_array().expect("a list").iter().find(|entry| entry["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not there")).clone()
    };
    for Function { name, projection, .. } in functions() {
        for documents in projection.iter().flat_map(|projection| projection.documents) {
            let database = find(&topology["cosmos"]["databases"], documents.container.database);
            let container = find(&database["containers"], documents.container.container);
            // -1: for ever, unless a document says otherwise.
            let ttl = container["ttlSeconds"].as_i64().filter(|seconds| *seconds > 0);
            let kept = projection.and_then(|projection| projection.kept).map(time::Duration::whole_seconds);
            assert_eq!(ttl, kept, "{name}: {}", documents.container);
            assert_eq!(container["partitionKey"], format!("/{}", documents.key), "{name}: {}", documents.container);
        }
    }
}
