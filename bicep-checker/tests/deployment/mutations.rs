//! Changed copies of the sources: each must be noticed by the rule that is there for it.

use std::{collections::BTreeSet, fs, sync::Mutex};

use contoso_bicep::policy::{Environment, Project};

use crate::support::{copy, root, rules};

/// A change: the rule that must notice it, in which environment, and in which file which text becomes which.
type Mutation = (&'static str, &'static str, &'static str, &'static str, &'static str);

const PROD: &str = "environments/prod.bicepparam";
const APP: &str = "modules/functionApp.bicep";
const COSMOS: &str = "modules/cosmos.bicep";
const HUBS: &str = "modules/eventHubs.bicep";
const GRID: &str = "modules/eventGrid.bicep";
const STORAGE: &str = "modules/storage.bicep";
const HOST: &str = "modules/hostStorage.bicep";
const AFTER: &str = "modules/subscriptions.bicep";
const NETWORK: &str = "modules/network.bicep";
const HUB: &str = "modules/producer.bicep";
const READER: &str = "modules/consumer.bicep";
const MAIN: &str = "main.bicep";

#[rustfmt::skip]
const MUTATIONS: &[Mutation] = &[
    // The topology.
    ("consumer-groups", "dev", MAIN, "item.hub == read.grant.name &&", "item.hub == read.grant.name && item.name != 'trends' &&"),
    ("cosmos-databases", "dev", MAIN, "databases: topology.cosmos.databases", "databases: skip(topology.cosmos.databases, 1)"),
    ("cosmos-containers", "dev", COSMOS, "paths: [container.partitionKey]", "paths: ['/other']"),
    ("cosmos-containers", "dev", COSMOS, "container.ttlSeconds == 0 ? null : container.ttlSeconds", "null"),
    ("cosmos-containers", "dev", COSMOS, "map(container.indexedPaths, path => { path: path })", "[{ path: '/*' }]"),
    ("event-hubs", "dev", HUB, "partitionCount: hub.partitions", "partitionCount: 2"),
    ("event-hubs", "dev", HUB, "blobContainer: hub.captureContainer", "blobContainer: 'reports'"),
    ("schema-groups", "dev", HUBS, "name: group.name", "name: '${group.name}2'"),
    ("event-grid-topics", "dev", GRID, "inputSchema: topic.inputSchema", "inputSchema: 'EventGridSchema'"),
    ("blob-containers", "dev", MAIN, "containers: topology.storage.hostContainers", "containers: take(topology.storage.hostContainers, 1)"),
    ("event-subscriptions", "dev", AFTER, "subjectEndsWith: item.subjectEndsWith", "subjectEndsWith: ''"),
    ("event-subscriptions", "prod", "environments/prod.subscriptions.bicepparam", "'analytics'", "'site'"),
    // Roles.
    ("role-missing", "dev", "modules/grants.bicep", "for item in onNamespace: {", "for item in filter(onNamespace, item => false): {"),
    ("role-missing", "dev", "modules/cosmosRoles.bicep", "for person in people: {", "for person in filter(people, item => false): {"),
    ("role-excess", "dev", HUB, "scope: eventHub\n", "scope: namespace\n"),
    ("role-excess", "dev", "modules/grants.bicep", "scope: containers[i]", "scope: storage"),
    ("role-excess", "dev", "modules/cosmosRoles.bicep", "scope: '${account.id}${app.path}'", "scope: account.id"),
    ("role-excess", "prod", MAIN, "union(topology.everyApp, flatten(map(list,", "union(topology.everyApp, flatten(map(allFunctions,"),
    ("role-twice", "dev", MAIN, "union(topology.everyApp, flatten(", "concat(topology.everyApp, flatten("),
    ("role-principal-type", "dev", READER, "    principalType: 'ServicePrincipal'\n", ""),
    ("role-receiver-scope", "dev", READER, "scope: eventHub\n", "scope: consumerGroups[0]\n"),
    ("cosmos-role", "dev", "modules/cosmosRoles.bicep", "'${account.id}${app.path}'", "'${account.id}${replace(app.path, '/dbs/', '/sqlDatabases/')}'"),
    ("change-feed-role", "dev", MAIN, "path: pathOf(item.database, item.name)", "path: pathOf(item.database, empty(item.name) ? 'leases' : item.name)"),
    ("federated-subject", "dev", "modules/pipelineIdentity.bicep", ":environment:${environmentName}", ":ref:refs/heads/*"),
    ("pipeline-condition", "dev", "modules/pipelineRoles.bicep", "    condition: '${giving} AND ${taking}'\n", ""),
    ("pipeline-condition", "dev", MAIN, "roles: givenRoles", "roles: skip(givenRoles, 1)"),
    // Functions and settings.
    ("function-runs-nowhere", "prod", PROD, "      'TrendRollup'\n", ""),
    ("function-runs-twice", "prod", PROD, "      'PartnerNotifications'\n", "      'PartnerNotifications'\n      'Trends'\n"),
    ("settings-missing", "dev", APP, "    Site__origins: origins\n", ""),
    ("settings-missing", "dev", APP, "    'AzureWebJobs.Trends.Disabled': disabled(functions, 'Trends')\n", ""),
    ("settings-excess", "dev", APP, "    Site__origins: origins\n", "    Site__origins: origins\n    Site__more: origins\n"),
    ("settings-name", "dev", APP, "    Site__origins: origins\n", "    'Site:origins': origins\n"),
    ("settings-forbidden", "dev", APP, "    CONTOSO_LOG: 'info'\n", "    AzureWebJobsStorage: ''\n"),
    ("settings-connection", "dev", APP, "    Cosmos__credential: 'managedidentity'\n", ""),
    ("settings-connection", "dev", APP, "EventHubs__clientId: identity.properties.clientId", "EventHubs__clientId: identity.id"),
    ("settings-host-storage", "dev", APP, "AzureWebJobsStorage__accountName: hostStorageName", "AzureWebJobsStorage__blobServiceUri: hostStorageName"),
    ("settings-telemetry", "dev", APP, "ClientId=${identity.properties.clientId};Authorization=AAD", "Authorization=AAD"),
    ("settings-trigger", "dev", APP, "    Cosmos__accountEndpoint: cosmos.properties.documentEndpoint\n    Cosmos__credential: 'managedidentity'\n    Cosmos__clientId: identity.properties.clientId\n", ""),
    ("secrets", "dev", APP, "CONTOSO_LOG: 'info'", "CONTOSO_LOG: hostStorage.listKeys().keys[0].value"),
    // Values that a parameter does not take, which Azure says at the deployment: out of a range, of another kind, not in the list.
    ("parameter", "prod", PROD, "immutabilityDays = 365", "immutabilityDays = 2000"),
    ("parameter", "dev", "environments/dev.bicepparam", "instanceMemoryMB: 2048", "instanceMemoryMB: 1024"),
    ("parameter", "dev", "topology.json", "\"retentionHours\": 168", "\"retentionHours\": 24"),
    ("parameter", "dev", "topology.json", "\"ttlSeconds\": 0", "\"ttlSeconds\": null"),
    ("parameter", "prod", PROD, "team: 'partners'", "team: 'sales'"),
    ("parameter", "prod", PROD, "name: 'partners'", "name: 'notifications'"),
    // What is open, and to whom.
    ("tls", "dev", STORAGE, "'TLS1_2'", "'TLS1_0'"),
    ("tls", "dev", HUBS, "minimumTlsVersion: '1.2'", "minimumTlsVersion: '1.0'"),
    ("tls", "dev", COSMOS, "'Tls12'", "'Tls11'"),
    ("tls", "dev", GRID, "minimumTlsVersionAllowed: '1.2'", "minimumTlsVersionAllowed: '1.0'"),
    ("tls", "dev", APP, "httpsOnly: true", "httpsOnly: false"),
    ("local-auth", "dev", HUBS, "disableLocalAuth: true", "disableLocalAuth: false"),
    ("local-auth", "dev", GRID, "      disableLocalAuth: true\n", ""),
    ("local-auth", "dev", "modules/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false"),
    ("shared-keys", "dev", HOST, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
    ("public-blobs", "dev", STORAGE, "publicAccess: 'None'", "publicAccess: 'Blob'"),
    ("cross-tenant", "dev", STORAGE, "allowCrossTenantReplication: false", "allowCrossTenantReplication: true"),
    ("vault-create-mode", "dev", "modules/identity.bicep", "resource identity '", "resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {\n  name: 'kv-1'\n  properties: { createMode: 'recover' }\n}\n\nresource identity '"),
    ("public-access", "prod", COSMOS, "privateNetworking ? 'Disabled' : 'Enabled'", "'Enabled'"),
    ("public-access", "prod", HUBS, "defaultAction: privateNetworking ? 'Deny' : 'Allow'", "defaultAction: 'Allow'"),
    ("trusted-services", "dev", STORAGE, "bypass: 'AzureServices'", "bypass: 'None'"),
    ("trusted-services", "dev", HUBS, "trustedServiceAccessEnabled: true", "trustedServiceAccessEnabled: false"),
    ("app-inbound", "prod", APP, "ipAddress: 'AzureEventGrid'", "ipAddress: '0.0.0.0/0'"),
    ("app-outbound", "prod", APP, "empty(networkName) ? null : subnetId", "null"),
    ("private-endpoints", "prod", MAIN, "group: 'Sql'", "group: 'sites'"),
    ("private-endpoints", "prod", MAIN, "map(hostStorageNames, name => { type: storageType, name: name, group: 'table', zone: tableZone })", "[]"),
    ("subnets", "prod", NETWORK, "'10.20.0.0/24'", "'10.20.0.0/28'"),
    ("subnets", "prod", NETWORK, "'Microsoft.App/environments'", "'Microsoft.Web/serverFarms'"),
    ("security-groups", "prod", NETWORK, "access: 'Allow'", "access: 'Deny'"),
    ("security-groups", "prod", NETWORK, "'443', '5671'", "'5671'"),
    ("denied-type", "dev", "modules/identity.bicep", "resource identity '", "resource script 'Microsoft.Resources/deploymentScripts@2023-08-01' = {\n  name: 'x'\n}\n\nresource identity '"),
    // Order.
    ("order", "dev", MAIN, "dependsOn: [eventHubs, storage, identities]", "dependsOn: [eventHubs, identities]"),
    ("order", "dev", MAIN, "dependsOn: [cosmos, identities]", "dependsOn: [identities]"),
    ("order", "dev", MAIN, "dependsOn: [identities, monitoring]", "dependsOn: [monitoring]"),
    ("order", "dev", MAIN, "dependsOn: [appGrants, ", "dependsOn: ["),
    ("order", "dev", MAIN, "dependsOn: [producers]", "dependsOn: [eventHubs]"),
    ("order", "dev", MAIN, "dependsOn: [tagPolicy]", "dependsOn: []"),
    ("order", "dev", MAIN, "dependsOn: [storage]", "dependsOn: []"),
    ("order", "dev", MAIN, "dependsOn: [captureIdentity, monitoring]", "dependsOn: [captureIdentity]"),
    ("order", "dev", COSMOS, "    dependsOn: [sqlDatabases]\n", ""),
    ("order", "dev", STORAGE, "resource deploying 'Microsoft.Authorization/roleAssignments@2022-04-01' = {", "resource deploying 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (locked) {"),
    ("order", "prod", STORAGE, "      allowProtectedAppendWritesAll: true\n    }\n    dependsOn: [blobContainers]\n", "      allowProtectedAppendWritesAll: true\n    }\n"),
    ("serial", "dev", MAIN, "@batchSize(1)\nmodule producers", "module producers"),
    ("serial", "dev", MAIN, "@batchSize(1)\nmodule consumers", "module consumers"),
    ("serial", "dev", "modules/cosmosRoles.bicep", "@batchSize(1)\nresource appRoles", "resource appRoles"),
    ("serial", "dev", "modules/cosmosRoles.bicep", "    dependsOn: [appRoles]\n", ""),
    ("serial", "dev", COSMOS, "@batchSize(1)\nresource sqlContainers", "resource sqlContainers"),
    ("serial", "dev", READER, "@batchSize(1)\n", ""),
    ("serial", "dev", AFTER, "@batchSize(1)\n", ""),
    ("serial", "prod", "modules/privateEndpoints.bicep", "@batchSize(1)\nresource privateEndpoints", "resource privateEndpoints"),
    // Event Hubs and Event Grid.
    ("retention", "dev", HUB, "retentionTimeInHours: hub.retentionHours", "retentionTimeInHours: 24"),
    ("capture-identity", "dev", HUB, "            identity: { type: 'UserAssigned', userAssignedIdentity: captureIdentity.id }\n", ""),
    ("capture-identity", "dev", HUBS, "userAssignedIdentities: { '${captureIdentity.id}': {} }", "userAssignedIdentities: {}"),
    ("capture", "dev", HUB, "encoding: 'Avro'", "encoding: 'AvroDeflate'"),
    ("event-hubs-tier", "dev", HUBS, "tier: 'Standard'", "tier: 'Premium'"),
    ("schema-compatibility", "dev", HUBS, "schemaCompatibility: group.compatibility", "schemaCompatibility: 'None'"),
    ("dead-letter", "dev", AFTER, "deadLetterWithResourceIdentity: {", "other: {"),
    ("dead-letter", "dev", AFTER, "identity: { type: 'SystemAssigned' }", "identity: { type: 'UserAssigned' }"),
    ("delivery-schema", "dev", AFTER, "'CloudEventSchemaV1_0'", "'EventGridSchema'"),
    ("system-topic", "dev", GRID, "resource storageTopic '", "resource second 'Microsoft.EventGrid/systemTopics@2025-02-15' = {\n  name: 'second'\n  properties: { source: storage.id }\n}\n\nresource storageTopic '"),
    ("retry", "dev", AFTER, "maxDeliveryAttempts: item.maxDeliveryAttempts", "maxDeliveryAttempts: 100"),
    ("topic-identity", "dev", GRID, "identity: { type: 'SystemAssigned' }", "identity: { type: 'None' }"),
    ("subscriptions-after-code", "dev", MAIN, "param functionsDeployed bool = false", "param functionsDeployed bool = true"),
    // Cosmos DB and storage.
    ("partition-key", "dev", COSMOS, "kind: 'Hash', version: 2", "kind: 'Hash'"),
    ("lease-container", "dev", MAIN, "containers: topology.cosmos.containers", "containers: filter(topology.cosmos.containers, item => item.name != 'leases')"),
    ("cosmos-index", "dev", COSMOS, "excludedPaths: [{ path: '/*' }]", "excludedPaths: []"),
    ("cosmos-backup", "dev", COSMOS, "type: 'Continuous'", "type: 'Periodic'"),
    ("cosmos-failover", "prod", COSMOS, "length(locations) > 1", "false"),
    ("cosmos-throughput", "dev", "environments/dev.bicepparam", "catalog: 1000", "catalog: 400"),
    ("lifecycle", "dev", STORAGE, "delete: { daysAfterModificationGreaterThan: rule.deleteAfterDays }", "delete: { daysAfterModificationGreaterThan: 400 }"),
    ("erasure", "dev", MAIN, "softDeleteDays: 7", "softDeleteDays: 30"),
    ("soft-delete", "dev", HOST, "deleteRetentionPolicy: { enabled: true, days: 7 }", "deleteRetentionPolicy: { enabled: false }"),
    ("immutability-personal", "prod", STORAGE, "!rule.personal && contains(", "contains("),
    ("immutability-locked", "prod", STORAGE, "allowProtectedAppendWritesAll: true", "allowProtectedAppendWritesAll: true\n      state: 'Locked'"),
    ("immutability", "prod", STORAGE, "InDays: immutabilityDays", "InDays: 2000"),
    ("storage-sku", "dev", HOST, "sku: { name: sku }", "sku: { name: 'Premium_LRS' }"),
    ("host-storage", "prod", MAIN, "map(apps, item => hostStorageNameOf(item.name, token))", "map(apps, item => hostStorageNameOf('one', token))"),
    // Apps.
    ("flex-runtime", "dev", APP, "version: '1.0'", "version: '4.0'"),
    ("flex-plan", "dev", APP, "name: 'FC1'", "name: 'EP1'"),
    ("flex-site", "dev", APP, "http20Enabled: true", "alwaysOn: true"),
    ("flex-package", "dev", APP, "type: 'UserAssignedIdentity'", "type: 'StorageAccountConnectionString'"),
    ("flex-scale", "dev", APP, "instanceMemoryMB: app.instanceMemoryMB", "instanceMemoryMB: 1024"),
    ("flex-cores", "prod", PROD, "maximumInstanceCount: 100", "maximumInstanceCount: 400"),
    ("always-ready", "prod", PROD, "instanceCount: 2", "instanceCount: 1"),
    ("host-id", "prod", "names.bicep", "'func-${app}-${stage}-${take(token, 12)}'", "'function-app-of-contoso-events-in-${app}'"),
    ("azd-service", "prod", APP, "'azd-service-name': app.name", "'azd-service-name': 'app'"),
    // The whole.
    ("tags", "dev", "modules/identity.bicep", "  tags: tags\n", ""),
    ("tags", "dev", "types.bicep", "var teams = ['platform', 'catalog', 'site', 'analytics', 'partners']", "var teams = ['platform', 'catalog', 'site', 'analytics']"),
    ("tag-policy", "dev", "modules/tagPolicy.bicep", "effect: 'deny'", "effect: 'audit'"),
    ("tag-policy", "dev", "modules/tagPolicy.bicep", "'microsoft.alertsmanagement/smartDetectorAlertRules', ", ""),
    ("budget", "dev", "environments/dev.bicepparam", "'2026-12-01'", "'2026-12-15'"),
    ("name", "dev", "names.bicep", "'std${token}'", "'std-${token}'"),
    ("name-unique", "dev", "names.bicep", "'cosmos-contoso-${stage}-${token}'", "'cosmos-contoso-${stage}'"),
    ("production", "prod", PROD, "locked = true", "locked = false"),
    ("production", "prod", PROD, "furtherRegions = ['northeurope']", "furtherRegions = []"),
    ("production", "prod", PROD, "zoneRedundant = true", "zoneRedundant = false"),
    ("production", "prod", PROD, "privateNetworking = true", "privateNetworking = false"),
    ("production", "prod", PROD, "immutabilityDays = 365", "immutabilityDays = 0"),
    ("locks", "prod", COSMOS, "'CanNotDelete'", "'ReadOnly'"),
    ("name-twice", "prod", "names.bicep", "'id-${app}-${stage}'", "'id-app-${stage}'"),
    ("workbook", "dev", "modules/alerts.bicep", "loadTextContent('../workbook.json')", "'{'"),
    ("diagnostics", "dev", HUBS, "scope: namespace\n  properties: {\n    workspaceId", "scope: namespace::network\n  properties: {\n    workspaceId"),
    ("alerts", "dev", "modules/alerts.bicep", "metricName: 'ThrottledRequests'", "metricName: 'IncomingRequests'"),
    ("alerts", "dev", "modules/alerts.bicep", "where Name == 'Heartbeat'", "where Name == 'Other'"),
    ("alert-validation", "dev", "modules/alerts.bicep", "skipMetricValidation: true", "skipMetricValidation: false"),
    ("alert-validation", "dev", "modules/alerts.bicep", "union isfuzzy=true AppTraces", "AppTraces"),
];

#[test]
fn each_change_is_noticed_by_the_rule_that_is_there_for_it() {
    let project = Project::read(&root()).unwrap_or_else(|error| panic!("{error}"));
    let (next, report) = (Mutex::new(MUTATIONS.iter()), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(mutation) = next.lock().expect("no panic").next() else { break };
                    if let Err(message) = notice(&project, mutation) {
                        let (rule, _, file, from, _) = mutation;
                        report.lock().expect("no panic").push_str(&format!("{rule}: {file}: {from:?}: {message}\n"));
                    }
                }
            });
        }
    });
    let report = report.into_inner().expect("no panic");
    assert!(report.is_empty(), "{report}");
}

