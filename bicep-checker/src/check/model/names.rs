//! Names that the language brings.

use crate::syntax::ast::{Decorator, Expression, ExpressionKind};

/// Types that every file knows.
pub(crate) const BUILT_IN_TYPES: [&str; 6] = ["string", "int", "bool", "object", "array", "any"];

/// Decorators and the number of their arguments.
pub(super) const DECORATORS: [(&str, usize); 18] = [
    ("description", 1),
    ("secure", 0),
    ("allowed", 1),
    ("minValue", 1),
    ("maxValue", 1),
    ("minLength", 1),
    ("maxLength", 1),
    ("metadata", 1),
    ("batchSize", 1),
    ("waitUntil", 2),
    ("retryOn", 2),
    ("onlyIfNotExists", 0),
    ("nullIfNotFound", 0),
    ("patch", 0),
    ("sealed", 0),
    ("discriminator", 1),
    ("export", 0),
    ("validate", 2),
];

/// The decorator of that name with its arguments.
pub(crate) fn decorator<'a>(all: &'a [Decorator], name: &str) -> Option<&'a [Expression]> {
    all.iter().find_map(|one| parts(one).filter(|(found, _)| *found == name).map(|(_, arguments)| arguments))
}

/// The name of a decorator and its arguments; `sys.` before it changes nothing.
pub(crate) fn parts(decorator: &Decorator) -> Option<(&str, &[Expression])> {
    match &decorator.expression.kind {
        ExpressionKind::Call { name, arguments } | ExpressionKind::MethodCall { name, arguments, .. } => {
            Some((&name.text, arguments))
        }
        _ => None,
    }
}
