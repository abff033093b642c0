//! Secrets: by their names, their types, and where they come from.

use super::{Here, is_secure, walk};
use crate::{
    check::{
        model::{Symbol, decorator},
        types::{Object, Type, assign::assignable},
    },
    syntax::ast::{Expression, ExpressionKind},
};

pub(super) fn check(here: &Here<'_, '_>) {
    parameters(here);
    outputs(here);
    for at in 0..here.model.resources.len() {
        let Some(resource) = here.model.resources.get(at) else { continue };
        let body = here.resource(at).body.clone();
        inputs(here, &resource.declared.value, &body, 0);
    }
    params_file(here);
}

fn parameters(here: &Here<'_, '_>) {
    for (at, one) in here.model.parameters.iter().enumerate() {
        if is_secure(one.decorators) {
            if let Some(default) = one.default
                && !is_harmless(here, default)
            {
                here.lint("secure-parameter-default", default.span, "A secret has no default.");
            }
            continue;
        }
        let ty = here.parameter(at);
        let is_text = !matches!(ty, Type::Any) && (assignable(&ty, &Type::text()) || assignable(&ty, &Type::object()));
        let name = one.name.text.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let named = has(&["password", "pwd", "secret", "accountkey", "acctkey"])
            && !has(&["secretpermissions", "secretversion", "secreturi", "secreturl", "secretname"]);
        let takes_secret = one.default.is_some_and(|default| {
            walk::any(default, &mut |inner| match here.model.symbol(inner) {
                Some(Symbol::Parameter(other)) => is_secure(here.model.parameters[other].decorators),
                _ => false,
            })
        });
        if (named && is_text) || takes_secret {
            let message = format!("`{}` looks like a secret: `@secure()`.", one.name.text);
            here.lint("secure-secrets-in-params", one.name.span, message);
        }
    }
}

/// Defaults that a secret may have: nothing, another secret, a new GUID.
fn is_harmless<'a>(here: &Here<'_, 'a>, default: &'a Expression) -> bool {
    let empty = match &default.kind {
        ExpressionKind::String(text) => text.literal() == Some(""),
        ExpressionKind::Object(object) => object.items.is_empty(),
        _ => false,
    };
    let new =
        walk::any(default, &mut |one| matches!(&one.kind, ExpressionKind::Call { name, .. } if name.text == "newGuid"));
    empty || new || here.type_of(default).is_secret(false)
}

fn outputs(here: &Here<'_, '_>) {
    const RULE: &str = "outputs-should-not-contain-secrets";
    for output in &here.model.outputs {
        if is_secure(output.decorators) {
            continue;
        }
        if output.name.text.to_lowercase().contains("password") {
            here.lint(RULE, output.span, format!("The output `{}` looks like a secret.", output.name.text));
        }
        secret_parts(here, output.value, false);
    }
}

/// Parts of an output's value that are secret. `inside`: something of the value is picked, so only the value itself counts.
fn secret_parts<'a>(here: &Here<'_, 'a>, one: &'a Expression, inside: bool) {
    const RULE: &str = "outputs-should-not-contain-secrets";
    match &one.kind {
        ExpressionKind::Variable(_) | ExpressionKind::Property { .. } | ExpressionKind::Index { .. }
            if here.type_of(one).is_secret(!inside) =>
        {
            here.lint(RULE, one.span, "The output would show a secret.");
        }
        ExpressionKind::Call { name, .. } | ExpressionKind::MethodCall { name, .. }
            if name.text.to_lowercase().starts_with("list") =>
        {
            here.lint(RULE, one.span, format!("The output would show what `{}` gives.", name.text));
        }
        _ => {}
    }
    let picks = matches!(one.kind, ExpressionKind::Property { .. } | ExpressionKind::Index { .. });
    walk::children(one).into_iter().for_each(|child| secret_parts(here, child, inside || picks));
}

