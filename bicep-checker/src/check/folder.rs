//! What only the whole folder tells: functions and exports that nothing uses, data files that nothing loads, the linter's
//! configuration. The compiler says nothing about any of it, so the codes are ours.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    FileReport,
    infer::Checker,
    model::{Symbol, key},
};
use crate::{Diagnostic, Span, syntax::ast::ExpressionKind};

/// Every rule of the linter, as its configuration names them. A misspelt name there is passed over without a word.
const RULES: [&str; 55] = [
    "adminusername-should-not-be-literal",
    "artifacts-parameters",
    "decompiler-cleanup",
    "explicit-values-for-loc-params",
    "max-asserts",
    "max-outputs",
    "max-params",
    "max-resources",
    "max-variables",
    "nested-deployment-template-scoping",
    "no-conflicting-metadata",
    "no-conflicting-version-constraints",
    "no-deployments-resources",
    "no-explicit-any",
    "no-hardcoded-env-urls",
    "no-hardcoded-location",
    "no-hardcoded-outputs",
    "no-incompatible-entrypoint-version",
    "no-loc-expr-outside-params",
    "no-module-name",
    "no-unnecessary-dependson",
    "no-unused-existing-resources",
    "no-unused-imports",
    "no-unused-params",
    "no-unused-types",
    "no-unused-vars",
    "outputs-should-not-contain-secrets",
    "prefer-interpolation",
    "prefer-unquoted-property-names",
    "protect-commandtoexecute-secrets",
    "secure-parameter-default",
    "secure-params-in-nested-deploy",
    "secure-params-in-parameters-file",
    "secure-secrets-in-params",
    "simplify-interpolation",
    "simplify-json-null",
    "stacks-extensibility-compat",
    "use-description-outputs",
    "use-description-params",
    "use-description-type-properties",
    "use-description-types",
    "use-description-vars",
    "use-parent-property",
    "use-recent-api-versions",
    "use-recent-az-powershell-version",
    "use-recent-module-versions",
    "use-recognized-resource-type",
    "use-resource-id-functions",
    "use-resource-symbol-reference",
    "use-safe-access",
    "use-secure-value-for-secure-inputs",
    "use-stable-resource-identifiers",
    "use-stable-vm-image",
    "use-user-defined-types",
    "what-if-short-circuiting",
];

/// Reports functions and exports that nothing uses.
pub(super) fn unused(checker: &Checker<'_>) {
    let mut imported: BTreeSet<(usize, &str)> = BTreeSet::new();
    let mut whole: BTreeSet<usize> = BTreeSet::new();
    for model in &checker.models {
        imported.extend(model.imports.iter().filter_map(|one| Some((one.file?, one.item.name.text.as_str()))));
        whole.extend(model.wildcards.iter().filter_map(|one| one.file));
    }
    for at in 0..checker.models.len() {
        let Some(here) = checker.file(at) else { continue };
        let model = here.model;
        let functions = (0..model.functions.len()).map(Symbol::Function);
        let variables = (0..model.variables.len()).map(Symbol::Variable);
        let aliases = (0..model.aliases.len()).map(Symbol::Alias);
        for symbol in functions.chain(variables).chain(aliases) {
            let Some(name) = model.name(symbol) else { continue };
            let is_exported = here.is_exported(symbol);
            let is_taken = whole.contains(&at) || imported.contains(&(at, name.text.as_str()));
            let is_used = model.used.contains(&symbol);
            match symbol {
                _ if is_used || (is_exported && is_taken) => {}
                _ if is_exported => {
                    model.report(Diagnostic::warning(
                        "unused-export",
                        name.span,
                        format!("Nothing imports `{}`.", name.text),
                    ));
                }
                Symbol::Function(_) => {
                    model.report(Diagnostic::warning(
                        "unused-function",
                        name.span,
                        format!("Nothing calls `{}`.", name.text),
                    ));
                }
                // The linter has rules for the others.
                _ => {}
            }
        }
    }
}

