//! What each name refers to.

use std::collections::HashSet;

use super::{Local, Model, Symbol, names};
use crate::{
    Diagnostic,
    syntax::ast::{Decorator, Key, Object, ObjectItem, StatementKind, StringLiteral, StringPart},
};

/// Names that are known at one place of an expression, innermost last.
#[derive(Clone, Default)]
pub(super) struct Context<'a> {
    pub locals: Vec<(&'a str, Symbol)>,
    /// The declaration the expression belongs to.
    pub owner: Option<Symbol>,
    /// In the default of a parameter, which may name parameters only.
    pub default: bool,
}

impl<'a> Model<'a> {
    /// Resolves every name of the file.
    pub(super) fn bind(&mut self) {
        self.bind_simple();
        for at in 0..self.functions.len() {
            let (parameters, returns, body, decorators) = {
                let one = &self.functions[at];
                (one.parameters, one.returns, one.body, one.decorators)
            };
            let mut context = Context { owner: Some(Symbol::Function(at)), ..Context::default() };
            self.decorators(decorators, &context);
            for parameter in parameters {
                self.ty(&parameter.ty, &context);
                let symbol = self.local(Local::Argument(parameter));
                context.locals.push((&parameter.name.text, symbol));
            }
            self.ty(returns, &context);
            self.expression(body, &context);
        }
        for at in 0..self.resources.len() {
            // Those inside another are reached from it, where the names beside them are known.
            if self.resources[at].outer.is_none() {
                self.resource_at(at, &Context::default());
            }
        }
        self.find_circles();
    }

    fn bind_simple(&mut self) {
        for at in 0..self.parameters.len() {
            let (ty, default, decorators) = {
                let one = &self.parameters[at];
                (one.ty, one.default, one.decorators)
            };
            let context = Context { owner: Some(Symbol::Parameter(at)), ..Context::default() };
            self.decorators(decorators, &context);
            if let Some(ty) = ty {
                self.ty(ty, &context);
            }
            if let Some(default) = default {
                self.expression(default, &Context { default: true, ..context });
            }
        }
        for at in 0..self.variables.len() {
            let (ty, value, decorators) = {
                let one = &self.variables[at];
                (one.ty, one.value, one.decorators)
            };
            let context = Context { owner: Some(Symbol::Variable(at)), ..Context::default() };
            self.decorators(decorators, &context);
            if let Some(ty) = ty {
                self.ty(ty, &context);
            }
            self.expression(value, &context);
        }
        for at in 0..self.modules.len() {
            let (value, decorators) = (self.modules[at].value, self.modules[at].decorators);
            let context = Context { owner: Some(Symbol::Module(at)), ..Context::default() };
            self.decorators(decorators, &context);
            self.expression(value, &context);
        }
        for at in 0..self.aliases.len() {
            let (value, decorators) = (self.aliases[at].value, self.aliases[at].decorators);
            let context = Context { owner: Some(Symbol::Alias(at)), ..Context::default() };
            self.decorators(decorators, &context);
            self.ty(value, &context);
        }
        for at in 0..self.outputs.len() {
            let (ty, value, decorators) = {
                let one = &self.outputs[at];
                (one.ty, one.value, one.decorators)
            };
            let context = Context { owner: Some(Symbol::Output(at)), ..Context::default() };
            self.decorators(decorators, &context);
            self.ty(ty, &context);
            self.expression(value, &context);
        }
        for at in 0..self.assignments.len() {
            let value = self.assignments[at].value;
            let context = Context { owner: Some(Symbol::Assignment(at)), ..Context::default() };
            self.expression(value, &context);
        }
        for at in 0..self.others.len() {
            let statement = self.others[at];
            self.decorators(&statement.decorators, &Context::default());
            if let StatementKind::Assert { value, .. }
            | StatementKind::Metadata { value, .. }
            | StatementKind::Using { config: Some(value), .. } = &statement.kind
            {
                self.expression(value, &Context::default());
            }
        }
    }

    fn resource_at(&mut self, at: usize, outside: &Context<'a>) {
        let (declared, decorators) = (self.resources[at].declared, self.resources[at].decorators);
        let context = Context { owner: Some(Symbol::Resource(at)), ..outside.clone() };
        self.decorators(decorators, &context);
        self.expression(&declared.value, &context);
    }

    pub(super) fn local(&mut self, local: Local<'a>) -> Symbol {
        self.locals.push(local);
        Symbol::Local(self.locals.len() - 1)
    }

    pub(super) fn decorators(&mut self, all: &'a [Decorator], context: &Context<'a>) {
        let mut seen = HashSet::new();
        for decorator in all {
            let Some((name, arguments)) = names::parts(decorator) else { continue };
            let span = decorator.expression.span;
            match names::DECORATORS.iter().find(|(known, _)| *known == name) {
                None => {
                    let message = format!("There is no decorator `{name}`.");
                    self.report(Diagnostic::error("BCP057", span, message));
                }
                Some((_, count)) if *count != arguments.len() => {
                    let message = format!("`@{name}` takes {count} arguments, not {}.", arguments.len());
                    self.report(Diagnostic::error("BCP071", span, message));
                }
                Some(_) if !seen.insert(name) => {
                    self.report(Diagnostic::error("BCP166", decorator.span, format!("`@{name}` stands here twice.")));
                }
                Some(_) => {}
            }
            for argument in arguments {
                self.expression(argument, context);
            }
        }
    }

    pub(super) fn object(&mut self, object: &'a Object, context: &Context<'a>) {
        let mut context = context.clone();
        let inner: Vec<usize> = object.items.iter().filter_map(|item| self.inner(item)).collect();
        for at in &inner {
            context.locals.push((&self.resources[*at].declared.name.text, Symbol::Resource(*at)));
        }
        for item in &object.items {
            match item {
                ObjectItem::Property(property) => {
                    if let Key::String(text) = &property.key {
                        self.string(text, &context);
                    }
                    self.expression(&property.value, &context);
                }
                ObjectItem::Spread(value, _) => self.expression(value, &context),
                ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
            }
        }
        for at in inner {
            self.resource_at(at, &context);
        }
    }

    fn inner(&self, item: &ObjectItem) -> Option<usize> {
        let ObjectItem::Resource(statement) = item else { return None };
        let StatementKind::Resource(declared) = &statement.kind else { return None };
        self.resources.iter().position(|resource| std::ptr::eq(resource.declared, declared))
    }

    pub(super) fn string(&mut self, string: &'a StringLiteral, context: &Context<'a>) {
        for part in &string.parts {
            if let StringPart::Expression(part) = part {
                self.expression(part, context);
            }
        }
    }
}
