//! The type of every expression.
//!
//! An expression is looked at once; what is wrong inside it is reported then. Where something is wrong its type is `any`, so that
//! one mistake is one finding.

mod access;
mod calls;
mod files;
mod operators;
mod results;
mod written;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    path::PathBuf,
    rc::Rc,
};

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
    syntax::ast::{ArrayItem, Expression, ExpressionKind, Key, ObjectItem, StringLiteral, StringPart},
};

/// All files of a folder, with what is worked out about them on demand.
pub(crate) struct Checker<'a> {
    pub models: Vec<Model<'a>>,
    pub azure: Option<Azure>,
    /// Types that are declared, by file and place; one that is being worked out is empty.
    aliases: RefCell<HashMap<(usize, usize), Rc<OnceCell<Type>>>>,
    pub resources: RefCell<HashMap<(usize, usize), Rc<super::types::Resource>>>,
    pub modules: RefCell<HashMap<(usize, usize), Rc<Object>>>,
    /// Data files that were loaded, so that the report can name those nobody loads.
    pub loaded: RefCell<Vec<PathBuf>>,
}

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

    fn string(&self, string: &'a StringLiteral) -> Type {
        if let Some(text) = string.literal() {
            return Type::literal(text);
        }
        let (mut least, mut most, mut known) = (0, Some(0), Some(String::new()));
        for part in &string.parts {
            let (low, high, text) = match part {
                StringPart::Text { value, .. } => {
                    let length = length(value);
                    (length, Some(length), Some(value.clone()))
                }
                StringPart::Expression(part) => {
                    let ty = self.type_of(part);
                    let (low, high) = lengths(&ty);
                    let text = match ty {
                        Type::TextIs(text) => Some(text.to_string()),
                        Type::IntIs(number) => Some(number.to_string()),
                        _ => None,
                    };
                    (low, high, text)
                }
            };
            least += low;
            most = most.zip(high).map(|(most, high): (u64, u64)| most.saturating_add(high));
            known = known.zip(text).map(|(known, text)| known + &text);
        }
        known.map_or_else(|| Type::text_of(least, most), |known| Type::literal(&known))
    }

    fn object(&self, object: &'a crate::syntax::ast::Object) -> Type {
        let mut made = Object { name: "object".to_owned(), ..Object::default() };
        let mut rest: Vec<Type> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let flags = Flags { required: true, ..Flags::default() };
        for item in &object.items {
            match item {
                ObjectItem::Property(property) => {
                    let ty = self.type_of(&property.value);
                    let name = match &property.key {
                        Key::String(text) => match self.string(text) {
                            Type::TextIs(name) => Some(name.to_string()),
                            _ => None,
                        },
                        Key::Name(name) => Some(name.text.clone()),
                    };
                    if let Some(text) = property.key.text() {
                        if seen.contains(&text) {
                            let message = format!("The object has a property `{text}` twice.");
                            self.error("BCP025", property.key.span(), message);
                        }
                        seen.push(text);
                    }
                    match name {
                        Some(name) => made.set(&name, ty, flags),
                        None => rest.push(ty),
                    }
                }
                ObjectItem::Spread(value, _) => match self.type_of(value) {
                    Type::Object(other) => {
                        other.properties.iter().for_each(|one| made.set(&one.name, one.of.clone(), one.flags));
                        rest.extend(other.rest.iter().map(|rest| rest.of.clone()));
                    }
                    Type::Any => rest.push(Type::Any),
                    other if assignable(&other, &Type::object()) => rest.push(Type::Any),
                    other => {
                        let message = format!("`...` needs an object here, not {other}.");
                        self.error("BCP402", value.span, message);
                        rest.push(Type::Any);
                    }
                },
                ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
            }
        }
        if !rest.is_empty() {
            made.rest = Some(Rest { of: Type::union(rest), discouraged: false });
        }
        Type::Object(Rc::new(made))
    }

    fn array(&self, items: &'a [ArrayItem]) -> Type {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                ArrayItem::Value(value) => known.push(self.type_of(value)),
                ArrayItem::Spread(value, _) => match self.type_of(value) {
                    Type::Tuple(items) => known.extend(items.iter().cloned()),
                    ty => match ty.item() {
                        Some(item) => others.push(item),
                        None => {
                            let message = format!("`...` needs an array here, not {ty}.");
                            self.error("BCP402", value.span, message);
                            others.push(Type::Any);
                        }
                    },
                },
            }
        }
        match others.is_empty() {
            true => Type::Tuple(known.into()),
            false => Type::list(Type::union(known.into_iter().chain(others))),
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

/// The length of a text, as .NET and Azure count: in UTF-16 units.
pub(crate) fn length(text: &str) -> u64 {
    text.encode_utf16().count() as u64
}

/// The least and greatest length of a value written as text.
pub(crate) fn lengths(ty: &Type) -> (u64, Option<u64>) {
    match ty.now() {
        Type::TextIs(text) => (length(&text), Some(length(&text))),
        Type::IntIs(number) => {
            let digits = number.to_string().len() as u64;
            (digits, Some(digits))
        }
        Type::BoolIs(value) => {
            if value {
                (4, Some(4))
            } else {
                (5, Some(5))
            }
        }
        Type::Text(text) => (text.least.unwrap_or(0), text.most),
        Type::Int(range) => {
            let of = |number: i64| number.to_string().len() as u64;
            let (low, high) = (range.least.unwrap_or(i64::MIN), range.most.unwrap_or(i64::MAX));
            let least = if low < 0 && high >= 0 { 1 } else { of(low).min(of(high)) };
            (least, Some(of(low).max(of(high))))
        }
        Type::Bool => (4, Some(5)),
        Type::List(_) | Type::Tuple(_) | Type::Object(_) | Type::Tagged(_) => (2, None),
        Type::Union(members) => members.iter().map(lengths).fold((u64::MAX, Some(0)), |(low, high), (l, h)| {
            (low.min(l), high.zip(h).map(|(high, h): (u64, u64)| high.max(h)))
        }),
        _ => (0, None),
    }
}
