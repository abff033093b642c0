//! The linter's rules, each under the compiler's name for it.
//!
//! Left out, because nothing here can break them: those about virtual machines, deployment scripts, nested templates, artifacts,
//! assertions and modules of registries.

mod depends;
mod descriptions;
mod ids;
mod locations;
mod parents;
mod secrets;
mod style;
mod unused;
mod values;
mod versions;
pub(crate) mod walk;
mod what_if;

use super::{infer::Here, model::key};
use crate::{
    Diagnostic, Span,
    syntax::ast::{Decorator, Expression, ExpressionKind, StatementKind},
};

/// Checks a file by every rule.
pub(super) fn check(here: &Here<'_, '_>, today: Option<&str>) {
    unused::check(here);
    descriptions::check(here);
    style::check(here);
    values::check(here);
    locations::check(here);
    secrets::check(here);
    ids::check(here);
    parents::check(here);
    depends::check(here);
    what_if::check(here);
    if let Some(today) = today {
        versions::check(here, today);
    }
}

impl<'a> Here<'_, 'a> {
    /// A finding of a rule: an error, as `bicepconfig.json` has it.
    pub(super) fn lint(&self, rule: &'static str, span: Span, message: impl Into<String>) {
        self.model.report(Diagnostic::error(rule, span, message));
    }

    /// Every expression that a declaration of the file has as its value, decorators left out.
    pub(super) fn roots(&self) -> Vec<&'a Expression> {
        let model = self.model;
        let mut all: Vec<&'a Expression> = Vec::new();
        all.extend(model.parameters.iter().filter_map(|one| one.default));
        all.extend(model.variables.iter().map(|one| one.value));
        all.extend(model.resources.iter().map(|one| &one.declared.value));
        all.extend(model.modules.iter().map(|one| one.value));
        all.extend(model.outputs.iter().map(|one| one.value));
        all.extend(model.functions.iter().map(|one| one.body));
        all.extend(model.assignments.iter().map(|one| one.value));
        for statement in &model.others {
            if let StatementKind::Assert { value, .. } = &statement.kind {
                all.push(value);
            }
        }
        all
    }

    /// Every expression of the file, the outer ones first.
    pub(super) fn expressions(&self) -> Vec<&'a Expression> {
        let mut all = Vec::new();
        for root in self.roots() {
            walk::each(root, &mut |one| all.push(one));
        }
        all
    }

    /// The name and arguments of a function of the language that an expression calls.
    pub(super) fn call_of(&self, expression: &'a Expression) -> Option<(&'a str, &'a [Expression])> {
        match &expression.kind {
            ExpressionKind::Call { name, arguments } if !self.model.named.contains_key(&key(name)) => {
                Some((&name.text, arguments))
            }
            ExpressionKind::MethodCall { base, name, arguments } => {
                let space = self.model.symbol(base)?;
                matches!(space, super::model::Symbol::Namespace(_))
                    .then_some((name.text.as_str(), arguments.as_slice()))
            }
            _ => None,
        }
    }
}

/// Whether a declaration has `@secure()`.
pub(super) fn is_secure(decorators: &[Decorator]) -> bool {
    super::model::decorator(decorators, "secure").is_some()
}