fn notice(project: &Project, (rule, environment, file, from, to): &Mutation) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("bicep"), folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect("readable");
    if !text.contains(from) {
        return Err("the sources have no such text any more".to_owned());
    }
    fs::write(&path, text.replacen(from, to, 1)).expect("writable");
    let variables = [("CONTOSO_REPOSITORY", "Contoso/events")];
    let found = match Environment::read(folder.path(), environment, &variables) {
        Ok(environment) => rules(&environment.findings(project)),
        Err(error) if error.message.starts_with("parameter ") => [("parameter", 1)].into(),
        Err(error) => return Err(format!("no snapshot: {error}")),
    };
    if found.contains_key(rule) { Ok(()) } else { Err(format!("not noticed; other rules: {found:?}")) }
}

/// The other files that make an app are compared with the templates too.
#[test]
fn a_changed_project_is_noticed() {
    let project = Project::read(&root()).unwrap_or_else(|error| panic!("{error}"));
    let dev = Environment::read(&root().join("bicep"), "dev", &[]).unwrap_or_else(|error| panic!("{error}"));
    let mut other = project.clone();
    other.host["extensionBundle"]["version"] = "[3.0.0, 4.0.0)".into();
    other.topology["cosmos"]["databases"][0]["containers"][0]["partitionKey"] = "/sku".into();
    other.settings["settings"][0]["name"] = "Renamed".into();
    other.functions.insert("not-known".to_owned(), serde_json::json!({ "bindings": [] }));
    let found = rules(&dev.findings(&other));
    let expected = ["host-bundle", "cosmos-containers", "settings-missing", "settings-excess", "function-name"];
    for rule in expected.into_iter().chain(["function-unknown", "function-runs-nowhere"]) {
        assert!(found.contains_key(rule), "{rule}: {found:?}");
    }
}

