//! Every role of `topology.json`, and every role that the platform itself needs, is granted at its scope, and no other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{
        COMPONENT, COSMOS, COSMOS_ROLE, HUB, NAMESPACE, ROLE, SETTINGS, STORAGE, SYSTEM_TOPIC, TOPIC, WORKSPACE, items,
        last, member, text,
    },
    role_table::{self, BLOB_CONTRIBUTOR, METRICS_PUBLISHER, QUEUE_SENDER, RECEIVER, SECRETS_USER, TABLE_CONTRIBUTOR},
};
use crate::evaluate::Resource;

/// Azure's limit of role assignments in a subscription, and Cosmos DB's of an account.
const LIMITS: [(&str, usize); 2] = [(ROLE, 4000), (COSMOS_ROLE, 2000)];

/// The secret that secrets of webhooks are derived of.
const MASTER_KEYS: &str = "/secrets/partner-master-keys";

/// Who, which role, on what. Who is the id of an identity or topic, or an object id; what is an id, for Cosmos DB with `/dbs/…`.
type Grant = (String, String, String);

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let mut granted: BTreeMap<Grant, &Resource> = BTreeMap::new();
    for assignment in deployment.main.of(ROLE).chain(deployment.main.of(COSMOS_ROLE)) {
        let scope = match assignment.kind.as_str() {
            COSMOS_ROLE => text(assignment, "/properties/scope"),
            _ => &assignment.scope,
        };
        let role = last(text(assignment, "/properties/roleDefinitionId"));
        let grant = (principal(text(assignment, "/properties/principalId")), role.to_owned(), scope.to_owned());
        if let Some(other) = granted.insert(grant, assignment) {
            findings.of("role-twice", assignment, format!("grants what {} grants", other.name));
        }
        let kind = text(assignment, "/properties/principalType");
        if assignment.kind == ROLE && !["ServicePrincipal", "Group", "User"].contains(&kind) {
            findings.of(
                "role-principal-type",
                assignment,
                "has no principalType, so that Azure may not find who is new",
            );
        }
        if scope.to_lowercase().contains("/consumergroups/") && role == RECEIVER {
            findings.of("role-receiver-scope", assignment, "a trigger needs the role on the hub, not on its group");
        }
    }
    let expected = expected(deployment, findings);
    for (grant, assignment) in &granted {
        if !expected.contains(grant) {
            let (who, role, on) = grant;
            findings.of(
                "role-excess",
                assignment,
                format!("{who} has the role {role} on {on}, which nothing asks for"),
            );
        }
    }
    for grant in expected.iter().filter(|grant| !granted.contains_key(*grant)) {
        let (who, role, on) = grant;
        findings.add("role-missing", format!("{who} lacks the role {role} on {on}"));
    }
    for (kind, limit) in LIMITS {
        let count = deployment.main.of(kind).count();
        if count > limit {
            findings.add("role-count", format!("{count} of {kind}; Azure takes {limit}"));
        }
    }
}

/// Whose object id it is: the id of what a reference refers to.
fn principal(written: &str) -> String {
    let reference = written.strip_prefix("[reference('").and_then(|rest| rest.split_once("')"));
    reference.map_or(written, |(id, _)| id).to_owned()
}

