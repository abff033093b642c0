//! Resources and modules in expressions: which one is meant, and whether it is deployed at all.

use super::{Expression, ExpressionKind, Here, Symbol, Type};
use crate::{
    check::model::{self, decorator},
    syntax::ast::Name,
};

impl<'a> Here<'_, 'a> {
    /// Whether what is accessed is a resource or module that may not be deployed.
    pub(super) fn is_conditional(&self, base: &Expression) -> bool {
        let symbol = match &base.inner().kind {
            ExpressionKind::Variable(_) | ExpressionKind::NestedResource { .. } => {
                self.reached(base).filter(|symbol| !self.is_many(*symbol))
            }
            ExpressionKind::Index { base, .. } => self.model.symbol(base).filter(|symbol| self.is_many(*symbol)),
            _ => None,
        };
        // Inside its own declaration a resource is there.
        let is_inside = |symbol| {
            self.model
                .value(symbol)
                .is_some_and(|value| value.span.start <= base.span.start && base.span.end <= value.span.end)
        };
        symbol.is_some_and(|symbol| !is_inside(symbol) && self.may_be_absent(symbol))
    }

    /// Whether a condition decides at run time that something is deployed. A resource inside another depends on its condition too.
    fn may_be_absent(&self, symbol: Symbol) -> bool {
        let condition = self.condition(symbol).map(|condition| self.type_of(condition));
        match symbol {
            Symbol::Module(_) => condition.is_some_and(|ty| !matches!(ty, Type::BoolIs(true))),
            Symbol::Resource(at) => {
                let Some(resource) = self.model.resources.get(at) else { return false };
                let may_lack =
                    resource.declared.existing.is_some() && decorator(resource.decorators, "nullIfNotFound").is_some();
                may_lack
                    || matches!(condition, Some(Type::Bool | Type::BoolIs(false)))
                    || resource.outer.is_some_and(|outer| self.may_be_absent(Symbol::Resource(outer)))
            }
            _ => false,
        }
    }

    /// The condition under which a resource or module is deployed; none where it is `true`.
    pub(crate) fn condition(&self, symbol: Symbol) -> Option<&'a Expression> {
        let mut value = self.model.value(symbol)?;
        if let ExpressionKind::For(each) = &value.kind {
            value = &each.body;
        }
        match &value.kind {
            ExpressionKind::If { condition, .. }
                if !matches!(condition.inner().kind, ExpressionKind::Boolean(true)) =>
            {
                Some(condition)
            }
            _ => None,
        }
    }

    pub(crate) fn is_many(&self, symbol: Symbol) -> bool {
        self.model.value(symbol).is_some_and(|value| matches!(value.kind, ExpressionKind::For(_)))
    }

    /// Properties that are known even where nothing is deployed.
    pub(super) fn always_there(&self, base: &Expression, access: &Expression) -> bool {
        let ExpressionKind::Property { name, .. } = &access.kind else { return false };
        match self.reached(base) {
            Some(Symbol::Resource(_)) => ["id", "name", "type", "apiVersion"].contains(&name.text.as_str()),
            Some(Symbol::Module(_)) => name.text == "name",
            _ => false,
        }
    }

    pub(super) fn nested_symbol(&self, base: &Expression, name: &Name) -> Option<Symbol> {
        let Some(Symbol::Resource(outer)) = self.reached(base) else { return None };
        let is_it =
            |resource: &model::Resource<'_>| resource.outer == Some(outer) && resource.declared.name.text == name.text;
        self.model.resources.iter().position(is_it).map(Symbol::Resource)
    }

    /// The resource or module an expression is: by its name, `outer::inner`, or as an item of a loop.
    pub(crate) fn reached(&self, expression: &Expression) -> Option<Symbol> {
        match &expression.inner().kind {
            ExpressionKind::Variable(_) => {
                self.model.symbol(expression).filter(|one| matches!(one, Symbol::Resource(_) | Symbol::Module(_)))
            }
            ExpressionKind::NestedResource { base, name } => self.nested_symbol(base, name),
            ExpressionKind::NonNull(inner) => self.reached(inner),
            ExpressionKind::Index { base, .. } => self.reached(base).filter(|symbol| self.is_many(*symbol)),
            _ => None,
        }
    }
}
