//! What names stand for: variables, imports, functions, resources.

use super::{evaluate::Evaluator, resources, scope::Scope, value::Value};
use crate::syntax::ast::{Expression, ExpressionKind, Statement, StatementKind};

impl Evaluator<'_> {
    pub(super) fn named(&self, name: &str, scope: &Scope) -> Value {
        if let Some(value) = scope.get(name) {
            return value.clone();
        }
        match self.context.find(&scope.path, name) {
            Some((path, statement)) => self.declared(&path, statement),
            None => Value::Computed,
        }
    }

    fn declared(&self, path: &str, statement: &Statement) -> Value {
        match &statement.kind {
            StatementKind::Parameter { name, .. } => {
                self.context.parameter(path, &name.text).cloned().unwrap_or_else(|| Value::named(&name.text))
            }
            StatementKind::Variable { name, value, .. } => {
                let key = (path.to_owned(), name.text.clone());
                if let Some(known) = self.variables.borrow().get(&key) {
                    return known.clone();
                }
                let made = self.deeper(|| self.value(value, &Scope::new(path)));
                self.variables.borrow_mut().insert(key, made.clone());
                made
            }
            StatementKind::Resource(resource) => Value::symbol(&resource.name.text),
            StatementKind::Module { name, .. } => Value::symbol(&name.text),
            _ => Value::Computed,
        }
    }

    pub(super) fn property(&self, base: &Expression, name: &str, scope: &Scope) -> Value {
        if let ExpressionKind::Variable(alias) = &base.kind
            && scope.get(&alias.text).is_none()
            && let Some((path, statement)) = self.context.find_in(&scope.path, &alias.text, name)
        {
            return self.declared(&path, statement);
        }
        self.value(base, scope).property(name)
    }

    /// `parent::child`, under the name that the child has as a statement of its own.
    pub(super) fn nested(&self, base: &Expression, name: &str, scope: &Scope) -> Value {
        let (Value::Reference(base), Some(file)) = (self.value(base, scope), self.context.file(&scope.path)) else {
            return Value::Computed;
        };
        resources::nested(file, &base.path, name).map_or(Value::Computed, Value::symbol)
    }

    pub(super) fn method(&self, base: &Expression, name: &str, arguments: &[Expression], scope: &Scope) -> Value {
        let ExpressionKind::Variable(alias) = &base.kind else { return Value::Computed };
        if let Some((path, statement)) = self.context.find_in(&scope.path, &alias.text, name) {
            return self.user_function(&path, statement, arguments, scope);
        }
        if matches!(alias.text.as_str(), "sys" | "az") { self.builtin(name, arguments, scope) } else { Value::Computed }
    }

    pub(super) fn call(&self, name: &str, arguments: &[Expression], scope: &Scope) -> Value {
        match self.context.find(&scope.path, name) {
            Some((path, statement)) => self.user_function(&path, statement, arguments, scope),
            None => self.builtin(name, arguments, scope),
        }
    }

    fn user_function(&self, path: &str, statement: &Statement, arguments: &[Expression], scope: &Scope) -> Value {
        let StatementKind::Function { parameters, body, .. } = &statement.kind else { return Value::Computed };
        let mut inner = Scope::new(path);
        for (parameter, argument) in parameters.iter().zip(arguments) {
            inner = inner.with(&parameter.name.text, self.value(argument, scope));
        }
        self.deeper(|| self.value(body, &inner))
    }
}
