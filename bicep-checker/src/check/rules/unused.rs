//! What is declared and never named, and limits of their number.

use std::collections::HashSet;

use super::{Here, walk};
use crate::{check::model::Symbol, syntax::ast::ExpressionKind};

pub(super) fn check(here: &Here<'_, '_>) {
    let model = here.model;
    let mut used = model.used.clone();
    used.extend(nested(here));
    let is_used = |symbol: Symbol| used.contains(&symbol);
    for (at, one) in model.parameters.iter().enumerate() {
        if !is_used(Symbol::Parameter(at)) {
            here.lint("no-unused-params", one.name.span, format!("The parameter `{}` is not used.", one.name.text));
        }
    }
    for (at, one) in model.variables.iter().enumerate() {
        let symbol = Symbol::Variable(at);
        if !is_used(symbol) && !here.is_exported(symbol) {
            here.lint("no-unused-vars", one.name.span, format!("The variable `{}` is not used.", one.name.text));
        }
    }
    for (at, one) in model.aliases.iter().enumerate() {
        let symbol = Symbol::Alias(at);
        if !is_used(symbol) && !here.is_exported(symbol) {
            here.lint("no-unused-types", one.name.span, format!("The type `{}` is not used.", one.name.text));
        }
    }
    let imports = model.imports.iter().enumerate().map(|(at, one)| (Symbol::Import(at), one.item.local()));
    let wildcards = model.wildcards.iter().enumerate().map(|(at, one)| (Symbol::Wildcard(at), one.name));
    for (symbol, name) in imports.chain(wildcards) {
        if !is_used(symbol) {
            here.lint("no-unused-imports", name.span, format!("The import `{}` is not used.", name.text));
        }
    }
    for (at, one) in model.resources.iter().enumerate() {
        let has_inner = model.resources.iter().any(|other| other.outer == Some(at));
        if one.declared.existing.is_some() && !has_inner && !is_used(Symbol::Resource(at)) {
            let name = &one.declared.name;
            here.lint("no-unused-existing-resources", name.span, format!("The resource `{}` is not used.", name.text));
        }
    }
    limits(here);
}

/// Resources that are named as `outer::inner`.
fn nested(here: &Here<'_, '_>) -> HashSet<Symbol> {
    let mut found = HashSet::new();
    for root in here.roots() {
        walk::each(root, &mut |one| {
            if let ExpressionKind::NestedResource { .. } = one.kind {
                found.extend(here.reached(one));
            }
        });
    }
    found
}

/// What Resource Manager takes in one template.
fn limits(here: &Here<'_, '_>) {
    let model = here.model;
    let parameters = model.parameters.iter().map(|one| one.name.span).next();
    let variables = model.variables.iter().map(|one| one.name.span).next();
    let outputs = model.outputs.iter().map(|one| one.name.span).next();
    let resources = model.resources.iter().map(|one| one.declared.name.span).next();
    let kinds = [
        ("max-params", "parameters", model.parameters.len(), 256, parameters),
        ("max-variables", "variables", model.variables.len(), 512, variables),
        ("max-outputs", "outputs", model.outputs.len(), 64, outputs),
        ("max-resources", "resources", model.resources.len(), 800, resources),
    ];
    for (rule, what, count, most, first) in kinds {
        if let Some(first) = first.filter(|_| count > most) {
            here.lint(rule, first, format!("The file has {count} {what}, {most} are allowed."));
        }
    }
}