/// Reports modules that are placed into a resource group by its name, though the group is a resource of the file: nothing tells them to
/// wait for it.
pub(super) fn groups(checker: &Checker<'_>) {
    for at in 0..checker.models.len() {
        let Some(here) = checker.file(at) else { continue };
        let text = &here.source().text;
        let groups = here.model.resources.iter().filter(|one| {
            one.declared.existing.is_none() && one.kind.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups")
        });
        let names: Vec<&str> =
            groups.filter_map(|one| Some(one.declared.body()?.property("name")?.value.span.text(text))).collect();
        for module in &here.model.modules {
            let Some(scope) = module.value.body().and_then(|body| body.property("scope")) else { continue };
            if let ExpressionKind::Call { name, arguments } = &scope.value.kind
                && name.text == "resourceGroup"
                && !here.model.named.contains_key(&key(name))
                && arguments.last().is_some_and(|last| names.contains(&last.span.text(text)))
            {
                let message =
                    "The group is a resource of this file: name it by its symbol, or the module will not wait.";
                here.warn("scope-without-order", scope.value.span, message);
            }
        }
    }
}

/// Files of data in the folder that nothing loads.
pub(super) fn unloaded(folder: &Path, checker: &Checker<'_>) -> Vec<String> {
    let loaded: BTreeSet<PathBuf> =
        checker.loaded.borrow().iter().filter_map(|path| path.canonicalize().ok()).collect();
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let mut found = Vec::new();
    files(&folder, &mut |path| {
        let is_data = path
            .extension()
            .is_some_and(|extension| ["json", "txt", "yaml", "yml", "kql"].iter().any(|one| extension == *one));
        let is_config = path.file_name().is_some_and(|name| name == "bicepconfig.json");
        if is_data && !is_config && !loaded.contains(path) {
            found.push(path.strip_prefix(&folder).unwrap_or(path).to_string_lossy().replace('\\', "/"));
        }
    });
    found.sort();
    found
}

/// What is wrong with the linter's configuration: one file, every rule an error, no experiment.
pub(super) fn configuration(folder: &Path) -> Vec<FileReport> {
    let Ok(folder) = folder.canonicalize() else { return Vec::new() };
    let mut reports = Vec::new();
    files(&folder, &mut |path| {
        if path.file_name().is_none_or(|name| name != "bicepconfig.json") {
            return;
        }
        let name = path.strip_prefix(&folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut messages = Vec::new();
        if name != "bicepconfig.json" {
            messages.push("A configuration below another one takes its place for its folder.".to_owned());
        }
        match contoso_json::from_str::<Value>(&text) {
            Ok(value) => messages.extend(levels(&value)),
            Err(_) => messages.push("The configuration is not JSON.".to_owned()),
        }
        let finding = |message| Diagnostic::warning("bicepconfig", Span::default(), message);
        let diagnostics: Vec<Diagnostic> = messages.into_iter().map(finding).collect();
        reports.push(FileReport { name, text, diagnostics });
    });
    reports
}

fn levels(config: &Value) -> Vec<String> {
    let mut messages = Vec::new();
    let core = &config["analyzers"]["core"];
    if core["enabled"] == Value::Bool(false) {
        messages.push("The linter is switched off.".to_owned());
    }
    if config["experimentalFeaturesEnabled"]
        .as_object()
        .is_some_and(|all| all.values().any(|on| on == &Value::Bool(true)))
    {
        messages.push("An experimental feature is switched on.".to_owned());
    }
    let rules = core["rules"].as_object();
    for rule in RULES {
        let level = rules.and_then(|rules| rules.get(rule)?.get("level")?.as_str());
        if level != Some("error") {
            messages.push(format!("The rule `{rule}` is not at level error."));
        }
    }
    for name in rules.into_iter().flat_map(|rules| rules.keys()) {
        if !RULES.contains(&name.as_str()) {
            messages.push(format!("There is no rule `{name}`."));
        }
    }
    messages
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        match path.is_dir() {
            true => files(&path, visit),
            false => visit(&path),
        }
    }
}
