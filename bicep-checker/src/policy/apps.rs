//! Function apps on Flex Consumption.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Deployment, Findings,
    query::{PLAN, SETTINGS, SITE, STORAGE, at, items, last, member, text},
};
use crate::evaluate::Resource;

/// Quota of cores that all Flex Consumption apps of a subscription share in a region; Azure gives more on request.
const CORES: i64 = 250;

/// Characters of the site's name that the Functions host makes its id of: two apps with the same id and storage disturb each other.
const HOST_ID: usize = 32;

/// Properties that Flex Consumption refuses, in lower case.
const REFUSED: [&str; 9] = [
    "ftpsstate",
    "use32bitworkerprocess",
    "prewarmedinstancecount",
    "netframeworkversion",
    "functionsruntimescalemonitoringenabled",
    "functionappscalelimit",
    "alwayson",
    "healthcheckpath",
    "linuxfxversion",
];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let mut cores: BTreeMap<&str, i64> = BTreeMap::new();
    let (mut hosts, mut plans, mut services) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for site in deployment.main.of(SITE) {
        findings.expect("flex-site", site, "/kind", "functionapp,linux");
        let config = "/properties/functionAppConfig";
        let runtime = serde_json::json!({ "name": "custom", "version": "1.0" });
        findings.expect("flex-runtime", site, &format!("{config}/runtime"), runtime);
        findings.expect("flex-site", site, "/identity/type", "UserAssigned");
        package(deployment, site, findings);
        let memory = at(site, &format!("{config}/scaleAndConcurrency/instanceMemoryMB")).as_i64().unwrap_or(0);
        let most = at(site, &format!("{config}/scaleAndConcurrency/maximumInstanceCount")).as_i64().unwrap_or(0);
        if ![512, 2048, 4096].contains(&memory) || !(1..=1000).contains(&most) {
            findings.of("flex-scale", site, format!("{most} instances of {memory} MB are not offered"));
        }
        // Quarters of a core: 512 MB have one.
        *cores.entry(text(site, "/location")).or_default() += most * memory / 512;
        ready(deployment, site, findings);
        let id: String = site.name.chars().take(HOST_ID).collect();
        if !hosts.insert(id.to_lowercase()) {
            findings.of("host-id", site, "another app begins with the same 32 characters");
        }
        if !plans.insert(text(site, "/properties/serverFarmId")) {
            findings.of("flex-plan", site, "a plan has one app");
        }
        if !services.insert(text(site, "/tags/azd-service-name")) || text(site, "/tags/azd-service-name").is_empty() {
            findings.of("azd-service", site, "azd finds an app by a tag that no other has");
        }
        refused(site, findings);
        if !deployment.main.of(SETTINGS).any(|it| it.scope == site.id) {
            findings.of("settings-missing", site, "has no settings");
        }
    }
    for (region, quarters) in cores {
        if quarters > CORES * 4 {
            let cores = quarters / 4;
            findings.add("flex-cores", format!("the apps may grow to {cores} cores in {region}; Azure gives {CORES}"));
        }
    }
    for plan in deployment.main.of(PLAN) {
        findings.expect("flex-plan", plan, "/sku/name", "FC1");
        findings.expect("flex-plan", plan, "/sku/tier", "FlexConsumption");
        findings.expect("flex-plan", plan, "/properties/reserved", true);
        if deployment.is_production() {
            findings.expect("production", plan, "/properties/zoneRedundant", true);
        }
    }
    bundle(deployment, findings);
}

/// The deployment package: the app reads it, with its identity, from a container of its own host storage account.
fn package(deployment: &Deployment<'_>, site: &Resource, findings: &mut Findings) {
    let storage = "/properties/functionAppConfig/deployment/storage";
    findings.expect("flex-package", site, &format!("{storage}/type"), "blobContainer");
    findings.expect("flex-package", site, &format!("{storage}/authentication/type"), "UserAssignedIdentity");
    let settings = deployment.main.of(SETTINGS).find(|it| it.scope == site.id);
    let identity = settings.map_or("", |it| deployment.identity(it));
    findings.expect(
        "flex-package",
        site,
        &format!("{storage}/authentication/userAssignedIdentityResourceId"),
        identity,
    );
    let account = settings.map_or("", |it| text(it, "/properties/AzureWebJobsStorage__accountName"));
    let id = deployment.main.of(STORAGE).find(|it| it.name == account).map_or("", |it| it.id.as_str());
    let value = format!("['${{reference('{id}').properties.primaryEndpoints.blob}}packages']");
    findings.expect("flex-package", site, &format!("{storage}/value"), value);
}

/// Always-ready instances: a zone-redundant plan wants none or at least two of each. Names are those of functions that the app runs, or
/// of groups of functions.
fn ready(deployment: &Deployment<'_>, site: &Resource, findings: &mut Findings) {
    let plan = deployment.main.of(PLAN).find(|it| it.id == text(site, "/properties/serverFarmId"));
    let zones = plan.is_some_and(|it| at(it, "/properties/zoneRedundant") == true);
    let settings = deployment.main.of(SETTINGS).find(|it| it.scope == site.id);
    let runs = settings.map(|it| deployment.runs(it)).unwrap_or_default();
    for group in items(at(site, "/properties/functionAppConfig/scaleAndConcurrency/alwaysReady")) {
        let (name, count) = (member(group, "name"), group["instanceCount"].as_i64().unwrap_or(0));
        if zones && count == 1 {
            findings.of("always-ready", site, format!("{name}: a plan over zones keeps none or two ready"));
        }
        let is_group = ["http", "blob", "durable"].contains(&name);
        if !is_group && !name.strip_prefix("function:").is_some_and(|name| runs.contains(&name)) {
            findings.of("always-ready", site, format!("{name} is nothing that the app runs"));
        }
    }
}

fn refused(site: &Resource, findings: &mut Findings) {
    for pointer in ["/properties", "/properties/siteConfig"] {
        for name in at(site, pointer).as_object().into_iter().flatten().map(|(name, _)| name) {
            if REFUSED.contains(&name.to_lowercase().as_str()) {
                findings.of("flex-site", site, format!("Flex Consumption refuses {name}"));
            }
            if name == "appSettings" {
                findings.of("flex-site", site, "settings are in the resource appsettings, not in two places");
            }
        }
    }
}

/// The extension bundle, which the Functions host downloads in the newest version of the range in host.json; a machine that has an
/// older one of the range takes that. Before 4.28 it holds an Event Hubs extension whose checkpoint can pass a batch that waits for
/// its retry.
fn bundle(deployment: &Deployment<'_>, findings: &mut Findings) {
    let version = member(&deployment.project.host["extensionBundle"], "version");
    let minor = version.strip_prefix("[4.").and_then(|rest| rest.split('.').next()?.parse().ok());
    let is_new = minor.is_some_and(|minor: u32| minor >= 28);
    if !(is_new && last(version).ends_with(", 5.0.0)")) {
        findings.add("host-bundle", format!("the extension bundle {version} is not of version 4.28 or newer, below 5"));
    }
}
