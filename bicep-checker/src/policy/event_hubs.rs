//! Event Hubs and Capture.

use super::{
    Deployment, Findings,
    query::{HUB, NAMESPACE, SCHEMA_GROUP, STORAGE, at, text},
};

/// Hours that Capture may be late by, so that what it could not write is still there.
const LEAST_RETENTION_HOURS: i64 = 72;

/// Hours that the tier Standard keeps events at most, and what else it takes.
const STANDARD_RETENTION_HOURS: i64 = 168;
const STANDARD_HUBS: usize = 10;
const STANDARD_GROUPS: usize = 20;

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    for namespace in main.of(NAMESPACE) {
        let capacity = at(namespace, "/sku/capacity").as_i64().unwrap_or(0);
        let most = at(namespace, "/properties/maximumThroughputUnits").as_i64().unwrap_or(0);
        let inflates = at(namespace, "/properties/isAutoInflateEnabled") == true;
        findings.expect("event-hubs-tier", namespace, "/sku/name", text(namespace, "/sku/tier"));
        if text(namespace, "/sku/tier") != "Standard" {
            findings.of("event-hubs-tier", namespace, "only Standard was thought of: its limits and auto-inflate");
        }
        if inflates != (most > capacity) || (!inflates && most != 0) || !(1..=40).contains(&capacity) || most > 40 {
            findings.of(
                "event-hubs-tier",
                namespace,
                format!("{capacity} to {most} throughput units do not go together"),
            );
        }
        let hubs = main.of(HUB).filter(|hub| hub.scope == namespace.id).count();
        if hubs > STANDARD_HUBS {
            findings.of("event-hubs-tier", namespace, format!("{hubs} hubs; Standard takes {STANDARD_HUBS}"));
        }
    }
    for group in main.of(SCHEMA_GROUP) {
        if !["Backward", "Forward"].contains(&text(group, "/properties/schemaCompatibility")) {
            findings.of("schema-compatibility", group, "any version would be taken");
        }
    }
    for hub in main.of(HUB) {
        let groups = main.deployed().filter(|it| it.scope == hub.id && it.kind.ends_with("/consumergroups")).count();
        if groups > STANDARD_GROUPS {
            findings.of("event-hubs-tier", hub, format!("{groups} consumer groups; Standard takes {STANDARD_GROUPS}"));
        }
        let hours = at(hub, "/properties/retentionDescription/retentionTimeInHours").as_i64().unwrap_or(0);
        if !(LEAST_RETENTION_HOURS..=STANDARD_RETENTION_HOURS).contains(&hours) {
            findings.of("retention", hub, format!("keeps events {hours} hours, not 72 to 168"));
        }
        capture(deployment, hub, findings);
    }
}

fn capture(deployment: &Deployment<'_>, hub: &crate::evaluate::Resource, findings: &mut Findings) {
    let capture = "/properties/captureDescription";
    if at(hub, capture).is_null() {
        return;
    }
    let destination = |pointer: &str| text(hub, &format!("{capture}/destination/{pointer}"));
    findings.expect("capture", hub, &format!("{capture}/encoding"), "Avro");
    let seconds = at(hub, &format!("{capture}/intervalInSeconds")).as_i64().unwrap_or(0);
    let bytes = at(hub, &format!("{capture}/sizeLimitInBytes")).as_i64().unwrap_or(0);
    if !(60..=900).contains(&seconds) || !(10_485_760..=524_288_000).contains(&bytes) {
        findings.of("capture", hub, format!("{seconds} s or {bytes} bytes are beyond Azure's limits"));
    }
    let identity = destination("identity/userAssignedIdentity");
    if destination("identity/type") != "UserAssigned" || identity.is_empty() {
        findings.of("capture-identity", hub, "without an identity, Capture signs in with a key and says nothing");
    }
    let namespace = deployment.main.of(NAMESPACE).find(|it| it.id == hub.scope);
    let has = |it: &crate::evaluate::Resource| {
        at(it, "/identity/userAssignedIdentities").as_object().is_some_and(|them| them.contains_key(identity))
    };
    if !namespace.is_some_and(has) {
        findings.of("capture-identity", hub, "its namespace does not carry the identity");
    }
    let account = destination("properties/storageAccountResourceId");
    match deployment.main.of(STORAGE).find(|it| it.id == account) {
        Some(account) if text(account, "/sku/name").starts_with("Premium") => {
            findings.of("capture", account, "Capture takes no premium storage");
        }
        Some(account) => {
            findings.expect("trusted-services", account, "/properties/networkAcls/bypass", "AzureServices");
            findings.expect("trusted-services", account, "/properties/publicNetworkAccess", "Enabled");
        }
        None => findings.of("capture", hub, format!("captures to {account}, which is not deployed")),
    }
    let format = text(hub, &format!("{capture}/destination/properties/archiveNameFormat"));
    let parts =
        ["{Namespace}", "{EventHub}", "{PartitionId}", "{Year}", "{Month}", "{Day}", "{Hour}", "{Minute}", "{Second}"];
    if !parts.iter().all(|part| format.contains(part)) {
        findings.of("capture", hub, format!("names of files lack one of {parts:?}"));
    }
}
