//! Modules, imports and params files.

use super::{Options, Pair, check, compare};

#[test]
fn modules() {
    let pairs: &[Pair] = &[
        (
            "BCP035",
            "module m 'm.bicep' = {}\n--- m.bicep\nparam a string\n",
            "module m 'm.bicep' = {}\n--- m.bicep\nparam a string = ''\n",
        ),
        (
            "BCP035",
            "module m 'm.bicep' = { params: {} }\n--- m.bicep\nparam a string\n",
            "module m 'm.bicep' = { params: { a: '' } }\n--- m.bicep\nparam a string\n",
        ),
        (
            "BCP036",
            "module m 'm.bicep' = { params: { a: 1 } }\n--- m.bicep\nparam a string\n",
            "module m 'm.bicep' = { params: { a: '' } }\n--- m.bicep\nparam a string\n",
        ),
        (
            "BCP036",
            "module m 'm.bicep' = { params: { a: null } }\n--- m.bicep\nparam a string\n",
            "module m 'm.bicep' = { params: { a: null } }\n--- m.bicep\nparam a string = ''\n",
        ),
        (
            "BCP037",
            "module m 'm.bicep' = { params: { other: 1 } }\n--- m.bicep\nparam a string = ''\n",
            "module m 'm.bicep' = { params: { a: '' } }\n--- m.bicep\nparam a string = ''\n",
        ),
        (
            "BCP089",
            "module m 'm.bicep' = { params: { nam: '' } }\n--- m.bicep\nparam name string = ''\n",
            "module m 'm.bicep' = { params: { name: '' } }\n--- m.bicep\nparam name string = ''\n",
        ),
        (
            "BCP053",
            "module m 'm.bicep' = {}\noutput x int = m.outputs.other\n--- m.bicep\noutput a int = 1\n",
            "module m 'm.bicep' = {}\noutput x int = m.outputs.a\n--- m.bicep\noutput a int = 1\n",
        ),
        ("BCP091", "module m 'missing.bicep' = {}\n", "module m 'm.bicep' = {}\n--- m.bicep\n"),
        ("BCP094", "module m 'main.bicep' = {}\n", "module m 'm.bicep' = {}\n--- m.bicep\n"),
        (
            "BCP104",
            "module m 'm.bicep' = {}\n--- m.bicep\noutput a int = b\n",
            "module m 'm.bicep' = {}\n--- m.bicep\noutput a int = 1\n",
        ),
        ("BCP190", "module m 'br/public:avm/res/x:1.0.0' = {}\n", "module m 'm.bicep' = {}\n--- m.bicep\n"),
        (
            "BCP318",
            "param on bool\nmodule m 'm.bicep' = if (on) {}\noutput x int = m.outputs.a\n--- m.bicep\noutput a int = 1\n",
            "param on bool\nmodule m 'm.bicep' = if (on) {}\noutput x int? = m.?outputs.a\n--- m.bicep\noutput a int = 1\n",
        ),
        (
            "BCP318",
            "param on bool\nmodule m 'm.bicep' = if (on) {}\noutput x int = on ? m.outputs.a : 0\n--- m.bicep\noutput a int = 1\n",
            "param on bool\nmodule m 'm.bicep' = if (on) {}\noutput x int = on ? m!.outputs.a : 0\n--- m.bicep\noutput a int = 1\n",
        ),
        (
            "BCP055",
            "module m 'm.bicep' = [for i in [1]: {}]\noutput x int = m.outputs.a\n--- m.bicep\noutput a int = 1\n",
            "module m 'm.bicep' = [for i in [1]: {}]\noutput x int = m[0].outputs.a\n--- m.bicep\noutput a int = 1\n",
        ),
        (
            "BCP134",
            "module m 'm.bicep' = { scope: subscription() }\n--- m.bicep\n",
            "module m 'm.bicep' = { scope: resourceGroup('a') }\n--- m.bicep\n",
        ),
        (
            "BCP035",
            "targetScope = 'subscription'\nmodule m 'm.bicep' = {}\n--- m.bicep\n",
            "targetScope = 'subscription'\nmodule m 'm.bicep' = { scope: resourceGroup('a') }\n--- m.bicep\n",
        ),
        (
            "BCP120",
            "module n 'm.bicep' = {}\nmodule m 'm.bicep' = { scope: resourceGroup(n.outputs.a) }\n--- m.bicep\noutput a string = 'b'\n",
            "module m 'm.bicep' = { scope: resourceGroup('a') }\n--- m.bicep\n",
        ),
        (
            "BCP177",
            "module n 'm.bicep' = {}\nmodule m 'm.bicep' = if (n.outputs.a == 'b') {}\n--- m.bicep\noutput a string = 'b'\n",
            "param on bool\nmodule m 'm.bicep' = if (on) {}\n--- m.bicep\n",
        ),
        (
            "BCP178",
            "module n 'm.bicep' = {}\nmodule m 'm.bicep' = [for x in n.outputs.a: {}]\n--- m.bicep\noutput a string[] = ['b']\n",
            "module m 'm.bicep' = [for x in ['a']: {}]\n--- m.bicep\n",
        ),
        (
            "BCP182",
            "module n 'm.bicep' = {}\nvar v = [for x in ['a']: n.outputs.a]\n--- m.bicep\noutput a string = 'b'\n",
            "module n 'm.bicep' = {}\noutput v string[] = [for x in ['a']: n.outputs.a]\n--- m.bicep\noutput a string = 'b'\n",
        ),
        (
            "BCP321",
            "param c { d: string[]? }\nvar v = c.?d\nmodule m 'm.bicep' = { params: { a: v } }\n--- m.bicep\nparam a string[]\n",
            "param c { d: string[]? }\nvar v = c.?d\nmodule m 'm.bicep' = { params: { a: v } }\n--- m.bicep\nparam a string[]?\n",
        ),
        (
            "BCP360",
            "import { a } from 'm.bicep'\nvar b = a\n--- m.bicep\nvar a = 1\n",
            "import { a } from 'm.bicep'\nvar b = a\n--- m.bicep\n@export()\nvar a = 1\n",
        ),
        (
            "BCP033",
            "import { t } from 'm.bicep'\nparam p t = 'c'\n--- m.bicep\n@export()\ntype t = 'a' | 'b'\n",
            "import { t } from 'm.bicep'\nparam p t = 'a'\n--- m.bicep\n@export()\ntype t = 'a' | 'b'\n",
        ),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn params_files() {
    let pairs: &[Pair] = &[
        (
            "BCP258",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\n",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = 'b'\n",
        ),
        (
            "BCP259",
            "param a string = ''\n--- x.bicepparam\nusing 'main.bicep'\nparam b = 'b'\n",
            "param a string = ''\n--- x.bicepparam\nusing 'main.bicep'\nparam a = 'b'\n",
        ),
        (
            "BCP033",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = 1\n",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = 'b'\n",
        ),
        (
            "BCP261",
            "--- x.bicepparam\nparam a = 1\n",
            "param a int\n--- x.bicepparam\nusing 'main.bicep'\nparam a = 1\n",
        ),
        ("BCP091", "--- x.bicepparam\nusing 'other.bicep'\n", "--- x.bicepparam\nusing 'main.bicep'\n"),
        (
            "BCP104",
            "output a int = b\n--- x.bicepparam\nusing 'main.bicep'\n",
            "output a int = 1\n--- x.bicepparam\nusing 'main.bicep'\n",
        ),
        (
            "BCP427",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = readEnvironmentVariable('A')\n",
            "param a string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = readEnvironmentVariable('A', '')\n",
        ),
        (
            "secure-params-in-parameters-file",
            "@secure()\nparam a string\nparam b string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = ''\nparam b = a\n",
            "param a string\nparam b string\n--- x.bicepparam\nusing 'main.bicep'\nparam a = ''\nparam b = a\n",
        ),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn files_that_nobody_reaches_are_named() {
    let report = check(
        "module a 'a.bicep' = {}\n--- a.bicep\nimport { t } from 't.bicep'\n--- t.bicep\n--- other.bicep\n",
        &Options::default(),
    );
    assert_eq!(report.unreached, ["other.bicep"]);
}

#[test]
fn a_directive_names_code_and_reason_and_is_counted() {
    let report = check(
        "#disable-next-line no-unused-vars // kept\nvar a = 1\n#disable-next-line no-unused-vars\nvar b = 2\n",
        &Options::default(),
    );
    let codes: Vec<&str> = report.files[0].diagnostics.iter().map(|one| one.code).collect();
    assert!(!codes.contains(&"no-unused-vars"), "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "disable-without-reason").count(), 1);
    assert_eq!(report.disabled.len(), 2);
    assert_eq!(report.disabled[0].reason.as_deref(), Some("kept"));
    assert!(report.disabled.iter().all(|one| one.used));
}

/// An error of the compiler stays, whatever a file says.
#[test]
fn an_error_cannot_be_silenced() {
    let report = check("#disable-next-line BCP033 // no\noutput a int = 'b'\n", &Options::default());
    assert!(report.files[0].diagnostics.iter().any(|one| one.code == "BCP033"));
}

#[test]
fn what_nothing_uses_is_named() {
    let pairs: &[Pair] = &[
        ("unused-function", "func f() int => 1\n", "func f() int => 1\noutput a int = f()\n"),
        (
            "unused-export",
            "import { a } from 'm.bicep'\noutput c int = a\n--- m.bicep\n@export()\nvar a = 1\n@export()\nvar b = 1\n",
            "import { a } from 'm.bicep'\noutput c int = a\n--- m.bicep\n@export()\nvar a = b\n@export()\nvar b = 1\n",
        ),
        (
            "scope-without-order",
            "targetScope = 'subscription'\nresource g 'Microsoft.Resources/resourceGroups@2025-04-01' = { name: 'rg', location: 'x' }\nmodule m 'm.bicep' = { scope: resourceGroup('rg') }\n--- m.bicep\n",
            "targetScope = 'subscription'\nresource g 'Microsoft.Resources/resourceGroups@2025-04-01' = { name: 'rg', location: 'x' }\nmodule m 'm.bicep' = { scope: g }\n--- m.bicep\n",
        ),
        (
            "bicepconfig",
            "--- bicepconfig.json\n{\"analyzers\": {\"core\": {\"rules\": {\"no-unused-parms\": {\"level\": \"error\"}}}}}",
            "var a = 1\n",
        ),
    ];
    compare(pairs, &Options::default());
    let report = check("var a = loadJsonContent('a.json')\n--- a.json\n{}--- b.json\n{}", &Options::default());
    assert_eq!(report.unloaded, ["b.json"]);
}
