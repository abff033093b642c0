//! Locations: from parameters, and passed on.

use super::{Here, walk};
use crate::{
    Span,
    check::{model::Symbol, types::Type},
    syntax::ast::{Expression, ExpressionKind},
};

pub(super) fn check(here: &Here<'_, '_>) {
    for resource in &here.model.resources {
        if let Some(location) = resource.declared.body().and_then(|body| body.property("location")) {
            literal(here, &location.value, "the location");
        }
    }
    for module in &here.model.modules {
        let Some(there) = module.file.and_then(|file| here.all.file(file)) else { continue };
        let params = module.value.body().and_then(|body| body.property("params"));
        for name in defaults(&there) {
            let given = params.and_then(|params| match &params.value.kind {
                ExpressionKind::Object(object) => object.property(name),
                _ => None,
            });
            match given {
                Some(given) => literal(here, &given.value, "the location of the module"),
                None => {
                    let at = params.map_or(module.name.span, |params| params.span);
                    let message = format!("`{name}` of `{}` is a location and is not passed.", module.name.text);
                    here.lint("explicit-values-for-loc-params", at, message);
                }
            }
        }
    }
    outside(here);
}

/// A place name that is written down, here or in a variable.
fn literal<'a>(here: &Here<'_, 'a>, value: &'a Expression, what: &str) {
    let Type::TextIs(text) = here.type_of(value) else { return };
    if text.eq_ignore_ascii_case("global") {
        return;
    }
    let Some(at) = origin(here, value) else { return };
    let message = format!("'{text}' as {what}: take it from a parameter.");
    here.lint("no-hardcoded-location", at, message);
}

/// Where the literal stands: the value itself, or the variable that holds it.
fn origin<'a>(here: &Here<'_, 'a>, value: &'a Expression) -> Option<Span> {
    match &value.kind {
        ExpressionKind::String(text) if text.literal().is_some() => Some(value.span),
        ExpressionKind::Variable(_) => match here.model.symbol(value)? {
            Symbol::Variable(at) => {
                let variable = here.model.variables.get(at)?;
                match &variable.value.kind {
                    ExpressionKind::Variable(_) => origin(here, variable.value),
                    _ => origin(here, variable.value).map(|_| variable.name.span),
                }
            }
            _ => None,
        },
        _ => None,
    }
}

/// The parameters with a default that are locations: the default asks for one, or a resource is placed by it.
fn defaults<'a>(there: &Here<'_, 'a>) -> Vec<&'a str> {
    let mut placing = Vec::new();
    for resource in &there.model.resources {
        if let Some(location) = resource.declared.body().and_then(|body| body.property("location")) {
            walk::each(&location.value, &mut |one| placing.extend(there.model.symbol(one)));
        }
    }
    let is_location = |at: usize, default: &Expression| {
        placing.contains(&Symbol::Parameter(at)) || walk::any(default, &mut |one| is_location_of_scope(one))
    };
    let all = there.model.parameters.iter().enumerate();
    all.filter(|(at, one)| one.default.is_some_and(|default| is_location(*at, default)))
        .map(|(_, one)| one.name.text.as_str())
        .collect()
}

/// `resourceGroup().location`, `deployment().location`
fn is_location_of_scope(one: &Expression) -> bool {
    let ExpressionKind::Property { base, name, .. } = &one.kind else { return false };
    let called = match &base.kind {
        ExpressionKind::Call { name, .. } | ExpressionKind::MethodCall { name, .. } => name.text.as_str(),
        _ => "",
    };
    name.text == "location" && ["resourceGroup", "deployment"].contains(&called)
}

fn outside(here: &Here<'_, '_>) {
    let defaults: Vec<&Expression> = here.model.parameters.iter().filter_map(|one| one.default).collect();
    for root in here.roots() {
        if defaults.iter().any(|default| std::ptr::eq(*default, root)) {
            continue;
        }
        walk::each(root, &mut |one| {
            if is_location_of_scope(one) {
                let message = "Only the default of a parameter may ask for this location.";
                here.lint("no-loc-expr-outside-params", one.span, message);
            }
        });
    }
}
