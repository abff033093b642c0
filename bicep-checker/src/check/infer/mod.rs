//! The type of every expression.
//!
//! An expression is looked at once; what is wrong inside it is reported then. Where something is wrong its type is `any`, so that
//! one mistake is one finding.

mod access;
mod calls;
mod deployed;
mod files;
mod literals;
mod operators;
mod results;
mod written;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    path::PathBuf,
    rc::Rc,
};

pub(crate) use literals::{length, lengths};

use super::{
    functions,
    model::{Local, Model, Source, Symbol, key},
    types::{
        Azure, Flags, Integers, Level, List, Object, Rest, Text, Type,
        assign::{assignable, assignable_without_null},
    },
};
use crate::{
    Diagnostic,
    syntax::ast::{Expression, ExpressionKind},
};

/// All files of a folder, with what is worked out about them on demand.
pub(crate) struct Checker<'a> {
    pub models: Vec<Model<'a>>,
    pub azure: Option<Azure>,
    /// Types that are declared, by file and place; one that is being worked out is empty.
    aliases: RefCell<HashMap<(usize, usize), Definition>>,
    pub resources: RefCell<HashMap<(usize, usize), Rc<super::types::Resource>>>,
    pub modules: RefCell<HashMap<(usize, usize), Rc<Object>>>,
    /// Data files that were loaded, so that the report can name those nobody loads.
    pub loaded: RefCell<Vec<PathBuf>>,
}

/// A type that is worked out once.
type Definition = Rc<OnceCell<Type>>;

/// One file among them.
#[derive(Clone, Copy)]
pub(crate) struct Here<'c, 'a> {
    pub all: &'c Checker<'a>,
    pub model: &'c Model<'a>,
    pub at: usize,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(models: Vec<Model<'a>>, azure: Option<Azure>) -> Self {
        Self {
            models,
            azure,
            aliases: RefCell::default(),
            resources: RefCell::default(),
            modules: RefCell::default(),
            loaded: RefCell::default(),
        }
    }

    /// The file at this place; the places are those of [`Self::models`].
    pub(crate) fn file(&self, at: usize) -> Option<Here<'_, 'a>> {
        self.models.get(at).map(|model| Here { all: self, model, at })
    }
}

