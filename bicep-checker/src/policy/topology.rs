//! Everything in `topology.json` is deployed as it says, and nothing else of these kinds.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{
        BLOB_CONTAINER, CONSUMER_GROUP, COSMOS_CONTAINER, DATABASE, HUB, SCHEMA_GROUP, SUBSCRIPTION, TOPIC, at, items,
        last, member,
    },
};
use crate::evaluate::{Resource, Snapshot};

/// Container of an app's package, which the topology does not have: the local stack runs the app from a folder.
const PACKAGES: &str = "packages";

/// What is expected of each name: a description that is compared as a whole.
type Expected = BTreeMap<String, Json>;

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let topology = &deployment.project.topology;
    let databases = || items(&topology["cosmos"]["databases"]);
    let hubs = || items(&topology["eventHubs"]["hubs"]);
    let main = deployment.main;
    let expected = databases().map(|it| (member(it, "name").to_owned(), Json::Null)).collect();
    compare("cosmos-databases", main, DATABASE, &expected, findings, |it| (last(&it.name).to_owned(), Json::Null));
    let expected = databases()
        .flat_map(|database| items(&database["containers"]).map(move |it| (member(database, "name"), it)))
        .map(|(database, it)| (format!("{database}/{}", member(it, "name")), container_of_topology(it)))
        .collect();
    compare("cosmos-containers", main, COSMOS_CONTAINER, &expected, findings, cosmos_container);
    let expected = hubs().map(|it| (member(it, "name").to_owned(), hub_of_topology(it))).collect();
    compare("event-hubs", main, HUB, &expected, findings, hub);
    let expected = hubs()
        .flat_map(|hub| items(&hub["consumerGroups"]).map(move |it| (member(hub, "name"), it)))
        .map(|(hub, it)| (format!("{hub}/{}", it.as_str().unwrap_or_default()), Json::Null))
        .collect();
    compare("consumer-groups", main, CONSUMER_GROUP, &expected, findings, |it| (tail(&it.name, 2), Json::Null));
    let expected = items(&topology["eventHubs"]["schemaGroups"])
        .map(|it| (member(it, "name").to_owned(), it["compatibility"].clone()))
        .collect();
    compare("schema-groups", main, SCHEMA_GROUP, &expected, findings, |it| {
        (last(&it.name).to_owned(), at(it, "/properties/schemaCompatibility").clone())
    });
    let names: Vec<&str> = items(&topology["eventGrid"]["topics"]).map(|it| member(it, "name")).collect();
    let expected = items(&topology["eventGrid"]["topics"])
        .map(|it| (member(it, "name").to_owned(), it["inputSchema"].clone()))
        .collect();
    compare("event-grid-topics", main, TOPIC, &expected, findings, |it| {
        let name = names.iter().find(|name| it.name.contains(&format!("-{name}-"))).copied().unwrap_or(&it.name);
        (name.to_owned(), at(it, "/properties/inputSchema").clone())
    });
    blob_containers(deployment, findings);
    subscriptions(deployment, findings);
}

fn compare(
    rule: &'static str,
    snapshot: &Snapshot,
    kind: &str,
    expected: &Expected,
    findings: &mut Findings,
    describe: impl Fn(&Resource) -> (String, Json),
) {
    let mut missing: Vec<&String> = expected.keys().collect();
    for resource in snapshot.of(kind) {
        let (name, found) = describe(resource);
        match expected.get(&name) {
            None => findings.of(rule, resource, "is not in topology.json"),
            Some(_) if !missing.contains(&&name) => findings.of(rule, resource, "is there twice"),
            Some(expected) if *expected != found => findings.of(rule, resource, format!("is {found}, not {expected}")),
            Some(_) => {}
        }
        missing.retain(|other| **other != name);
    }
    for name in missing {
        findings.add(rule, format!("{name} of topology.json is not deployed"));
    }
}

/// The last parts of a name.
fn tail(name: &str, count: usize) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    parts.get(parts.len().saturating_sub(count)..).unwrap_or_default().join("/")
}

fn container_of_topology(it: &Json) -> Json {
    let indexed = it.get("indexedPaths").cloned().unwrap_or_else(|| Json::Array(Vec::new()));
    serde_json::json!({ "partitionKey": [it["partitionKey"]], "ttl": it["ttlSeconds"], "indexed": indexed })
}

