//! Resources: what the language wants of them, and what their types do.

use super::{Options, Pair, compare, with_types};

#[test]
fn declarations() {
    let pairs: &[Pair] = &[
        (
            "BCP029",
            "resource a 'storageAccounts' = { name: 'a' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\n",
        ),
        (
            "BCP029",
            "resource a 'Microsoft.Storage/storageAccounts@latest' = { name: 'a' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01-preview' = { name: 'abc' }\n",
        ),
        (
            "no-such-day",
            "resource a 'M.X/y@2024-11-31' = { name: 'a' }\n",
            "resource a 'M.X/y@2024-02-29' = { name: 'a' }\n",
        ),
        (
            "BCP121",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: 'a' }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: 'b' }\n",
        ),
        (
            "BCP120",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: guid(a.properties.z) }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: guid(a.id) }\n",
        ),
        (
            "BCP120",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nvar v = a.properties.z\nresource b 'M.X/y@2026-04-01' = { name: guid(v) }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nvar v = a.name\nresource b 'M.X/y@2026-04-01' = { name: guid(v) }\n",
        ),
        (
            "BCP120",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: 'b', tags: { t: a.properties.z } }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y@2026-04-01' = { name: 'b', properties: { t: a.properties.z } }\n",
        ),
        (
            "BCP155",
            "@batchSize(1)\nresource a 'M.X/y@2026-04-01' = { name: 'a' }\n",
            "@batchSize(1)\nresource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a${i}' }]\n",
        ),
        (
            "BCP169",
            "resource a 'M.X/y/z@2026-04-01' = { name: 'a' }\n",
            "resource a 'M.X/y/z@2026-04-01' = { name: 'a/b' }\n",
        ),
        (
            "BCP170",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y/z@2026-04-01' = { parent: a, name: 'a/b' }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y/z@2026-04-01' = { parent: a, name: 'b' }\n",
        ),
        (
            "BCP036",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/w/z@2026-04-01' = { parent: a, name: 'b' }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a' }\nresource b 'M.X/y/z@2026-04-01' = { parent: a, name: 'b' }\n",
        ),
        (
            "BCP179",
            "resource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a' }]\n",
            "resource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a${i}' }]\n",
        ),
        (
            "BCP139",
            "resource a 'M.X/y@2026-04-01' = { name: 'a', scope: resourceGroup('b') }\n",
            "resource a 'M.X/y@2026-04-01' existing = { name: 'a', scope: resourceGroup('b') }\n",
        ),
        (
            "BCP318",
            "param on bool\nresource a 'M.X/y@2026-04-01' = if (on) { name: 'a' }\noutput b string = a.properties.z\n",
            "param on bool\nresource a 'M.X/y@2026-04-01' = if (on) { name: 'a' }\noutput b string = a.id\n",
        ),
        (
            "BCP159",
            "resource a 'M.X/y@2026-04-01' = {\n  name: 'a'\n  resource b 'z' = { name: 'b' }\n}\noutput c string = a::d.id\n",
            "resource a 'M.X/y@2026-04-01' = {\n  name: 'a'\n  resource b 'z' = { name: 'b' }\n}\noutput c string = a::b.id\n",
        ),
        (
            "BCP034",
            "resource a 'M.X/y@2026-04-01' = { name: 'a', dependsOn: ['b'] }\n",
            "resource b 'M.X/y@2026-04-01' = { name: 'b' }\nresource a 'M.X/y@2026-04-01' = { name: 'a', dependsOn: [b] }\n",
        ),
    ];
    compare(pairs, &Options::default());
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn bodies() {
    let pairs: &[Pair] = &[
        ("BCP081", "resource a 'Microsoft.Storage/storageAccounts@2024-02-30' = { name: 'abc' }\n", GOOD),
        (
            "BCP035",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: 'global', sku: { name: 'Standard_LRS' } }\n",
            GOOD,
        ),
        (
            "BCP036",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n  name: 'abc'\n  location: 'global'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n  properties: { allowBlobPublicAccess: 'no' }\n}\n",
            GOOD,
        ),
        (
            "BCP037",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n  name: 'abc'\n  location: 'global'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n  properties: { somethingElse: true }\n}\n",
            GOOD,
        ),
        (
            "BCP089",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n  name: 'abc'\n  location: 'global'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n  properties: { allowBlobPublicAcess: true }\n}\n",
            GOOD,
        ),
        (
            "BCP073",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n  name: 'abc'\n  location: 'global'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n  properties: { creationTime: 'x' }\n}\n",
            GOOD,
        ),
        (
            "BCP173",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc', location: 'global' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\n",
        ),
        (
            "open-enum",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {\n  name: 'abc'\n  location: 'global'\n  kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }\n  properties: { minimumTlsVersion: 'TLS9' }\n}\n",
            GOOD,
        ),
        (
            "BCP334",
            "param e string\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 's${e}' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'st${uniqueString('a')}' }\n",
        ),
        (
            "BCP332",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abcdefghijklmnopqrstuvwxyz' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abcdef' }\n",
        ),
        (
            "BCP416",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'Abcdef' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abcdef' }\n",
        ),
        (
            "BCP078",
            "resource s 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = { name: 'a/b', properties: { destination: { properties: {} } } }\n",
            HUB,
        ),
        (
            "BCP088",
            "resource s 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = { name: 'a/b', properties: { destination: { endpointType: 'EventHubs' } } }\n",
            HUB,
        ),
        (
            "BCP036",
            "resource s 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = { name: 'a/b', properties: { destination: { endpointType: 'EventHub', properties: { resourceId: 1 } } } }\n",
            HUB,
        ),
        (
            "BCP135",
            "targetScope = 'subscription'\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: 'global', kind: 'StorageV2', sku: { name: 'Standard_LRS' } }\n",
            GOOD,
        ),
        (
            "BCP187",
            "resource a 'Microsoft.Network/virtualNetworks@2025-09-01' = { name: 'abc', location: 'global', kind: 'x' }\n",
            "resource a 'Microsoft.Network/virtualNetworks@2025-09-01' = { name: 'abc', location: 'global' }\n",
        ),
        (
            "BCP053",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\noutput b string = a.properties.zzz\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\noutput b string = a.properties.primaryEndpoints.blob\n",
        ),
        (
            "BCP120",
            "param l string\nresource i 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = { name: 'abc', location: l }\nresource r 'Microsoft.Authorization/roleAssignments@2022-04-01' = { name: guid(i.properties.principalId), properties: { principalId: i.properties.principalId, roleDefinitionId: i.id } }\n",
            "param l string\nresource i 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = { name: 'abc', location: l }\nresource r 'Microsoft.Authorization/roleAssignments@2022-04-01' = { name: guid(i.id), properties: { principalId: i.properties.principalId, roleDefinitionId: i.id } }\n",
        ),
    ];
    compare(pairs, &with_types());
}

const GOOD: &str = "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'abc'
  location: 'global'
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: { allowBlobPublicAccess: false, minimumTlsVersion: 'TLS1_2' }
}
";

const HUB: &str = "param hub string
resource s 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  name: 'a/b'
  properties: { destination: { endpointType: 'EventHub', properties: { resourceId: hub } } }
}
";