fn expected(deployment: &Deployment<'_>, findings: &mut Findings) -> BTreeSet<Grant> {
    let topology = &deployment.project.topology;
    let mut expected = BTreeSet::new();
    // Of a vault that is somebody else's; where it is named, each app that derives secrets may read that one secret.
    let secrets: BTreeSet<_> =
        deployment.main.of(ROLE).map(|it| &it.scope).filter(|it| it.ends_with(MASTER_KEYS)).collect();
    for settings in deployment.main.of(SETTINGS) {
        let identity = deployment.identity(settings);
        let host = host_account(deployment, settings);
        let runs = deployment.runs(settings);
        if runs.contains(&"Partners") || runs.contains(&"PartnerHealth") {
            expected.extend(secrets.iter().map(|secret| grant(identity, SECRETS_USER, (*secret).clone())));
        }
        for app in items(&topology["apps"]) {
            let functions = items(&app["functions"]).filter(|it| runs.contains(&member(it, "name")));
            let roles = items(&app["roles"]).chain(functions.flat_map(|it| items(&it["roles"])));
            expected.extend(grants(deployment, identity, &host, roles, findings));
        }
        expected.extend([
            grant(identity, BLOB_CONTRIBUTOR, format!("{host}/blobServices/default/containers/packages")),
            grant(identity, TABLE_CONTRIBUTOR, host),
            grant(identity, METRICS_PUBLISHER, deployment.id_of(COMPONENT).to_owned()),
        ]);
    }
    for (id, name) in deployment.people {
        let Some(person) = items(&topology["identities"]).find(|it| member(it, "name") == name) else {
            findings.add("role-missing", format!("topology.json has no identity {name}"));
            continue;
        };
        expected.extend(grants(deployment, id, "", items(&person["roles"]), findings));
        if name == "deployment" {
            // Capture is pointed at the one by who can write there, and the pages are uploaded to the other.
            let hosts = deployment.host_accounts();
            let accounts = deployment.main.of(STORAGE).filter(|it| !hosts.contains(&it.name.as_str()));
            expected.extend(accounts.map(|it| grant(id, BLOB_CONTRIBUTOR, it.id.clone())));
        }
    }
    for credential in deployment.main.deployed().filter(|it| it.kind.ends_with("/federatedIdentityCredentials")) {
        // The subscription is the beginning of every id.
        let subscription: String = credential.id.split_inclusive('/').take(3).collect();
        let roles = role_table::PIPELINE
            .map(|role| grant(&credential.scope, role, subscription.trim_end_matches('/').to_owned()));
        expected.extend(roles);
    }
    let data = deployment.data_account();
    for hub in deployment.main.of(HUB) {
        let container = text(hub, "/properties/captureDescription/destination/properties/blobContainer");
        let identity = text(hub, "/properties/captureDescription/destination/identity/userAssignedIdentity");
        if !container.is_empty() {
            let scope = format!("{data}/blobServices/default/containers/{container}");
            expected.insert(grant(identity, BLOB_CONTRIBUTOR, scope));
        }
    }
    // Event Grid puts events into the queues of partners' listeners as the topic.
    for topic in deployment.main.of(TOPIC) {
        expected.insert(grant(&topic.id, QUEUE_SENDER, data.to_owned()));
    }
    let dead_letters = items(&topology["eventGrid"]["subscriptions"])
        .map(|it| member(&it["properties"]["deadLetterDestination"]["properties"], "blobContainerName"));
    for container in dead_letters {
        for topic in deployment.main.of(TOPIC).chain(deployment.main.of(SYSTEM_TOPIC)) {
            let scope = format!("{data}/blobServices/default/containers/{container}");
            expected.insert(grant(&topic.id, BLOB_CONTRIBUTOR, scope));
        }
    }
    expected
}

fn grant(who: &str, role: &str, on: String) -> Grant {
    (who.to_owned(), role.to_owned(), on)
}

/// Id of the storage account of an app's host.
fn host_account(deployment: &Deployment<'_>, settings: &Resource) -> String {
    let name = text(settings, "/properties/AzureWebJobsStorage__accountName");
    let account = deployment.main.of(STORAGE).find(|it| it.name == name);
    account.map_or_else(|| format!("host storage {name}"), |it| it.id.clone())
}

/// Roles of `topology.json`, on the resources that its scopes stand for.
fn grants<'j>(
    deployment: &Deployment<'_>,
    who: &str,
    host: &str,
    roles: impl Iterator<Item = &'j Json>,
    findings: &mut Findings,
) -> Vec<Grant> {
    let mut grants = Vec::new();
    for role in roles {
        let (name, scope) = (member(role, "role"), member(role, "scope"));
        let on = scopes(deployment, host, scope);
        match role_table::id(name) {
            Some(id) if !on.is_empty() => grants.extend(on.into_iter().map(|on| grant(who, id, on))),
            _ => findings.add("role-missing", format!("the role {name} on {scope} is not known here")),
        }
    }
    grants
}

fn scopes(deployment: &Deployment<'_>, host: &str, scope: &str) -> Vec<String> {
    let (namespace, cosmos) = (deployment.id_of(NAMESPACE), deployment.id_of(COSMOS));
    let data = deployment.data_account();
    let topics = || deployment.main.of(TOPIC);
    match scope.split('/').collect::<Vec<_>>().as_slice() {
        ["eventHubs"] => vec![namespace.to_owned()],
        ["eventHubs", hub] => vec![format!("{namespace}/eventhubs/{hub}")],
        ["cosmos"] => vec![cosmos.to_owned()],
        ["cosmos", database] => vec![format!("{cosmos}/dbs/{database}")],
        ["cosmos", database, container] => vec![format!("{cosmos}/dbs/{database}/colls/{container}")],
        ["storage"] | ["storage", "queues"] => vec![data.to_owned()],
        ["storage", "blobs", container] => {
            let account = if container.starts_with("azure-webjobs-") { host } else { data };
            vec![format!("{account}/blobServices/default/containers/{container}")]
        }
        ["eventGrid"] => topics().chain(deployment.main.of(SYSTEM_TOPIC)).map(|it| it.id.clone()).collect(),
        ["eventGrid", "topics", name] => {
            topics().filter(|it| it.name.contains(&format!("-{name}-"))).map(|it| it.id.clone()).collect()
        }
        ["logAnalytics"] => vec![deployment.id_of(WORKSPACE).to_owned()],
        _ => Vec::new(),
    }
}
