//! How things are written: quotes, interpolation, plain types, names of modules.

use super::Here;
use crate::{
    check::{
        model::{decorator, key},
        types::{Type, assign::assignable},
    },
    syntax::ast::{Expression, ExpressionKind, Key, StringLiteral, StringPart, TypeExpression, TypeKind},
};

pub(super) fn check(here: &Here<'_, '_>) {
    for one in here.expressions() {
        match &one.kind {
            ExpressionKind::Object(object) => {
                for property in object.properties() {
                    if let Key::String(text) = &property.key {
                        unquoted(here, text);
                    }
                    uninterpolated(here, &property.value);
                }
            }
            ExpressionKind::Index { index, from_end: false, .. } => {
                if let ExpressionKind::String(text) = &index.kind {
                    unquoted(here, text);
                }
            }
            _ => {}
        }
        match here.call_of(one) {
            Some(("concat", arguments)) if arguments.len() > 1 => {
                let ty = here.type_of(one);
                if !matches!(ty, Type::Any) && assignable(&ty, &Type::text()) {
                    here.lint("prefer-interpolation", one.span, "Write `'${a}${b}'` instead of `concat(a, b)`.");
                }
            }
            Some(("json", [argument])) => {
                if let ExpressionKind::String(text) = &argument.kind
                    && text.literal().is_some_and(|text| text.trim() == "null")
                {
                    here.lint("simplify-json-null", one.span, "Write `null`.");
                }
            }
            _ => {}
        }
    }
    let model = here.model;
    let values = model.variables.iter().map(|one| one.value);
    let values = values.chain(model.outputs.iter().map(|one| one.value));
    for value in values.chain(model.parameters.iter().filter_map(|one| one.default)) {
        uninterpolated(here, value);
    }
    for module in &model.modules {
        if let Some(name) = module.value.body().and_then(|body| body.property("name")) {
            here.lint("no-module-name", name.span, "The compiler names the deployments of modules.");
        }
    }
    for resource in &model.resources {
        if resource.kind.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            here.lint("no-deployments-resources", resource.declared.ty.span, "Write a module.");
        }
    }
    types(here);
    metadata(here);
}

/// A key or index in quotes that needs none.
fn unquoted(here: &Here<'_, '_>, text: &StringLiteral) {
    let Some(name) = text.literal() else { return };
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
        && !["true", "false", "null"].contains(&name);
    if is_name {
        here.lint("prefer-unquoted-property-names", text.span, format!("Write `{name}` without quotes."));
    }
}

/// `'${x}'` where x is a text already.
fn uninterpolated<'a>(here: &Here<'_, 'a>, value: &'a Expression) {
    let ExpressionKind::String(StringLiteral { parts, .. }) = &value.kind else { return };
    let [StringPart::Expression(only)] = parts.as_slice() else { return };
    let ty = here.type_of(only);
    if !matches!(ty, Type::Any) && assignable(&ty, &Type::text()) {
        here.lint("simplify-interpolation", value.span, "The text in it can stand alone.");
    }
}

/// `object`, `array` and `any`, in any type that is written.
fn types(here: &Here<'_, '_>) {
    let model = here.model;
    let mut all: Vec<&TypeExpression> = Vec::new();
    all.extend(model.parameters.iter().filter_map(|one| one.ty));
    all.extend(model.variables.iter().filter_map(|one| one.ty));
    all.extend(model.outputs.iter().map(|one| one.ty));
    all.extend(model.aliases.iter().map(|one| one.value));
    for function in &model.functions {
        all.extend(function.parameters.iter().map(|one| &one.ty));
        all.push(function.returns);
    }
    while let Some(ty) = all.pop() {
        match &ty.kind {
            TypeKind::Name(name) if !model.named.contains_key(&key(name)) => match name.text.as_str() {
                "object" | "array" => {
                    let message = format!("`{}` says nothing: write `{{ *: string }}`, `string[]`, …", name.text);
                    here.lint("use-user-defined-types", name.span, message);
                }
                "any" => here.lint("no-explicit-any", name.span, "`any` switches the checks off."),
                _ => {}
            },
            TypeKind::Property { base, name } if name.text == "any" => {
                if matches!(&base.kind, TypeKind::Name(space) if space.text == "sys") {
                    here.lint("no-explicit-any", base.span, "`any` switches the checks off.");
                }
            }
            TypeKind::Nullable(inner)
            | TypeKind::NonNull(inner)
            | TypeKind::Array(inner)
            | TypeKind::Parenthesized(inner)
            | TypeKind::Items(inner)
            | TypeKind::AdditionalProperties(inner) => all.push(inner),
            TypeKind::Property { base, .. } | TypeKind::Index { base, .. } => all.push(base),
            TypeKind::Union(members) => all.extend(members),
            TypeKind::Tuple(items) => all.extend(items.iter().map(|item| &item.value)),
            TypeKind::Object(object) => all.extend(object.items.iter().map(|item| &item.value)),
            TypeKind::Instantiation { arguments, .. } => all.extend(arguments),
            _ => {}
        }
    }
}

/// `@metadata({ description: … })` beside `@description`.
fn metadata(here: &Here<'_, '_>) {
    let model = here.model;
    let all = model.parameters.iter().map(|one| one.decorators);
    let all = all.chain(model.outputs.iter().map(|one| one.decorators));
    for decorators in all.chain(model.aliases.iter().map(|one| one.decorators)) {
        let Some([Expression { kind: ExpressionKind::Object(object), .. }]) = decorator(decorators, "metadata") else {
            continue;
        };
        if let Some(property) = object.property("description")
            && decorator(decorators, "description").is_some()
        {
            here.lint("no-conflicting-metadata", property.key.span(), "`@description` says the same.");
        }
    }
}
