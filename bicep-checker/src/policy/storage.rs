//! Storage: how long things are kept, and what nobody can delete.

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{BLOBS, HUB, STORAGE, at, items, last, member, text},
};

/// Retention: days within which data that names a person must be deleted, soft-deleted copies and versions included.
const ERASED_WITHIN_DAYS: i64 = 30;

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    let data = deployment.data_account();
    for account in main.of(STORAGE) {
        let sku = text(account, "/sku/name");
        if !["Standard_LRS", "Standard_ZRS", "Standard_GZRS"].contains(&sku) {
            findings.of(
                "storage-sku",
                account,
                format!("{sku} is not one of those that Capture and Flex Consumption take"),
            );
        }
        if deployment.is_production() && sku == "Standard_LRS" {
            findings.of("production", account, "is in one zone only");
        }
    }
    if deployment.host_accounts().contains(&last(data)) {
        findings.add("host-storage", "captured files and an app's host share an account");
    }
    let mut hosts = deployment.host_accounts();
    hosts.sort_unstable();
    if hosts.windows(2).any(|pair| pair[0] == pair[1]) {
        findings.add("host-storage", "two apps share an account, so that their hosts may share an id");
    }
    for blobs in main.of(BLOBS) {
        findings.expect("soft-delete", blobs, "/properties/deleteRetentionPolicy/enabled", true);
    }
    lifecycle(deployment, findings);
    immutability(deployment, findings);
}

/// Rules of `topology.json` are those of the account, and what names a person is gone in time.
fn lifecycle(deployment: &Deployment<'_>, findings: &mut Findings) {
    let data = deployment.data_account();
    let policy = deployment.main.of("Microsoft.Storage/storageAccounts/managementPolicies").find(|it| it.scope == data);
    let Some(policy) = policy else { return findings.add("lifecycle", "the data account has no lifecycle") };
    let blobs = deployment.main.of(BLOBS).find(|it| it.scope == data);
    let soft = blobs.map_or(0, |it| at(it, "/properties/deleteRetentionPolicy/days").as_i64().unwrap_or(0));
    let versions = blobs.is_some_and(|it| at(it, "/properties/isVersioningEnabled") == true);
    let rules: Vec<&Json> = items(at(policy, "/properties/policy/rules")).collect();
    let retention: Vec<&Json> = items(&deployment.project.topology["storage"]["retention"]).collect();
    if rules.len() != retention.len() {
        findings.of("lifecycle", policy, format!("has {} rules; topology.json has {}", rules.len(), retention.len()));
    }
    let mut names: Vec<&str> = rules.iter().map(|it| member(it, "name")).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() != rules.len() || !names.iter().all(|name| name.chars().all(|it| it.is_ascii_alphanumeric())) {
        findings.of("lifecycle", policy, "names of its rules are not unique, or have other letters than Azure takes");
    }
    for expected in retention {
        let prefix = format!("{}/{}", member(expected, "container"), member(expected, "prefix"));
        let of_prefix = |it: &&&Json| it["definition"]["filters"]["prefixMatch"] == serde_json::json!([prefix]);
        let actions = rules.iter().find(of_prefix).map(|it| &it["definition"]["actions"]["baseBlob"]);
        let days = |action: &str| actions.map(|it| &it[action]["daysAfterModificationGreaterThan"]);
        if days("delete") != Some(&expected["deleteAfterDays"])
            || days("tierToCool") != Some(&expected["coolAfterDays"])
        {
            findings.of("lifecycle", policy, format!("{prefix} is not kept as topology.json says"));
        }
        let total = expected["deleteAfterDays"].as_i64().unwrap_or(i64::MAX).saturating_add(soft);
        if expected["personal"] == true && (total > ERASED_WITHIN_DAYS || versions) {
            findings.of(
                "erasure",
                policy,
                format!("{prefix} names people and is there for {total} days, or in versions"),
            );
        }
    }
    for hub in deployment.main.of(HUB) {
        let container = text(hub, "/properties/captureDescription/destination/properties/blobContainer");
        let is_kept = rules
            .iter()
            .any(|it| it["definition"]["filters"]["prefixMatch"] == serde_json::json!([format!("{container}/")]));
        if !container.is_empty() && !is_kept {
            findings.of("lifecycle", hub, format!("nothing says how long {container} is kept"));
        }
    }
}

fn immutability(deployment: &Deployment<'_>, findings: &mut Findings) {
    let retention = || items(&deployment.project.topology["storage"]["retention"]);
    for it in deployment.main.deployed() {
        let mut written = Vec::new();
        super::query::texts(&it.body, &mut written);
        if it.kind.starts_with("Microsoft.Storage/") && written.contains(&"Locked") {
            findings.of("immutability-locked", it, "is locked by a template, which nobody can take back");
        }
        if it.kind == "Microsoft.Storage/storageAccounts/blobServices/containers"
            && !at(it, "/properties/immutableStorageWithVersioning/immutabilityPolicy").is_null()
        {
            findings.of("immutability", it, "a container has no such property");
        }
        if it.kind != "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies" {
            continue;
        }
        let container = last(&it.scope);
        let days = at(it, "/properties/immutabilityPeriodSinceCreationInDays").as_i64().unwrap_or(0);
        for rule in retention().filter(|rule| member(rule, "container") == container) {
            if rule["personal"] == true {
                findings.of("immutability-personal", it, "names people, so that it must be possible to delete");
            }
            if days > rule["deleteAfterDays"].as_i64().unwrap_or(0) {
                findings.of("immutability", it, format!("{days} days are more than it is kept"));
            }
        }
        findings.expect("immutability", it, "/properties/allowProtectedAppendWritesAll", true);
    }
    if deployment.is_production() {
        let captured = deployment.main.deployed().any(|it| it.kind.ends_with("/immutabilityPolicies"));
        if !captured {
            findings.add("production", "captured files can be changed");
        }
    }
}
