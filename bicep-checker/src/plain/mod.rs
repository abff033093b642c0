//! The plain form: a Bicep file in the small part of the language that scanners read.
//!
//! Scanners such as checkov bring parsers of their own, which know no user types, imports, functions, lambdas or spreads, and
//! pass over a file that has one. The plain form of a file says the same in what they do read, for one environment:
//!
//! - What can be computed from the parameters of that environment is written as its value: variables, imports, functions,
//!   ternaries, and what a module is given by `main.bicep`. What only Azure knows (an id, an endpoint) stays a reference.
//!   What is neither is the name `computed`, which equals no value that a rule could want.
//! - A resource in a loop is written once, its item under the item's name, and one with a condition without it: scanners look at
//!   the body of a resource only where it stands by itself. Lists made by a loop are written with one item for the same reason.
//! - Resources nested in others become statements with `parent`.
//! - Parameters have one of the five simple types. A default is left to `@secure()` parameters, where it is what a rule looks
//!   for; variables are left out. checkov takes a name in one file for the variable or default of that name in another.
//!
//! It is for scanners only: nothing of it is compiled or deployed.

mod builtin;
mod context;
mod environment;
mod evaluate;
mod kinds;
mod names;
mod operators;
mod print;
mod resources;
mod scope;
mod value;

pub use context::Context;
use evaluate::Evaluator;
use print::Printer;
pub use resources::{Declared, resources};
use scope::Scope;
use value::Value;

use crate::syntax::ast::{Decorator, ExpressionKind, Statement, StatementKind};

/// The plain form of the file of that path in the context; of a file that is not there, that of an empty one.
pub fn plain(path: &str, context: &Context) -> String {
    let evaluator = Evaluator::new(context);
    let scope = Scope::new(path);
    let mut printer = Printer::default();
    let statements = context.file(path).map(|file| file.statements.as_slice()).unwrap_or_default();
    printer.line(&format!("targetScope = '{}'", target_scope(statements)));
    for statement in statements {
        match &statement.kind {
            StatementKind::Parameter { name, ty, default } => {
                let is_secure = statement.decorators.iter().any(is_secure);
                if is_secure {
                    printer.line("@secure()");
                }
                let kind = ty.as_ref().map_or("string", |ty| kinds::kind(context, path, ty));
                let default = default.as_ref().filter(|_| is_secure).map(|value| evaluator.value(value, &scope));
                printer.statement(&format!("param {} {kind}", name.text), default.as_ref());
            }
            StatementKind::Module { name, path, value } => {
                let value = evaluator.body(value, &scope);
                let path = Value::text_of(path.literal().unwrap_or_default());
                printer.statement(&format!("module {} {}", name.text, print::inline(&path)), Some(&value));
            }
            StatementKind::Output { name, ty, value } => {
                let kind = kinds::kind(context, path, ty);
                let value = evaluator.value(value, &scope);
                printer.statement(&format!("output {} {kind}", name.text), Some(&value));
            }
            StatementKind::Resource(resource) => {
                for found in resources::all(context, path, resource) {
                    let value = evaluator.resource(&found, &scope);
                    let existing = if found.declared.existing { " existing" } else { "" };
                    let Declared { symbol, ty, version, .. } = &found.declared;
                    printer.statement(&format!("resource {symbol} '{ty}@{version}'{existing}"), Some(&value));
                }
            }
            _ => {}
        }
    }
    printer.text
}

/// The scope of a file; the compiler takes a file without one for a part of a resource group.
fn target_scope(statements: &[Statement]) -> &str {
    let written = statements.iter().find_map(|statement| match &statement.kind {
        StatementKind::TargetScope(value) => match &value.kind {
            ExpressionKind::String(text) => text.literal(),
            _ => None,
        },
        _ => None,
    });
    written.unwrap_or("resourceGroup")
}

fn is_secure(decorator: &Decorator) -> bool {
    match &decorator.expression.kind {
        ExpressionKind::Call { name, .. } | ExpressionKind::MethodCall { name, .. } => name.text == "secure",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