/// API versions are the types' business, which are compared where they are at hand.
#[test]
#[cfg_attr(not(real_data), ignore = "needs the types of Azure's resources, see CONTRIBUTING.md")]
fn a_made_up_api_version_is_noticed() {
    use contoso_bicep::check::{Options, check_folder};
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("bicep"), folder.path());
    let path = folder.path().join(HUBS);
    let text = fs::read_to_string(&path).expect("readable");
    let options = Options { types: Some(concat!(env!("REAL_DATA"), "/bicep-types").into()), today: None };
    for (version, expected) in [("2026-01-01", 0), ("2026-01-02", 1)] {
        let changed = text.replacen("namespaces@2026-01-01' = {", &format!("namespaces@{version}' = {{"), 1);
        fs::write(&path, changed).expect("writable");
        let report = check_folder(folder.path(), &options).expect("readable");
        let found: Vec<String> = report.lines().filter(|line| line.contains("BCP081")).collect();
        assert!(found.len() >= expected && (expected > 0 || found.is_empty()), "{version}: {found:?}");
    }
}

/// A rule that no change shows is a rule that may notice nothing.
#[test]
fn every_rule_is_shown_by_a_change() {
    // These count beyond what one change of text reaches, or are about other files; `one-way` has a test of its own.
    let without = ["event-grid-limits", "function-name", "function-unknown", "host-bundle", "one-way", "role-count"];
    let shown: BTreeSet<&str> = MUTATIONS.iter().map(|(rule, ..)| *rule).chain(without).collect();
    let mut missing = BTreeSet::new();
    for entry in fs::read_dir(root().join("bicep-checker/src/policy")).expect("a folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("readable");
        for call in ["findings.of(", "findings.add(", "findings.expect(", "compare("] {
            let names =
                text.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
            missing.extend(names.map(|(rule, _)| rule.to_owned()).filter(|rule| !shown.contains(rule.as_str())));
        }
    }
    assert!(missing.is_empty(), "no change shows these rules: {missing:?}");
}
