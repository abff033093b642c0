//! The linter's rules.

use super::{Options, Pair, compare};

#[test]
fn rules_without_resources() {
    let pairs: &[Pair] = &[
        ("no-unused-params", "param a string\n", "param a string\noutput b string = a\n"),
        ("no-unused-vars", "var a = 1\n", "@export()\nvar a = 1\n"),
        ("no-unused-types", "type a = int\n", "type a = int\noutput b a = 1\n"),
        (
            "no-unused-imports",
            "import { a } from 'm.bicep'\n--- m.bicep\n@export()\nvar a = 1\n",
            "import { a } from 'm.bicep'\noutput b int = a\n--- m.bicep\n@export()\nvar a = 1\n",
        ),
        (
            "no-unused-imports",
            "import * as m from 'm.bicep'\n--- m.bicep\n@export()\ntype t = int\n",
            "import * as m from 'm.bicep'\noutput b m.t = 1\n--- m.bicep\n@export()\ntype t = int\n",
        ),
        ("use-description-params", "param a string\n", "@description('A.')\nparam a string\n"),
        ("use-description-params", "@description(' ')\nparam a string\n", "@sys.description('A.')\nparam a string\n"),
        ("use-description-outputs", "output a int = 1\n", "@description('A.')\noutput a int = 1\n"),
        ("use-description-vars", "var a = 1\n", "@description('A.')\nvar a = 1\n"),
        ("use-description-types", "type a = int\n", "@description('A.')\ntype a = int\n"),
        ("use-description-type-properties", "type a = { b: int }\n", "type a = {\n  @description('B.')\n  b: int\n}\n"),
        (
            "use-description-type-properties",
            "type a = { *: int }\n",
            "type a = {\n  @description('Any.')\n  *: int\n}\n",
        ),
        ("use-user-defined-types", "param a object\n", "param a { *: string }\n"),
        ("use-user-defined-types", "output a array = []\n", "output a string[] = []\n"),
        ("no-explicit-any", "param a any\n", "param a string\n"),
        ("no-hardcoded-outputs", "output a string = 'b'\n", "param b string\noutput a string = b\n"),
        (
            "no-hardcoded-env-urls",
            "var a = 'https://x.blob.core.windows.net'\n",
            "var a = 'https://x.servicebus.windows.net'\n",
        ),
        (
            "no-hardcoded-env-urls",
            "var a = 'https://management.azure.com/x'\n",
            "var a = 'https://schema.management.azure.com/x'\n",
        ),
        (
            "prefer-interpolation",
            "param b string\nvar a = concat('x', b)\n",
            "param b string[]\nvar a = concat(b, ['x'])\n",
        ),
        ("prefer-unquoted-property-names", "var a = { 'b': 1 }\n", "var a = { 'b-c': 1 }\n"),
        ("prefer-unquoted-property-names", "var a = { b: 1 }\nvar c = a['b']\n", "var a = { b: 1 }\nvar c = a.b\n"),
        ("simplify-interpolation", "param b string\nvar a = '${b}'\n", "param b int\nvar a = '${b}'\n"),
        ("simplify-json-null", "var a = json('null')\n", "var a = json('{}')\n"),
        (
            "use-safe-access",
            "param p { a: string? }\noutput b string = p.a ?? ''\n",
            "param p { a: string? }\noutput b string = p.?a ?? ''\n",
        ),
        (
            "use-safe-access",
            "param p { *: string }\noutput b string = contains(p, 'a') ? p.a : ''\n",
            "param p { *: string }\noutput b string = p.?a ?? ''\n",
        ),
        (
            "no-loc-expr-outside-params",
            "output a string = resourceGroup().location\n",
            "param a string = resourceGroup().location\n",
        ),
        (
            "no-module-name",
            "module m 'm.bicep' = { name: 'a' }\n--- m.bicep\n",
            "module m 'm.bicep' = {}\n--- m.bicep\n",
        ),
        ("secure-parameter-default", "@secure()\nparam a string = 'b'\n", "@secure()\nparam a string = ''\n"),
        ("secure-parameter-default", "@secure()\nparam a string = 'b'\n", "@secure()\nparam a string = newGuid()\n"),
        ("secure-secrets-in-params", "param adminPassword string\n", "@secure()\nparam adminPassword string\n"),
        ("secure-secrets-in-params", "param partnerSecret string\n", "param secretName string\n"),
        (
            "outputs-should-not-contain-secrets",
            "@secure()\nparam a string\noutput b string = a\n",
            "@secure()\nparam a string\n@secure()\noutput b string = a\n",
        ),
        (
            "outputs-should-not-contain-secrets",
            "param a string\noutput thePassword string = a\n",
            "param a string\noutput theName string = a\n",
        ),
        (
            "no-conflicting-metadata",
            "@description('A')\n@metadata({ description: 'B' })\nparam a string\n",
            "@description('A')\n@metadata({ other: 'B' })\nparam a string\n",
        ),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn rules_about_modules() {
    let pairs: &[Pair] = &[
        (
            "explicit-values-for-loc-params",
            "module m 'm.bicep' = {}\n--- m.bicep\nparam location string = resourceGroup().location\n",
            "param location string\nmodule m 'm.bicep' = { params: { location: location } }\n--- m.bicep\nparam location string = resourceGroup().location\n",
        ),
        (
            "no-hardcoded-location",
            "module m 'm.bicep' = { params: { location: 'westeurope' } }\n--- m.bicep\nparam location string = resourceGroup().location\n",
            "module m 'm.bicep' = { params: { location: 'global' } }\n--- m.bicep\nparam location string = resourceGroup().location\n",
        ),
        (
            "no-unnecessary-dependson",
            "module a 'm.bicep' = {}\nmodule b 'm.bicep' = { params: { x: a.outputs.y }, dependsOn: [a] }\n--- m.bicep\nparam x string = ''\noutput y string = x\n",
            "module a 'm.bicep' = {}\nmodule b 'm.bicep' = { params: { x: 'c' }, dependsOn: [a] }\n--- m.bicep\nparam x string = ''\noutput y string = x\n",
        ),
        (
            "no-unnecessary-dependson",
            "module a 'm.bicep' = {}\nvar v = a.outputs.y\nmodule b 'm.bicep' = { params: { x: v }, dependsOn: [a] }\n--- m.bicep\nparam x string = ''\noutput y string = x\n",
            "module a 'm.bicep' = [for i in [1]: {}]\nmodule b 'm.bicep' = { params: { x: a[0].outputs.y }, dependsOn: [a] }\n--- m.bicep\nparam x string = ''\noutput y string = x\n",
        ),
        ("what-if-short-circuiting", WHAT_IF_BAD, WHAT_IF_GOOD),
        (
            "what-if-short-circuiting",
            "module a 'a.bicep' = {}\nmodule b 'b.bicep' = { params: { on: a.outputs.on } }\n--- a.bicep\noutput on bool = true\n--- b.bicep\nparam on bool\nmodule c 'c.bicep' = if (on) {}\n--- c.bicep\n",
            "module a 'a.bicep' = {}\nmodule b 'b.bicep' = { params: { on: a.outputs.on } }\n--- a.bicep\noutput on bool = true\n--- b.bicep\nparam on bool\noutput o bool = on\n",
        ),
    ];
    compare(pairs, &Options::default());
}

const WHAT_IF_BAD: &str = "module a 'a.bicep' = {}
module b 'b.bicep' = { params: { name: a.outputs.name } }
--- a.bicep
output name string = 'n'
--- b.bicep
param name string
resource r 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: toLower(name) }
output id string = r.id
";

const WHAT_IF_GOOD: &str = "var name = 'n'
module b 'b.bicep' = { params: { name: name } }
--- b.bicep
param name string
resource r 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: toLower(name) }
output id string = r.id
";