fn cosmos_container(it: &Resource) -> (String, Json) {
    let resource = at(it, "/properties/resource");
    let indexed: Vec<Json> = items(&resource["indexingPolicy"]["includedPaths"]).map(|it| it["path"].clone()).collect();
    let paths = &resource["partitionKey"]["paths"];
    let found = serde_json::json!({ "partitionKey": paths, "ttl": resource["defaultTtl"], "indexed": indexed });
    (tail(&it.name, 2), found)
}

fn hub_of_topology(it: &Json) -> Json {
    let capture = it.get("capture").map(|capture| {
        serde_json::json!({
            "container": capture["container"], "seconds": capture["intervalSeconds"],
            "bytes": capture["sizeLimitBytes"], "skipEmpty": capture["skipEmpty"],
        })
    });
    serde_json::json!({ "partitions": it["partitions"], "hours": it["retentionHours"], "capture": capture })
}

fn hub(it: &Resource) -> (String, Json) {
    let capture = at(it, "/properties/captureDescription");
    let capture = (capture["enabled"] == true).then(|| {
        serde_json::json!({
            "container": capture["destination"]["properties"]["blobContainer"], "seconds": capture["intervalInSeconds"],
            "bytes": capture["sizeLimitInBytes"], "skipEmpty": capture["skipEmptyArchives"],
        })
    });
    let partitions = at(it, "/properties/partitionCount");
    let hours = at(it, "/properties/retentionDescription/retentionTimeInHours");
    let found = serde_json::json!({ "partitions": partitions, "hours": hours, "capture": capture });
    (last(&it.name).to_owned(), found)
}

/// Containers of data on the data account; those of the host, and the package's, on each host account.
fn blob_containers(deployment: &Deployment<'_>, findings: &mut Findings) {
    let all: Vec<&str> =
        items(&deployment.project.topology["storage"]["containers"]).filter_map(Json::as_str).collect();
    let (host, data): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|name| name.starts_with("azure-webjobs-"));
    let data_account = last(deployment.data_account());
    let mut expected: Expected = data.iter().map(|name| (format!("{data_account}/{name}"), Json::Null)).collect();
    for account in deployment.host_accounts() {
        let names = host.iter().chain([&PACKAGES]);
        expected.extend(names.map(|name| (format!("{account}/{name}"), Json::Null)));
    }
    compare("blob-containers", deployment.main, BLOB_CONTAINER, &expected, findings, |it| {
        let account = it.name.split('/').next().unwrap_or_default();
        (format!("{account}/{}", last(&it.name)), Json::Null)
    });
}

/// Subscriptions of topology.json deliver what they say to the function, in the app that runs it.
fn subscriptions(deployment: &Deployment<'_>, findings: &mut Findings) {
    let expected: Expected = items(&deployment.project.topology["eventGrid"]["subscriptions"])
        .map(|it| {
            let properties = &it["properties"];
            let function = last(member(&properties["destination"]["properties"], "resourceId"));
            let container = &properties["deadLetterDestination"]["properties"]["blobContainerName"];
            let expected = serde_json::json!({
                "function": function, "type": properties["destination"]["endpointType"],
                "schema": properties["eventDeliverySchema"], "filter": properties["filter"],
                "retry": properties["retryPolicy"], "deadLetters": container,
            });
            (member(it, "name").to_owned(), expected)
        })
        .collect();
    compare("event-subscriptions", deployment.subscriptions, SUBSCRIPTION, &expected, findings, |it| {
        let destination = at(it, "/properties/destination");
        let dead_letter = at(it, "/properties/deadLetterWithResourceIdentity/deadLetterDestination");
        let found = serde_json::json!({
            "function": last(member(&destination["properties"], "resourceId")), "type": destination["endpointType"],
            "schema": at(it, "/properties/eventDeliverySchema"), "filter": at(it, "/properties/filter"),
            "retry": at(it, "/properties/retryPolicy"), "deadLetters": dead_letter["properties"]["blobContainerName"],
        });
        (last(&it.name).to_owned(), found)
    });
    for subscription in deployment.subscriptions.of(SUBSCRIPTION) {
        let endpoint = super::query::text(subscription, "/properties/destination/properties/resourceId");
        let runs = deployment.main.of(super::query::SETTINGS).any(|settings| {
            let functions = deployment.runs(settings);
            functions.iter().any(|function| endpoint == format!("{}/functions/{function}", settings.scope))
        });
        if !runs {
            findings.of("event-subscriptions", subscription, format!("delivers to {endpoint}, which no app runs"));
        }
        if subscription.scope != deployment.id_of(super::query::SYSTEM_TOPIC) {
            findings.of("event-subscriptions", subscription, "is not on the topic that main.bicep makes");
        }
    }
}
