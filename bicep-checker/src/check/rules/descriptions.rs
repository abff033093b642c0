//! A description on everything that people read: parameters, outputs, variables, types and their properties.

use super::Here;
use crate::{
    Span,
    check::model::decorator,
    syntax::ast::{Decorator, ExpressionKind, ObjectTypeKey, TypeExpression, TypeKind},
};

pub(super) fn check(here: &Here<'_, '_>) {
    let model = here.model;
    for one in &model.parameters {
        described(here, "use-description-params", &one.name.text, one.name.span, one.decorators);
        one.ty.into_iter().for_each(|ty| properties(here, ty));
    }
    for one in &model.outputs {
        described(here, "use-description-outputs", &one.name.text, one.name.span, one.decorators);
        properties(here, one.ty);
    }
    for one in &model.variables {
        described(here, "use-description-vars", &one.name.text, one.name.span, one.decorators);
    }
    for one in &model.aliases {
        if decorator(one.decorators, "discriminator").is_none() {
            described(here, "use-description-types", &one.name.text, one.name.span, one.decorators);
        }
        properties(here, one.value);
    }
}

fn described(here: &Here<'_, '_>, rule: &'static str, name: &str, at: Span, decorators: &[Decorator]) {
    match decorator(decorators, "description") {
        None => here.lint(rule, at, format!("`{name}` has no `@description`.")),
        Some([text]) => {
            if let ExpressionKind::String(string) = &text.kind
                && string.literal().is_some_and(|text| text.trim().is_empty())
            {
                here.lint(rule, text.span, format!("The description of `{name}` is empty."));
            }
        }
        Some(_) => {}
    }
}

/// The properties of the object types inside a type.
fn properties(here: &Here<'_, '_>, ty: &TypeExpression) {
    match &ty.kind {
        TypeKind::Object(object) => {
            for item in &object.items {
                let (name, at) = match &item.key {
                    ObjectTypeKey::Named(key) => (key.text().unwrap_or_default(), key.span()),
                    ObjectTypeKey::Any(at) => ("*", *at),
                };
                described(here, "use-description-type-properties", name, at, &item.decorators);
                properties(here, &item.value);
            }
        }
        TypeKind::Nullable(inner)
        | TypeKind::NonNull(inner)
        | TypeKind::Array(inner)
        | TypeKind::Parenthesized(inner) => properties(here, inner),
        TypeKind::Union(members) => members.iter().for_each(|member| properties(here, member)),
        TypeKind::Tuple(items) => items.iter().for_each(|item| properties(here, &item.value)),
        _ => {}
    }
}