impl<'c, 'a> Here<'c, 'a> {
    pub(crate) fn source(&self) -> &'a Source {
        self.model.source
    }

    pub(crate) fn error(&self, code: &'static str, span: crate::Span, message: impl Into<String>) {
        self.model.report(Diagnostic::error(code, span, message));
    }

    pub(crate) fn warn(&self, code: &'static str, span: crate::Span, message: impl Into<String>) {
        self.model.report(Diagnostic::warning(code, span, message));
    }

    /// The type of an expression.
    pub(crate) fn type_of(&self, expression: &'a Expression) -> Type {
        if let Some(known) = self.model.types.borrow().get(&key(expression)) {
            return known.clone();
        }
        let found = self.work_out(expression).now();
        self.model.types.borrow_mut().insert(key(expression), found.clone());
        found
    }

    fn work_out(&self, expression: &'a Expression) -> Type {
        match &expression.kind {
            ExpressionKind::Null => Type::Null,
            ExpressionKind::None | ExpressionKind::Error => Type::Any,
            ExpressionKind::Boolean(value) => Type::BoolIs(*value),
            ExpressionKind::Integer(value) => i64::try_from(*value).map_or_else(|_| Type::int(), Type::IntIs),
            ExpressionKind::String(string) => self.string(string),
            ExpressionKind::Object(object) => self.object(object),
            ExpressionKind::Array(items) => self.array(items),
            ExpressionKind::For(each) => {
                let list = self.type_of(&each.list);
                self.expect_list(&list, &each.list);
                Type::list(self.type_of(&each.body))
            }
            ExpressionKind::If { condition, body } => {
                self.expect_bool(condition);
                self.type_of(body)
            }
            ExpressionKind::Parenthesized(inner) => self.type_of(inner),
            ExpressionKind::Ternary { condition, then, otherwise } => {
                self.expect_bool(condition);
                Type::union([self.type_of(then), self.type_of(otherwise)])
            }
            ExpressionKind::Binary { operator, operator_span, left, right } => {
                self.binary(*operator, *operator_span, left, right)
            }
            ExpressionKind::Unary { operator, operand } => self.unary(*operator, operand, expression.span),
            ExpressionKind::Variable(_) => {
                self.model.bound.get(&key(expression)).map_or(Type::Any, |symbol| self.symbol(*symbol))
            }
            ExpressionKind::Call { name, arguments } => self.call(name, arguments, expression),
            ExpressionKind::MethodCall { base, name, arguments } => self.method(base, name, arguments, expression),
            ExpressionKind::Property { .. } | ExpressionKind::Index { .. } => self.accessed(expression),
            ExpressionKind::NestedResource { base, name } => self.nested(base, name),
            ExpressionKind::NonNull(inner) => {
                let ty = self.type_of(inner);
                ty.without_null().unwrap_or(ty)
            }
            ExpressionKind::Lambda { parameters, body, .. } => {
                Type::Lambda(parameters.len(), Rc::new(self.type_of(body)))
            }
        }
    }

    /// The type of what a symbol stands for.
    pub(crate) fn symbol(&self, symbol: Symbol) -> Type {
        if self.model.circular.contains(&symbol) {
            return Type::Any;
        }
        match symbol {
            Symbol::Parameter(at) => self.parameter(at),
            Symbol::Variable(at) => match self.model.variables.get(at) {
                Some(variable) => match variable.ty {
                    Some(ty) => self.decorated(self.written(ty), variable.decorators, false),
                    None => self.type_of(variable.value),
                },
                None => Type::Any,
            },
            Symbol::Assignment(at) => {
                self.model.assignments.get(at).map_or(Type::Any, |assignment| self.type_of(assignment.value))
            }
            Symbol::Resource(at) => {
                let ty = Type::Resource(self.resource(at));
                self.many(symbol, ty)
            }
            Symbol::Module(at) => {
                let ty = Type::Module(self.module(at));
                self.many(symbol, ty)
            }
            Symbol::Local(at) => match self.model.locals.get(at) {
                Some(Local::Item(_, each)) => self.type_of(&each.list).item().unwrap_or(Type::Any),
                Some(Local::Index(_)) => Type::int(),
                Some(Local::Lambda(_)) => self.model.given.borrow().get(&at).cloned().unwrap_or(Type::Any),
                Some(Local::Argument(parameter)) => self.written(&parameter.ty),
                None => Type::Any,
            },
            Symbol::Import(at) => self.imported(at).map_or(Type::Any, |(there, symbol)| there.symbol(symbol)),
            Symbol::Alias(_)
            | Symbol::Function(_)
            | Symbol::Wildcard(_)
            | Symbol::Output(_)
            | Symbol::Namespace(_)
            | Symbol::Base => Type::Any,
        }
    }

    /// What an import stands for, in the file that declares it.
    pub(crate) fn imported(&self, at: usize) -> Option<(Here<'c, 'a>, Symbol)> {
        let import = self.model.imports.get(at)?;
        let there = self.all.file(import.file?)?;
        let symbol = *there.model.names.get(import.item.name.text.as_str())?;
        match symbol {
            // An import of an import: the files cannot refer to each other in a circle without an error of their own.
            Symbol::Import(at) if there.at != self.at => there.imported(at),
            Symbol::Import(_) => None,
            symbol => Some((there, symbol)),
        }
    }

    /// The type of a parameter.
    pub(crate) fn parameter(&self, at: usize) -> Type {
        let Some(parameter) = self.model.parameters.get(at) else { return Type::Any };
        let ty = parameter.ty.map_or(Type::Any, |ty| self.written(ty));
        self.decorated(ty, parameter.decorators, true)
    }

    fn many(&self, symbol: Symbol, one: Type) -> Type {
        match self.model.value(symbol).map(|value| &value.kind) {
            Some(ExpressionKind::For(_)) => Type::list(one),
            _ => one,
        }
    }

    fn expect_bool(&self, condition: &'a Expression) {
        let ty = self.type_of(condition);
        if assignable(&ty, &Type::Bool) {
            return;
        }
        match assignable_without_null(&ty, &Type::Bool) {
            Some(_) => self.warn("BCP321", condition.span, format!("A bool is needed, {ty} may be null.")),
            None => self.error("BCP046", condition.span, format!("A bool is needed, not {ty}.")),
        }
    }

    fn expect_list(&self, ty: &Type, list: &'a Expression) {
        let array = Type::list(Type::Any);
        if assignable(ty, &array) {
            return;
        }
        match assignable_without_null(ty, &array) {
            Some(_) => self.warn("BCP321", list.span, format!("An array is needed, {ty} may be null.")),
            None => self.error("BCP137", list.span, format!("A loop goes over an array, not over {ty}.")),
        }
    }
}
