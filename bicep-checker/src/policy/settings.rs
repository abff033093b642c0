//! App settings are those of `settings.json` and of the functions, each complete and with a name that Linux and Azure take.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{SETTINGS, at, items, member, text},
};
use crate::evaluate::Resource;

/// Azure makes these itself on Flex Consumption, or refuses them.
const FORBIDDEN: [&str; 9] = [
    "AzureWebJobsStorage",
    "DEPLOYMENT_STORAGE_CONNECTION_STRING",
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "TZ",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_TIME_ZONE",
];

/// Last parts of the settings that name the service of a connection, `EventHubs__fullyQualifiedNamespace`.
const ADDRESSES: [&str; 3] = ["accountName", "accountEndpoint", "fullyQualifiedNamespace"];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let expected = expected(deployment);
    for settings in deployment.main.of(SETTINGS) {
        if !settings.name.ends_with("/appsettings") {
            findings.of("settings-excess", settings, "is no list of settings");
            continue;
        }
        let members: BTreeSet<&str> =
            at(settings, "/properties").as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        for name in expected.iter().filter(|name| !members.contains(name.as_str())) {
            findings.of("settings-missing", settings, format!("lacks {name}"));
        }
        for name in &members {
            if !expected.contains(*name) {
                findings.of("settings-excess", settings, format!("{name} is not in settings.json as one of Azure"));
            }
            if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter)) {
                findings.of("settings-name", settings, format!("{name} has letters that Azure refuses"));
            }
            if FORBIDDEN.contains(name) || name.starts_with("WEBSITE_CONTENT") {
                findings.of("settings-forbidden", settings, format!("{name} must not be set on Flex Consumption"));
            }
            if name.ends_with("__managedIdentityResourceId") || name.starts_with("AzureWebJobsStorage__blob") {
                findings.of(
                    "settings-host-storage",
                    settings,
                    format!("{name}: the host wants __accountName and __clientId"),
                );
            }
            if at(settings, &format!("/properties/{name}")).as_str().is_none() {
                findings.of("settings-name", settings, format!("{name} is no string"));
            }
        }
        connections(settings, &members, findings);
        triggers(deployment, settings, &members, findings);
        telemetry(deployment, settings, findings);
    }
}

/// Names of `settings.json` in Azure, with those of each function.
fn expected(deployment: &Deployment<'_>) -> BTreeSet<String> {
    let in_azure = |it: &&Json| items(&it["in"]).any(|place| place == "azure");
    let names = items(&deployment.project.settings["settings"]).filter(in_azure).map(|it| member(it, "name"));
    let functions = || deployment.project.functions.keys();
    names
        .flat_map(|name| match name.contains("{function}") {
            true => functions().map(|function| name.replace("{function}", function)).collect(),
            false => vec![name.to_owned()],
        })
        .collect()
}

/// A connection by identity is an address, `__credential` and `__clientId`: with less of them the host looks for a connection
/// string, and says nothing.
fn connections(settings: &Resource, members: &BTreeSet<&str>, findings: &mut Findings) {
    let prefixes: BTreeSet<&str> = members
        .iter()
        .filter_map(|name| name.split_once("__"))
        .filter(|(_, rest)| ADDRESSES.contains(rest) || *rest == "credential" || *rest == "clientId")
        .map(|(prefix, _)| prefix)
        .collect();
    for prefix in prefixes {
        let has_address = ADDRESSES.iter().any(|address| members.contains(format!("{prefix}__{address}").as_str()));
        let credential = text(settings, &format!("/properties/{prefix}__credential"));
        let client = text(settings, &format!("/properties/{prefix}__clientId"));
        if !has_address || credential != "managedidentity" || !client.ends_with(".clientId]") {
            findings.of(
                "settings-connection",
                settings,
                format!("{prefix} lacks its address, credential or client id"),
            );
        }
    }
}

/// The scale controller reads what triggers name from the settings.
fn triggers(deployment: &Deployment<'_>, settings: &Resource, members: &BTreeSet<&str>, findings: &mut Findings) {
    for function in deployment.runs(settings) {
        let Some(definition) = deployment.project.functions.get(function) else { continue };
        for binding in items(&definition["bindings"]) {
            let has = |prefix: &str| members.iter().any(|name| name.split("__").next() == Some(prefix));
            for connection in ["connection", "leaseConnection"].map(|name| member(binding, name)) {
                if !connection.is_empty() && !has(connection) {
                    findings.of("settings-trigger", settings, format!("{function} wants the connection {connection}"));
                }
            }
            let kind = member(binding, "type");
            if ["eventHubTrigger", "cosmosDBTrigger"].contains(&kind) && member(binding, "connection").is_empty() {
                findings.of("settings-trigger", settings, format!("{function} names no connection"));
            }
            let mut texts = Vec::new();
            super::query::texts(binding, &mut texts);
            for name in texts.iter().filter_map(|text| text.strip_prefix('%')?.strip_suffix('%')) {
                if !members.contains(name) {
                    findings.of("settings-trigger", settings, format!("{function} wants the setting {name}"));
                }
            }
        }
    }
}

/// With keys off, telemetry is taken only from an identity that may publish it.
fn telemetry(deployment: &Deployment<'_>, settings: &Resource, findings: &mut Findings) {
    let written = text(settings, "/properties/APPLICATIONINSIGHTS_AUTHENTICATION_STRING");
    let identity = deployment.identity(settings);
    if !(written.contains(&format!("reference('{identity}').properties.clientId"))
        && written.contains("Authorization=AAD"))
    {
        findings.of("settings-telemetry", settings, "telemetry is not sent as the app's identity");
    }
    for name in ["AZURE_CLIENT_ID", "AzureWebJobsStorage__clientId", "Cosmos__clientId", "EventHubs__clientId"] {
        let written = text(settings, &format!("/properties/{name}"));
        if written != format!("[reference('{identity}').properties.clientId]") {
            findings.of("settings-connection", settings, format!("{name} is not the app's identity"));
        }
    }
}
