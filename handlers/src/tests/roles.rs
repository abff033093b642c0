//! Roles of functions in `topology.json`: an app that runs one function alone may do what that function needs, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{json, project};
use crate::{
    dead_letters,
    function::{Function, Trigger},
    registry::functions,
    stores::checkpoints,
};

/// A role and what it is on.
type Role = (String, String);

fn roles(list: &Value) -> BTreeSet<Role> {
    let text = |role: &Value, member: &str| role[member].as_str().expect("a text").to_owned();
    let listed = list.as_array().expect("roles");
    let roles: BTreeSet<Role> = listed.iter().map(|role| (text(role, "role"), text(role, "scope"))).collect();
    assert_eq!(roles.len(), listed.len(), "one stands there twice: {list}");
    roles
}

/// What the topology lets each function do.
fn granted() -> Vec<(String, BTreeSet<Role>)> {
    let topology = json(&project("topology.json"));
    let apps = topology["apps"].as_array().expect("apps");
    let functions = apps.iter().flat_map(|app| app["functions"].as_array().expect("functions"));
    functions
        .map(|function| (function["name"].as_str().expect("a name").to_owned(), roles(&function["roles"])))
        .collect()
}

fn role(name: &str, scope: &str) -> Role {
    (name.to_owned(), scope.to_owned())
}

fn contributor_of_blobs(container: &str) -> Role {
    role("Storage Blob Data Contributor", &format!("storage/blobs/{container}"))
}

/// What a function needs for its trigger and for its projection, whatever else it does.
fn needed(Function { trigger, projection, .. }: &Function) -> BTreeSet<Role> {
    let mut needed = BTreeSet::new();
    match trigger {
        Trigger::EventHub { hub, .. } => {
            // On the hub: the trigger asks for its partitions, which a role on a consumer group does not allow.
            needed.insert(role("Azure Event Hubs Data Receiver", &format!("eventHubs/{hub}")));
            needed.insert(role("Storage Blob Data Owner", &format!("storage/blobs/{}", checkpoints::CONTAINER)));
            needed.insert(role("Schema Registry Reader", "eventHubs"));
            needed.insert(contributor_of_blobs(dead_letters::CONTAINER));
        }
        Trigger::CosmosDb { .. } => {
            // On the database: the trigger reads it, which a role on containers does not allow.
            needed.insert(role("Cosmos DB Built-in Data Contributor", "cosmos/catalog"));
            needed.insert(contributor_of_blobs(dead_letters::CONTAINER));
        }
        Trigger::EventGrid { .. } => drop(needed.insert(contributor_of_blobs(dead_letters::CONTAINER))),
        Trigger::Http { .. } | Trigger::Timer { .. } => {}
    }
    for documents in projection.iter().flat_map(|projection| projection.documents) {
        needed.insert(role("Cosmos DB Built-in Data Contributor", &format!("cosmos/{}", documents.container)));
    }
    needed
}

#[test]
fn each_function_has_the_roles_that_its_trigger_and_documents_ask_for() {
    let granted = granted();
    let names: BTreeSet<&str> = granted.iter().map(|(name, _)| name.as_str()).collect();
    let functions = functions();
    assert_eq!(names, functions.iter().map(|function| function.name).collect());
    assert_eq!(granted.len(), names.len(), "each stands there once");
    for function in &functions {
        let (_, roles) = granted.iter().find(|(name, _)| name == function.name).expect("listed");
        let missing: Vec<_> = needed(function).difference(roles).cloned().collect();
        assert!(missing.is_empty(), "{}: {missing:?}", function.name);
    }
}

/// A whole service is no scope for a function, but for the schema registry, which has none below the namespace here, and the workspace of
/// logs, which is one thing.
#[test]
fn no_function_may_do_more_than_on_one_thing_of_a_service() {
    for (name, roles) in granted() {
        let mut scopes = BTreeSet::new();
        for (role, scope) in &roles {
            let is_registry = role == "Schema Registry Reader" && scope == "eventHubs";
            let is_workspace = scope == "logAnalytics";
            assert!(is_registry || is_workspace || scope.contains('/'), "{name}: {role} on {scope}");
            // Sending and receiving are roles of their own, and so are sending to a topic and subscribing to it.
            let has_several = scope.starts_with("eventHubs/") || scope.starts_with("eventGrid/");
            assert!(scopes.insert(scope) || has_several, "{name}: two roles on {scope}");
            // What a role on a database covers needs no other on its containers.
            let covers =
                |database: &String| database.matches('/').count() == 1 && scope.starts_with(&format!("{database}/"));
            let database = roles.iter().find(|(of, database)| of == role && covers(database));
            assert!(!scope.starts_with("cosmos/") || database.is_none(), "{name}: {role} on {scope} and its database");
        }
    }
}

#[test]
fn every_role_is_on_something_that_there_is() {
    let topology = json(&project("topology.json"));
    let names = |list: &Value| -> Vec<String> {
        let text = |entry: &Value| entry.as_str().or(entry["name"].as_str()).expect("a name").to_owned();
        list.as_array().expect("a list").iter().map(text).collect()
    };
    let mut there: BTreeSet<String> =
        ["cosmos", "eventHubs", "storage", "storage/queues", "eventGrid", "logAnalytics"].map(str::to_owned).into();
    for database in topology["cosmos"]["databases"].as_array().expect("databases") {
        let scope = format!("cosmos/{}", database["name"].as_str().expect("a name"));
        there.extend(names(&database["containers"]).into_iter().map(|container| format!("{scope}/{container}")));
        there.insert(scope);
    }
    there.extend(names(&topology["eventHubs"]["hubs"]).into_iter().map(|hub| format!("eventHubs/{hub}")));
    let containers = names(&topology["storage"]["containers"]);
    there.extend(containers.iter().map(|container| format!("storage/blobs/{container}")));
    there.extend(names(&topology["eventGrid"]["topics"]).into_iter().map(|topic| format!("eventGrid/topics/{topic}")));
    let lists = ["apps", "identities"].map(|member| topology[member].as_array().expect("a list").clone());
    let mut scopes: BTreeSet<String> =
        granted().into_iter().flat_map(|(_, roles)| roles).map(|(_, scope)| scope).collect();
    scopes.extend(lists.concat().iter().flat_map(|holder| roles(&holder["roles"])).map(|(_, scope)| scope));
    assert_eq!(scopes.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new());
    for rule in topology["storage"]["retention"].as_array().expect("rules") {
        assert!(containers.iter().any(|container| rule["container"] == *container), "{rule}");
    }
}