/// Properties of resources that are secret by their type and get a value that is known before the deployment and is not.
fn inputs<'a>(here: &Here<'_, 'a>, value: &'a Expression, ty: &Type, depth: usize) {
    // Types may contain themselves; values do not.
    if depth > 40 {
        return;
    }
    match &value.kind {
        ExpressionKind::For(each) => {
            let item = if depth == 0 { Some(ty.clone()) } else { ty.item() };
            item.iter().for_each(|item| inputs(here, &each.body, item, depth + 1));
        }
        ExpressionKind::If { body, .. } => inputs(here, body, ty, depth + 1),
        ExpressionKind::Parenthesized(inner) => inputs(here, inner, ty, depth + 1),
        ExpressionKind::Array(items) => {
            let Some(wanted) = ty.item() else { return };
            for item in items {
                if let crate::syntax::ast::ArrayItem::Value(item) = item {
                    inputs(here, item, &wanted, depth + 1);
                }
            }
        }
        ExpressionKind::Object(object) => {
            let Some(shape) = shape(here, value, ty) else { return };
            for property in object.properties() {
                let Some(declared) = property.key.text().and_then(|name| shape.property(name)) else { continue };
                let is_secret = match declared.of.now() {
                    Type::Text(text) => text.secure,
                    Type::Object(object) => object.secure,
                    _ => false,
                };
                let given = &property.value;
                if is_secret && is_open(&here.type_of(given)) && here.run_time(given, false).is_empty() {
                    let message = format!("`{}` is a secret: take it from a `@secure()` parameter.", declared.name);
                    here.lint("use-secure-value-for-secure-inputs", given.span, message);
                }
                inputs(here, given, &declared.of, depth + 1);
            }
        }
        _ => {}
    }
}

/// The shape of an object, where its tag decides it.
fn shape<'a>(here: &Here<'_, 'a>, value: &'a Expression, ty: &Type) -> Option<std::rc::Rc<Object>> {
    match ty.without_null().unwrap_or_else(|| ty.clone()).now() {
        Type::Object(object) => Some(object),
        Type::Tagged(tagged) => {
            let ExpressionKind::Object(object) = &value.kind else { return None };
            let Type::TextIs(tag) = here.type_of(&object.property(&tagged.tag)?.value) else { return None };
            match tagged.shapes.iter().find(|(known, _)| **known == *tag)?.1.now() {
                Type::Object(object) => Some(object),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a value may be known to others.
fn is_open(ty: &Type) -> bool {
    match ty.now() {
        Type::Null => false,
        Type::TextIs(text) => !text.is_empty(),
        Type::Union(members) => members.iter().any(is_open),
        other => !other.is_secret(false),
    }
}

/// A params file that hands a secret parameter's value to one that is not secret.
fn params_file(here: &Here<'_, '_>) {
    let Some(there) = here.model.using.and_then(|using| using.file).and_then(|file| here.all.file(file)) else {
        return;
    };
    let is_secret = |name: &str| {
        there.model.parameters.iter().any(|one| one.name.text == name && decorator(one.decorators, "secure").is_some())
    };
    for assignment in here.model.assignments.iter().filter(|one| !is_secret(&one.name.text)) {
        let mut names = Vec::new();
        closure(here, assignment.value, &mut Vec::new(), &mut names);
        if let Some(name) = names.into_iter().find(|name| is_secret(name)) {
            let message = format!("`{}` is not secret and gets the secret `{name}`.", assignment.name.text);
            here.lint("secure-params-in-parameters-file", assignment.value.span, message);
        }
    }
}

/// The assignments an expression refers to, variables looked through.
fn closure<'a>(here: &Here<'_, 'a>, value: &'a Expression, open: &mut Vec<Symbol>, names: &mut Vec<&'a str>) {
    let mut found = Vec::new();
    walk::each(value, &mut |one| found.extend(here.model.symbol(one)));
    for symbol in found {
        if open.contains(&symbol) {
            continue;
        }
        open.push(symbol);
        match symbol {
            Symbol::Assignment(at) => {
                if let Some(one) = here.model.assignments.get(at) {
                    names.push(&one.name.text);
                    closure(here, one.value, open, names);
                }
            }
            Symbol::Variable(at) => {
                if let Some(one) = here.model.variables.get(at) {
                    closure(here, one.value, open, names);
                }
            }
            _ => {}
        }
    }
}
