//! The simple type behind a type.

use super::context::Context;
use crate::syntax::ast::{StatementKind, TypeExpression, TypeKind};

/// How many types may stand for each other before it is taken for a circle.
const DEPTH: usize = 16;

/// `string`, `int`, `bool`, `array` or `object`, whatever the type of a parameter or output comes down to.
pub(super) fn kind(context: &Context, path: &str, ty: &TypeExpression) -> &'static str {
    found(context, path, ty, DEPTH).unwrap_or("object")
}

fn found(context: &Context, path: &str, ty: &TypeExpression, depth: usize) -> Option<&'static str> {
    let depth = depth.checked_sub(1)?;
    let named = |name: &str| {
        let (path, statement) = context.find(path, name)?;
        match &statement.kind {
            StatementKind::Type { value, .. } => found(context, &path, value, depth),
            _ => None,
        }
    };
    match &ty.kind {
        TypeKind::Name(name) => match name.text.as_str() {
            "string" => Some("string"),
            "int" => Some("int"),
            "bool" => Some("bool"),
            "array" => Some("array"),
            "object" => Some("object"),
            name => named(name),
        },
        TypeKind::String(_) => Some("string"),
        TypeKind::Integer(_) => Some("int"),
        TypeKind::Boolean(_) => Some("bool"),
        TypeKind::Unary { operand, .. } => found(context, path, operand, depth),
        TypeKind::Nullable(inner) | TypeKind::NonNull(inner) | TypeKind::Parenthesized(inner) => {
            found(context, path, inner, depth)
        }
        TypeKind::Array(_) | TypeKind::Tuple(_) => Some("array"),
        TypeKind::Union(members) => members.iter().find_map(|member| found(context, path, member, depth)),
        TypeKind::Property { base, name } => match &base.kind {
            TypeKind::Name(sys) if sys.text == "sys" => match name.text.as_str() {
                "string" => Some("string"),
                "int" => Some("int"),
                "bool" => Some("bool"),
                "array" => Some("array"),
                _ => None,
            },
            TypeKind::Name(alias) => {
                let (path, statement) = context.find_in(path, &alias.text, &name.text)?;
                match &statement.kind {
                    StatementKind::Type { value, .. } => found(context, &path, value, depth),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}
