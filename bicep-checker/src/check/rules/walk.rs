//! Expressions inside expressions.

use crate::syntax::ast::{ArrayItem, Expression, ExpressionKind, Key, ObjectItem, StringLiteral, StringPart};

/// The expressions directly inside one. Resources inside a resource's body are not among them.
pub(crate) fn children(expression: &Expression) -> Vec<&Expression> {
    match &expression.kind {
        ExpressionKind::String(string) => interpolated(string).collect(),
        ExpressionKind::Object(object) => {
            let mut all = Vec::new();
            for item in &object.items {
                match item {
                    ObjectItem::Property(property) => {
                        if let Key::String(text) = &property.key {
                            all.extend(interpolated(text));
                        }
                        all.push(&property.value);
                    }
                    ObjectItem::Spread(value, _) => all.push(value),
                    ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
                }
            }
            all
        }
        ExpressionKind::Array(items) => items
            .iter()
            .map(|item| {
                let (ArrayItem::Value(value) | ArrayItem::Spread(value, _)) = item;
                value
            })
            .collect(),
        ExpressionKind::For(each) => vec![&each.list, &each.body],
        ExpressionKind::If { condition, body } => vec![condition, body],
        ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => vec![inner],
        ExpressionKind::Ternary { condition, then, otherwise } => vec![condition, then, otherwise],
        ExpressionKind::Binary { left, right, .. } => vec![left, right],
        ExpressionKind::Unary { operand, .. } => vec![operand],
        ExpressionKind::Call { arguments, .. } => arguments.iter().collect(),
        ExpressionKind::MethodCall { base, arguments, .. } => std::iter::once(&**base).chain(arguments).collect(),
        ExpressionKind::Property { base, .. } | ExpressionKind::NestedResource { base, .. } => vec![base],
        ExpressionKind::Index { base, index, .. } => vec![base, index],
        ExpressionKind::Lambda { body, .. } => vec![body],
        ExpressionKind::Null
        | ExpressionKind::None
        | ExpressionKind::Boolean(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Variable(_)
        | ExpressionKind::Error => Vec::new(),
    }
}

fn interpolated(string: &StringLiteral) -> impl Iterator<Item = &Expression> {
    string.parts.iter().filter_map(|part| match part {
        StringPart::Expression(part) => Some(part),
        StringPart::Text { .. } => None,
    })
}

/// Visits an expression and all inside it, the outer ones first.
pub(crate) fn each<'a>(expression: &'a Expression, visit: &mut impl FnMut(&'a Expression)) {
    visit(expression);
    for child in children(expression) {
        each(child, visit);
    }
}

/// Whether it or one inside it is so.
pub(crate) fn any(expression: &Expression, is: &mut impl FnMut(&Expression) -> bool) -> bool {
    is(expression) || children(expression).into_iter().any(|child| any(child, is))
}
