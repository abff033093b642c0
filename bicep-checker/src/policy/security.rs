//! Keys and passwords are off, connections encrypted, nothing is readable by everybody.

use super::{
    Deployment, Findings,
    query::{COMPONENT, COSMOS, NAMESPACE, SITE, STORAGE, TOPIC, WORKSPACE, at, texts},
};

/// Types that are not deployed at all, and why.
const DENIED: [(&str, &str); 6] = [
    ("Microsoft.Resources/deploymentScripts", "needs a storage account with keys"),
    ("Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions", "a second deployment finds its name taken"),
    ("Microsoft.EventHub/namespaces/authorizationRules", "is a key"),
    ("Microsoft.EventHub/namespaces/eventhubs/authorizationRules", "is a key"),
    (
        "Microsoft.Network/virtualNetworks/subnets",
        "a later deployment takes subnets away that the network does not list",
    ),
    ("Microsoft.Web/sites/basicPublishingCredentialsPolicies", "Flex Consumption refuses it"),
];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    for it in main.of(STORAGE) {
        findings.expect("tls", it, "/properties/minimumTlsVersion", "TLS1_2");
        findings.expect("tls", it, "/properties/supportsHttpsTrafficOnly", true);
        findings.expect("shared-keys", it, "/properties/allowSharedKeyAccess", false);
        findings.expect("shared-keys", it, "/properties/defaultToOAuthAuthentication", true);
        findings.expect("public-blobs", it, "/properties/allowBlobPublicAccess", false);
        findings.expect("cross-tenant", it, "/properties/allowCrossTenantReplication", false);
    }
    for it in main.of("Microsoft.Storage/storageAccounts/blobServices/containers") {
        findings.expect("public-blobs", it, "/properties/publicAccess", "None");
    }
    for it in main.of(NAMESPACE) {
        findings.expect("tls", it, "/properties/minimumTlsVersion", "1.2");
        findings.expect("local-auth", it, "/properties/disableLocalAuth", true);
    }
    for it in main.of(TOPIC) {
        findings.expect("tls", it, "/properties/minimumTlsVersionAllowed", "1.2");
        findings.expect("local-auth", it, "/properties/disableLocalAuth", true);
    }
    for it in main.of(COSMOS) {
        findings.expect("tls", it, "/properties/minimalTlsVersion", "Tls12");
        findings.expect("local-auth", it, "/properties/disableLocalAuth", true);
        findings.expect("local-auth", it, "/properties/disableKeyBasedMetadataWriteAccess", true);
    }
    for it in main.of(SITE) {
        findings.expect("tls", it, "/properties/httpsOnly", true);
        findings.expect("tls", it, "/properties/siteConfig/minTlsVersion", "1.2");
        findings.expect("tls", it, "/properties/siteConfig/scmMinTlsVersion", "1.2");
    }
    for it in main.of(COMPONENT) {
        findings.expect("local-auth", it, "/properties/DisableLocalAuth", true);
    }
    for it in main.of(WORKSPACE) {
        findings.expect("local-auth", it, "/properties/features/disableLocalAuth", true);
    }
    for it in main.of("Microsoft.KeyVault/vaults") {
        findings.expect("local-auth", it, "/properties/enableRbacAuthorization", true);
        if !at(it, "/properties/createMode").is_null() {
            findings.of("vault-create-mode", it, "a deleted vault's name makes the next deployment fail either way");
        }
    }
    for it in main.deployed().chain(deployment.subscriptions.deployed()) {
        if let Some((_, why)) = DENIED.iter().find(|(kind, _)| it.kind.eq_ignore_ascii_case(kind)) {
            findings.of("denied-type", it, why);
        }
        let mut written = Vec::new();
        texts(&it.body, &mut written);
        let secret = ["listKeys(", "listAccountSas(", "AccountKey=", "SharedAccessKey="];
        if written.iter().any(|text| secret.iter().any(|secret| text.contains(secret))) {
            findings.of("secrets", it, "has a key in it");
        }
    }
}
