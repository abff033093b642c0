//! `dependsOn` of what is referred to anyway.

use std::collections::HashSet;

use super::Here;
use crate::{
    check::model::Symbol,
    syntax::ast::{ArrayItem, Expression, ExpressionKind, ObjectItem},
};

/// A reference to a resource or module. Weak: only its name or id is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Reference {
    to: Symbol,
    weak: bool,
}

pub(super) fn check(here: &Here<'_, '_>) {
    let resources = (0..here.model.resources.len()).map(Symbol::Resource);
    for symbol in resources.chain((0..here.model.modules.len()).map(Symbol::Module)) {
        let Some(written) = here.model.body(symbol).and_then(|body| body.property("dependsOn")) else { continue };
        let ExpressionKind::Array(items) = &written.value.kind else { continue };
        let implied = implied(here, symbol);
        let mut listed = HashSet::new();
        for item in items {
            let ArrayItem::Value(value) = item else { continue };
            let Some(to) = here.reached(value).filter(|to| !here.is_many(*to)) else { continue };
            if implied.contains(&to) || !listed.insert(to) {
                let name = here.model.name(to).map(|name| name.text.as_str()).unwrap_or_default();
                let message = format!("`{name}` comes before this anyway.");
                here.lint("no-unnecessary-dependson", value.span, message);
            }
        }
    }
}

/// What a resource or module waits for by what it refers to, and what those wait for.
fn implied(here: &Here<'_, '_>, symbol: Symbol) -> HashSet<Symbol> {
    let mut found = HashSet::new();
    let mut seen: HashSet<Reference> = HashSet::new();
    let mut open = direct(here, symbol);
    while let Some(reference) = open.pop() {
        if !seen.insert(reference) {
            continue;
        }
        open.extend(direct(here, reference.to));
        // An existing resource whose name alone is read is not waited for.
        let is_only_read = reference.weak && is_existing(here, reference.to);
        if !is_only_read && !matches!(reference.to, Symbol::Variable(_)) {
            found.insert(reference.to);
        }
    }
    found
}

fn is_existing(here: &Here<'_, '_>, symbol: Symbol) -> bool {
    match symbol {
        Symbol::Resource(at) => here.model.resources.get(at).is_some_and(|one| one.declared.existing.is_some()),
        _ => false,
    }
}

/// The resources, modules and variables a declaration refers to, its `dependsOn` aside.
fn direct(here: &Here<'_, '_>, symbol: Symbol) -> Vec<Reference> {
    let mut found = Vec::new();
    match symbol {
        Symbol::Resource(at) => {
            if let Some(outer) = here.model.resources.get(at).and_then(|one| one.outer) {
                found.push(Reference { to: Symbol::Resource(outer), weak: true });
            }
        }
        Symbol::Variable(at) => {
            if let Some(variable) = here.model.variables.get(at) {
                collect(here, variable.value, false, &mut found);
            }
            return found;
        }
        _ => {}
    }
    let body = here.model.body(symbol);
    if let Some(value) = here.model.value(symbol) {
        around(here, value, &mut found);
    }
    for item in body.map(|body| body.items.as_slice()).unwrap_or_default() {
        match item {
            ObjectItem::Property(property) => match property.key.text() {
                Some("dependsOn") => {}
                Some("parent" | "scope") => collect(here, &property.value, true, &mut found),
                _ => collect(here, &property.value, false, &mut found),
            },
            ObjectItem::Spread(value, _) => collect(here, value, false, &mut found),
            ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
        }
    }
    found
}

/// The list of a loop and the condition.
fn around(here: &Here<'_, '_>, value: &Expression, found: &mut Vec<Reference>) {
    match &value.kind {
        ExpressionKind::For(each) => {
            collect(here, &each.list, false, found);
            around(here, &each.body, found);
        }
        ExpressionKind::If { condition, .. } => collect(here, condition, false, found),
        _ => {}
    }
}

fn collect(here: &Here<'_, '_>, value: &Expression, weak: bool, found: &mut Vec<Reference>) {
    match &value.kind {
        ExpressionKind::Property { base, name, .. } if here.reached(base).is_some() => {
            let known = ["id", "name", "type", "apiVersion"].contains(&name.text.as_str());
            return collect(here, base, weak || known, found);
        }
        ExpressionKind::MethodCall { base, arguments, .. } if here.reached(base).is_some() => {
            collect(here, base, true, found);
            return arguments.iter().for_each(|one| collect(here, one, weak, found));
        }
        ExpressionKind::Variable(_) | ExpressionKind::NestedResource { .. } => {
            let variable = here.model.symbol(value).filter(|symbol| matches!(symbol, Symbol::Variable(_)));
            let to = here.reached(value).or(variable);
            found.extend(to.map(|to| Reference { to, weak: weak && !matches!(to, Symbol::Module(_)) }));
            return;
        }
        _ => {}
    }
    super::walk::children(value).into_iter().for_each(|child| collect(here, child, weak, found));
}
