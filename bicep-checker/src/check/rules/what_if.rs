//! A parameter that decides the name, place or condition of a resource must get a value that is known before the deployment, or
//! `what-if` cannot look into the module.

use std::collections::{HashMap, HashSet};

use super::{Here, walk};
use crate::{
    check::model::Symbol,
    syntax::ast::{Expression, ExpressionKind, ObjectItem},
};

pub(super) fn check(here: &Here<'_, '_>) {
    for module in &here.model.modules {
        let Some(there) = module.file.and_then(|file| here.all.file(file)) else { continue };
        let Some(params) = module.value.body().and_then(|body| body.property("params")) else { continue };
        let ExpressionKind::Object(object) = &params.value.kind else { continue };
        let given: HashSet<&str> = object.properties().filter_map(|property| property.key.text()).collect();
        let deciding = deciding(&there, &given, &mut Vec::new());
        for property in object.properties() {
            let Some(name) = property.key.text().filter(|name| deciding.contains(*name)) else { continue };
            if !here.run_time(&property.value, false).is_empty() {
                let message = format!(
                    "`{name}` decides a name, place or condition in `{}` and is known at run time only.",
                    module.name.text
                );
                here.lint("what-if-short-circuiting", property.value.span, message);
            }
        }
    }
}

/// The parameters of a file that decide what it deploys, where these are given.
fn deciding<'a>(here: &Here<'_, 'a>, given: &HashSet<&str>, open: &mut Vec<usize>) -> HashSet<&'a str> {
    if open.contains(&here.at) {
        return HashSet::new();
    }
    open.push(here.at);
    let mut found: HashSet<usize> = HashSet::new();
    for resource in &here.model.resources {
        let body = around(here, &resource.declared.value, &mut found);
        for name in ["name", "scope"] {
            if let Some(property) = body.and_then(|body| body.property(name)) {
                parameters(here, &property.value, &mut found);
            }
        }
    }
    for module in &here.model.modules {
        let Some(body) = around(here, module.value, &mut found) else { continue };
        if let Some(scope) = body.property("scope") {
            parameters(here, &scope.value, &mut found);
        }
        let Some(there) = module.file.and_then(|file| here.all.file(file)) else { continue };
        let Some(ExpressionKind::Object(params)) = body.property("params").map(|params| &params.value.kind) else {
            continue;
        };
        let passed: HashMap<&str, &Expression> = params
            .items
            .iter()
            .filter_map(|item| match item {
                ObjectItem::Property(property) => Some((property.key.text()?, &property.value)),
                _ => None,
            })
            .collect();
        for name in deciding(&there, &passed.keys().copied().collect(), open) {
            if let Some(value) = passed.get(name) {
                parameters(here, value, &mut found);
            }
        }
    }
    // A parameter that is not given decides by its default, and so do the parameters in that.
    let mut waiting: Vec<usize> = found.iter().copied().collect();
    while let Some(at) = waiting.pop() {
        let Some(parameter) = here.model.parameters.get(at) else { continue };
        if let Some(default) = parameter.default.filter(|_| !given.contains(parameter.name.text.as_str())) {
            let mut more = HashSet::new();
            parameters(here, default, &mut more);
            waiting.extend(more.into_iter().filter(|one| found.insert(*one)));
        }
    }
    open.pop();
    found.into_iter().filter_map(|at| here.model.parameters.get(at)).map(|one| one.name.text.as_str()).collect()
}

/// Takes in the parameters of a condition, and gives the body.
fn around<'a>(
    here: &Here<'_, 'a>,
    value: &'a Expression,
    found: &mut HashSet<usize>,
) -> Option<&'a crate::syntax::ast::Object> {
    match &value.kind {
        ExpressionKind::For(each) => {
            // The list alone names nothing: its items do, and those are no parameters.
            around(here, &each.body, found)
        }
        ExpressionKind::If { condition, body } => {
            parameters(here, condition, found);
            around(here, body, found)
        }
        ExpressionKind::Object(object) => Some(object),
        _ => None,
    }
}

/// The parameters in a value, variables looked through.
fn parameters(here: &Here<'_, '_>, value: &Expression, found: &mut HashSet<usize>) {
    let mut open = Vec::new();
    let mut seen = HashSet::new();
    walk::each(value, &mut |one| open.extend(here.model.symbol(one)));
    while let Some(symbol) = open.pop() {
        if !seen.insert(symbol) {
            continue;
        }
        match symbol {
            Symbol::Parameter(at) => {
                found.insert(at);
            }
            Symbol::Variable(at) => {
                if let Some(variable) = here.model.variables.get(at) {
                    walk::each(variable.value, &mut |one| open.extend(here.model.symbol(one)));
                }
            }
            _ => {}
        }
    }
}
