//! Cosmos DB.

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{COSMOS, COSMOS_CONTAINER, COSMOS_ROLE, DATABASE, ROLE, SETTINGS, at, items, last, member, text},
};

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    for account in main.of(COSMOS) {
        let regions = items(at(account, "/properties/locations")).count();
        let zones = items(at(account, "/properties/locations")).all(|it| it["isZoneRedundant"] == true);
        if deployment.is_production() && (regions < 2 || !zones) {
            findings.of("production", account, "has one region only, or regions without zones");
        }
        let failover = at(account, "/properties/enableAutomaticFailover") == true;
        if failover != (regions > 1) {
            findings.of("cosmos-failover", account, "fails over by itself if and only if there is another region");
        }
        if text(account, "/properties/consistencyPolicy/defaultConsistencyLevel") == "Strong" && regions < 3 {
            findings.of("cosmos-failover", account, "with strong consistency, fewer than three regions stop together");
        }
        findings.expect("cosmos-backup", account, "/properties/backupPolicy/type", "Continuous");
        let serverless =
            items(at(account, "/properties/capabilities")).any(|it| member(it, "name") == "EnableServerless");
        if serverless && regions > 1 {
            findings.of("cosmos-failover", account, "serverless accounts have one region");
        }
    }
    for database in main.of(DATABASE) {
        let most = at(database, "/properties/options/autoscaleSettings/maxThroughput").as_i64().unwrap_or(0);
        if most < 1000 || most % 1000 != 0 {
            findings.of("cosmos-throughput", database, format!("{most} request units are no multiple of 1000"));
        }
    }
    for container in main.of(COSMOS_CONTAINER) {
        findings.expect("partition-key", container, "/properties/resource/partitionKey/kind", "Hash");
        findings.expect("partition-key", container, "/properties/resource/partitionKey/version", 2);
        let excluded = at(container, "/properties/resource/indexingPolicy/excludedPaths");
        if !items(excluded).any(|it| it["path"] == "/*") {
            findings.of("cosmos-index", container, "indexes what no query needs");
        }
        findings.expect("cosmos-index", container, "/properties/resource/id", last(&container.name));
    }
    for it in main.of(COSMOS_ROLE) {
        let role = text(it, "/properties/roleDefinitionId");
        if !role.contains("/sqlRoleDefinitions/00000000-0000-0000-0000-00000000000") {
            findings.of("cosmos-role", it, format!("{role} is no built-in role of Cosmos DB"));
        }
        let scope = text(it, "/properties/scope");
        if scope.contains("/sqlDatabases/") || !scope.starts_with(&it.scope) {
            findings.of("cosmos-role", it, format!("the scope {scope} is not of the form /dbs/…/colls/…"));
        }
    }
    for it in main.of(ROLE).filter(|it| text(it, "/properties/roleDefinitionId").contains("/00000000-0000-0000-0000-"))
    {
        findings.of("cosmos-role", it, "roles on data of Cosmos DB are sqlRoleAssignments");
    }
    change_feeds(deployment, findings);
}

/// The trigger reads what concerns its database, writes leases, and creates no container.
fn change_feeds(deployment: &Deployment<'_>, findings: &mut Findings) {
    let bindings =
        deployment.project.functions.iter().flat_map(|(name, it)| items(&it["bindings"]).map(move |it| (name, it)));
    for (function, trigger) in bindings.filter(|(_, it)| it["type"] == "cosmosDBTrigger") {
        let database = member(trigger, "databaseName");
        let leases = member(trigger, "leaseContainerName");
        let lease_database = trigger.get("leaseDatabaseName").and_then(Json::as_str).unwrap_or(database);
        let id = format!("{}/sqlDatabases/{lease_database}/containers/{leases}", deployment.id_of(COSMOS));
        match deployment.main.of(COSMOS_CONTAINER).find(|it| it.id == id) {
            Some(it) => {
                let expected = serde_json::json!(["/id"]);
                findings.expect("lease-container", it, "/properties/resource/partitionKey/paths", expected);
            }
            None => findings.add("lease-container", format!("{function} wants {lease_database}/{leases}")),
        }
        if trigger["createLeaseContainerIfNotExists"] == true {
            findings.add("lease-container", format!("{function} would create it, which no identity may"));
        }
        let connection = member(trigger, "connection");
        if trigger.get("leaseConnection").and_then(Json::as_str).is_some_and(|lease| lease != connection) {
            findings.add("lease-container", format!("{function} reads leases by another connection"));
        }
        for settings in deployment.main.of(SETTINGS).filter(|it| deployment.runs(it).contains(&function.as_str())) {
            let principal = format!("[reference('{}').properties.principalId]", deployment.identity(settings));
            let scope = format!("{}/dbs/{database}", deployment.id_of(COSMOS));
            let on_database = |it: &crate::evaluate::Resource| {
                text(it, "/properties/principalId") == principal && text(it, "/properties/scope") == scope
            };
            if !deployment.main.of(COSMOS_ROLE).any(on_database) {
                findings.of(
                    "change-feed-role",
                    settings,
                    format!("{function} needs a role on the whole database {database}"),
                );
            }
        }
    }
}