#[test]
fn rules_about_resources() {
    let pairs: &[Pair] = &[
        (
            "no-unused-existing-resources",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\noutput b string = a.id\n",
        ),
        (
            "no-hardcoded-location",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: 'westeurope' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: 'global' }\n",
        ),
        (
            "no-hardcoded-location",
            "var l = 'westeurope'\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: l }\n",
            "param l string\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc', location: l }\n",
        ),
        (
            "no-deployments-resources",
            "resource a 'Microsoft.Resources/deployments@2025-04-01' = { name: 'a' }\n",
            "module m 'm.bicep' = {}\n--- m.bicep\n",
        ),
        (
            "use-parent-property",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nresource b 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = { name: 'abc/default' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nresource b 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = { parent: a, name: 'default' }\n",
        ),
        (
            "use-parent-property",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nresource b 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = { name: '${a.name}/default' }\n",
            "param p string\nresource b 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = { name: '${p}/default' }\n",
        ),
        (
            "use-resource-symbol-reference",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nvar k = listKeys(a.id, '2026-04-01')\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nvar k = a.listKeys()\n",
        ),
        (
            "use-stable-resource-identifiers",
            "param p string = newGuid()\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: p }\n",
            "param p string\nresource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: p }\n",
        ),
        (
            "use-resource-id-functions",
            "resource a 'Microsoft.X/y@2026-04-01' = { name: 'a', properties: { workspaceId: '/subscriptions/x' } }\n",
            "param id string\nresource a 'Microsoft.X/y@2026-04-01' = { name: 'a', properties: { workspaceId: id } }\n",
        ),
        (
            "use-resource-id-functions",
            "param xs { id: string }[]\nresource a 'Microsoft.X/y@2026-04-01' = [for x in xs: { name: x.id, properties: { workspaceId: x.id } }]\n",
            "param xs { id: string }[]\nresource a 'Microsoft.X/y@2026-04-01' = [for (x, i) in xs: { name: x.id, properties: { workspaceId: xs[i].id } }]\n",
        ),
        (
            "use-resource-id-functions",
            "func f(a string) string => a\nresource a 'Microsoft.X/y@2026-04-01' = { name: 'a', properties: { roleDefinitionId: f('x') } }\n",
            "resource a 'Microsoft.X/y@2026-04-01' = { name: 'a', properties: { roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x'), tenantId: toLower('A') } }\n",
        ),
        (
            "outputs-should-not-contain-secrets",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\noutput k string = a.listKeys().keys[0].value\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\noutput k string = a.id\n",
        ),
        (
            "no-unnecessary-dependson",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nresource b 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = { parent: a, name: 'default', dependsOn: [a] }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abc' }\nresource b 'Microsoft.Storage/storageAccounts@2026-04-01' = { name: 'abd', dependsOn: [a] }\n",
        ),
    ];
    compare(pairs, &Options::default());
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn rules_that_need_the_types() {
    let pairs: &[Pair] = &[
        (
            "use-recent-api-versions",
            "resource a 'Microsoft.Storage/storageAccounts@2021-01-01' existing = { name: 'abc' }\n",
            "resource a 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: 'abc' }\n",
        ),
        (
            "use-recent-api-versions",
            "resource a 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' existing = { name: 'abc' }\n",
            "resource a 'Microsoft.Insights/components@2020-02-02' existing = { name: 'abc' }\n",
        ),
        ("use-secure-value-for-secure-inputs", HOOK_BAD, HOOK_GOOD),
    ];
    compare(pairs, &super::with_types());
}

const HOOK_BAD: &str = "param url string
resource t 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  name: 'a/b'
  properties: { destination: { endpointType: 'WebHook', properties: { endpointUrl: url } } }
}
";

const HOOK_GOOD: &str = "@secure()
param url string
resource t 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  name: 'a/b'
  properties: { destination: { endpointType: 'WebHook', properties: { endpointUrl: url } } }
}
";
