//! What each name refers to.

use std::collections::{HashMap, HashSet};

use super::{BUILT_IN_TYPES, Local, Model, Symbol, key, names};
use crate::{
    Diagnostic,
    check::{
        functions::{self, Place},
        types::assign::suggestion,
    },
    syntax::ast::{
        ArrayItem, Decorator, Expression, ExpressionKind, Key, Name, Object, ObjectItem, ObjectTypeKey, StatementKind,
        StringLiteral, StringPart, TypeExpression, TypeKind,
    },
};

/// Names that are known at one place of an expression, innermost last.
#[derive(Clone, Default)]
struct Context<'a> {
    locals: Vec<(&'a str, Symbol)>,
    /// The declaration the expression belongs to.
    owner: Option<Symbol>,
    /// In the default of a parameter, which may name parameters only.
    default: bool,
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
            if let StatementKind::Assert { value, .. } | StatementKind::Metadata { value, .. } = &statement.kind {
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

    fn local(&mut self, local: Local<'a>) -> Symbol {
        self.locals.push(local);
        Symbol::Local(self.locals.len() - 1)
    }

    fn decorators(&mut self, all: &'a [Decorator], context: &Context<'a>) {
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

    fn object(&mut self, object: &'a Object, context: &Context<'a>) {
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

    fn string(&mut self, string: &'a StringLiteral, context: &Context<'a>) {
        for part in &string.parts {
            if let StringPart::Expression(part) = part {
                self.expression(part, context);
            }
        }
    }

    fn expression(&mut self, expression: &'a Expression, context: &Context<'a>) {
        match &expression.kind {
            ExpressionKind::Variable(name) => {
                if let Some(symbol) = self.look_up(name, context) {
                    self.bound.insert(key(expression), symbol);
                }
            }
            ExpressionKind::String(string) => self.string(string, context),
            ExpressionKind::Object(object) => self.object(object, context),
            ExpressionKind::Array(items) => {
                for item in items {
                    let (ArrayItem::Value(value) | ArrayItem::Spread(value, _)) = item;
                    self.expression(value, context);
                }
            }
            ExpressionKind::For(each) => {
                self.expression(&each.list, context);
                let mut context = context.clone();
                let item = self.local(Local::Item(&each.item, each));
                context.locals.push((&each.item.text, item));
                if let Some(index) = &each.index {
                    let local = self.local(Local::Index(index));
                    context.locals.push((&index.text, local));
                }
                self.expression(&each.body, &context);
            }
            ExpressionKind::If { condition, body } => {
                self.expression(condition, context);
                self.expression(body, context);
            }
            ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => self.expression(inner, context),
            ExpressionKind::Ternary { condition, then, otherwise } => {
                for part in [condition, then, otherwise] {
                    self.expression(part, context);
                }
            }
            ExpressionKind::Binary { left, right, .. } => {
                self.expression(left, context);
                self.expression(right, context);
            }
            ExpressionKind::Unary { operand, .. } => self.expression(operand, context),
            ExpressionKind::Call { name, arguments } => {
                self.called(name, context);
                for argument in arguments {
                    self.expression(argument, context);
                }
            }
            ExpressionKind::MethodCall { base, arguments, .. } => {
                self.expression(base, context);
                for argument in arguments {
                    self.expression(argument, context);
                }
            }
            ExpressionKind::Property { base, .. } | ExpressionKind::NestedResource { base, .. } => {
                self.expression(base, context);
            }
            ExpressionKind::Index { base, index, .. } => {
                self.expression(base, context);
                self.expression(index, context);
            }
            ExpressionKind::Lambda { parameters, body, .. } => {
                let mut context = context.clone();
                for (at, name) in parameters.iter().enumerate() {
                    let symbol = self.local(Local::Lambda(name));
                    if at == 0 {
                        self.lambdas.insert(key(name), self.locals.len() - 1);
                    }
                    context.locals.push((&name.text, symbol));
                }
                self.expression(body, &context);
            }
            ExpressionKind::Null
            | ExpressionKind::None
            | ExpressionKind::Boolean(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Error => {}
        }
    }

    fn look_up(&mut self, name: &'a Name, context: &Context<'a>) -> Option<Symbol> {
        if name.text.is_empty() {
            return None;
        }
        let local = context.locals.iter().rev().find(|(known, _)| *known == name.text).map(|(_, symbol)| *symbol);
        let found = local.or_else(|| self.names.get(name.text.as_str()).copied());
        let found = found.or_else(|| match name.text.as_str() {
            "sys" => Some(Symbol::Namespace("sys")),
            "az" => Some(Symbol::Namespace("az")),
            "base" if self.source.is_params() => Some(Symbol::Base),
            _ => None,
        });
        let Some(symbol) = found else {
            self.unknown(name, context);
            return None;
        };
        if context.default && matches!(symbol, Symbol::Variable(_) | Symbol::Resource(_) | Symbol::Module(_)) {
            let message = format!("The default of a parameter can refer to parameters only, not to `{}`.", name.text);
            self.report(Diagnostic::error("BCP072", name.span, message));
        }
        if let Symbol::Alias(_) = symbol {
            let message = format!("`{}` is a type, a value is needed.", name.text);
            self.report(Diagnostic::error("BCP288", name.span, message));
        }
        self.refer(symbol, context);
        Some(symbol)
    }

    fn refer(&mut self, symbol: Symbol, context: &Context<'a>) {
        self.used.insert(symbol);
        if let Some(owner) = context.owner {
            self.refers.entry(owner).or_default().push(symbol);
        }
    }

    fn unknown(&self, name: &Name, context: &Context<'a>) {
        let mut known: Vec<&str> = self.names.keys().copied().collect();
        known.extend(context.locals.iter().map(|(name, _)| *name));
        known.sort_unstable();
        let (code, more) = match suggestion(&name.text, known) {
            Some(near) => ("BCP082", format!(" Is `{near}` meant?")),
            None => ("BCP057", String::new()),
        };
        self.report(Diagnostic::error(code, name.span, format!("There is no `{}` here.{more}", name.text)));
    }

    /// A function called by name: one of this file, an imported one, or one of the language.
    fn called(&mut self, name: &'a Name, context: &Context<'a>) {
        match self.names.get(name.text.as_str()).copied() {
            Some(symbol @ (Symbol::Function(_) | Symbol::Import(_))) => {
                self.named.insert(key(name), symbol);
                self.refer(symbol, context);
            }
            Some(_) => {
                let code = if functions::find(&name.text).is_some() { "BCP265" } else { "BCP059" };
                let message = format!("`{}` is no function here.", name.text);
                self.report(Diagnostic::error(code, name.span, message));
            }
            None if functions::find(&name.text).is_some() || name.text.is_empty() => {
                let place = functions::find(&name.text).map(|function| function.place);
                let (code, message) = match place {
                    Some(Place::Defaults) if !context.default => {
                        ("BCP065", "only the default of a parameter may call this")
                    }
                    Some(Place::Params) if !self.source.is_params() => ("BCP057", "only a params file may call this"),
                    _ => return,
                };
                self.report(Diagnostic::error(code, name.span, format!("`{}`: {message}.", name.text)));
            }
            None => {
                let own = self.functions.iter().map(|function| function.name.text.as_str());
                let (code, more) = match suggestion(&name.text, own.chain(functions::names())) {
                    Some(near) => ("BCP082", format!(" Is `{near}` meant?")),
                    None => ("BCP057", String::new()),
                };
                self.report(Diagnostic::error(code, name.span, format!("There is no function `{}`.{more}", name.text)));
            }
        }
    }

    fn ty(&mut self, ty: &'a TypeExpression, context: &Context<'a>) {
        match &ty.kind {
            TypeKind::Name(name) => match self.names.get(name.text.as_str()).copied() {
                Some(symbol @ (Symbol::Alias(_) | Symbol::Import(_) | Symbol::Wildcard(_))) => {
                    self.named.insert(key(name), symbol);
                    self.refer(symbol, context);
                }
                Some(_) => {
                    let message = format!("`{}` is a value, a type is needed.", name.text);
                    self.report(Diagnostic::error("BCP287", name.span, message));
                }
                None if BUILT_IN_TYPES.contains(&name.text.as_str()) => {}
                None if ["sys", "az", ""].contains(&name.text.as_str()) => {}
                None => {
                    self.report(Diagnostic::error("BCP302", name.span, format!("There is no type `{}`.", name.text)));
                }
            },
            TypeKind::Nullable(inner)
            | TypeKind::NonNull(inner)
            | TypeKind::Array(inner)
            | TypeKind::Parenthesized(inner)
            | TypeKind::AdditionalProperties(inner)
            | TypeKind::Items(inner) => self.ty(inner, context),
            TypeKind::Unary { operand, .. } => self.ty(operand, context),
            TypeKind::Property { base, .. } => self.ty(base, context),
            TypeKind::Index { base, index } => {
                self.ty(base, context);
                self.expression(index, context);
            }
            TypeKind::Object(object) => {
                for item in &object.items {
                    self.decorators(&item.decorators, context);
                    if let ObjectTypeKey::Named(Key::String(text)) = &item.key {
                        self.string(text, context);
                    }
                    self.ty(&item.value, context);
                }
            }
            TypeKind::Tuple(items) => {
                for item in items {
                    self.decorators(&item.decorators, context);
                    self.ty(&item.value, context);
                }
            }
            TypeKind::Union(members) => members.iter().for_each(|member| self.ty(member, context)),
            TypeKind::Instantiation { base, arguments, .. } => {
                for argument in arguments {
                    self.ty(argument, context);
                }
                if let Some(base) = base {
                    self.ty(base, context);
                }
            }
            TypeKind::String(_)
            | TypeKind::Integer(_)
            | TypeKind::Boolean(_)
            | TypeKind::Null
            | TypeKind::Resource(_)
            | TypeKind::Error => {}
        }
    }

    /// Reports declarations that refer to themselves (BCP079) or to each other in a circle (BCP080). Types may.
    fn find_circles(&mut self) {
        let counts = |symbol: &Symbol| {
            !matches!(symbol, Symbol::Alias(_) | Symbol::Local(_) | Symbol::Namespace(_) | Symbol::Import(_))
        };
        let next: HashMap<Symbol, Vec<Symbol>> = self
            .refers
            .iter()
            .filter(|(from, _)| counts(from))
            .map(|(from, to)| (*from, to.iter().copied().filter(counts).collect()))
            .collect();
        for start in next.keys().copied() {
            let mut seen = HashSet::new();
            let mut open: Vec<Symbol> = next.get(&start).into_iter().flatten().copied().collect();
            while let Some(symbol) = open.pop() {
                if symbol == start {
                    self.circular.insert(start);
                    break;
                }
                if seen.insert(symbol) {
                    open.extend(next.get(&symbol).into_iter().flatten());
                }
            }
        }
        for symbol in &self.circular {
            let Some(name) = self.name(*symbol) else { continue };
            let itself = next.get(symbol).is_some_and(|to| to.contains(symbol));
            let (code, message) = match itself {
                true => ("BCP079", format!("`{}` refers to itself.", name.text)),
                false => ("BCP080", format!("`{}` refers to itself by way of others.", name.text)),
            };
            self.report(Diagnostic::error(code, name.span, message));
        }
    }
}
