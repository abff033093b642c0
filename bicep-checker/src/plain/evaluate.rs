//! Expressions, as far as they can be computed before anything is deployed.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use super::{
    context::{Context, join},
    operators::binary,
    resources::{Found, loop_names},
    scope::Scope,
    value::{List, Piece, Value},
};
use crate::syntax::ast::{
    ArrayItem, Expression, ExpressionKind, For, Key, ObjectItem, Statement, StatementKind, StringLiteral, StringPart,
    UnaryOperator,
};

/// How many variables and functions may lead to each other before it is taken for a circle.
const DEPTH: usize = 64;

/// Computes values in a context.
pub(super) struct Evaluator<'a> {
    pub context: &'a Context,
    /// Variables that were computed, by file and name.
    pub(super) variables: RefCell<HashMap<(String, String), Value>>,
    depth: Cell<usize>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, variables: RefCell::default(), depth: Cell::new(0) }
    }

    /// The body of a resource or module, below loop and condition, with the items of the loop under their names.
    pub(super) fn body(&self, value: &Expression, scope: &Scope) -> Value {
        let scope = loop_names(value).into_iter().fold(scope.clone(), |scope, name| scope.with_item(name));
        match value.body() {
            Some(object) => self.object(&object.items, &scope),
            None => Value::object(Vec::new(), false),
        }
    }

    /// The body of a resource, with `parent` if it is nested.
    pub(super) fn resource(&self, found: &Found<'_>, scope: &Scope) -> Value {
        let mut scope = scope.clone();
        if let Some(parent) = &found.parent {
            scope = parent.items.iter().fold(scope, |scope, name| scope.with_item(name));
            for (name, symbol) in parent.siblings.iter().rev() {
                scope = scope.with(name, Value::symbol(symbol));
            }
        }
        let mut body = self.body(&found.resource.value, &scope);
        if let (Value::Object(object), Some(parent)) = (&mut body, &found.parent) {
            object.entries.insert(0, (vec![Piece::Text("parent".to_owned())], Value::symbol(&parent.symbol)));
        }
        body
    }

    /// What a module statement in a file hands on: the file of the module, and name and value of each parameter.
    pub(super) fn arguments(&self, from: &str, statement: &Statement) -> Vec<(String, String, Value)> {
        let StatementKind::Module { path, value, .. } = &statement.kind else { return Vec::new() };
        let target = path.literal().and_then(|path| join(from, path));
        let (Some(target), Some(body)) = (target, value.body()) else { return Vec::new() };
        let Some(params) = body.property("params") else { return Vec::new() };
        let scope = loop_names(value).into_iter().fold(Scope::new(from), |scope, name| scope.with_item(name));
        let Value::Object(object) = self.value(&params.value, &scope) else { return Vec::new() };
        let argument =
            |(key, value): (Vec<Piece>, Value)| Some((target.clone(), super::value::literal(&key)?.to_owned(), value));
        object.entries.into_iter().filter_map(argument).collect()
    }

    /// What an expression comes to.
    pub(super) fn value(&self, expression: &Expression, scope: &Scope) -> Value {
        match &expression.kind {
            ExpressionKind::Null => Value::Null,
            ExpressionKind::Boolean(value) => Value::Boolean(*value),
            ExpressionKind::Integer(number) => i64::try_from(*number).map_or(Value::Computed, Value::Integer),
            ExpressionKind::String(string) => self.string(string, scope),
            ExpressionKind::Object(object) => self.object(&object.items, scope),
            ExpressionKind::Array(items) => self.array(items, scope),
            ExpressionKind::For(each) => self.each(each, scope),
            ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => self.value(inner, scope),
            ExpressionKind::Ternary { condition, then, otherwise } => match self.value(condition, scope) {
                Value::Boolean(true) => self.value(then, scope),
                Value::Boolean(false) => self.value(otherwise, scope),
                condition => Value::Choice {
                    condition: Box::new(condition),
                    then: Box::new(self.value(then, scope)),
                    otherwise: Box::new(self.value(otherwise, scope)),
                },
            },
            ExpressionKind::Binary { operator, left, right, .. } => {
                binary(*operator, self.value(left, scope), self.value(right, scope))
            }
            ExpressionKind::Unary { operator, operand } => match (operator, self.value(operand, scope)) {
                (UnaryOperator::Not, Value::Boolean(value)) => Value::Boolean(!value),
                (UnaryOperator::Minus, Value::Integer(number)) => {
                    number.checked_neg().map_or(Value::Computed, Value::Integer)
                }
                _ => Value::Computed,
            },
            ExpressionKind::Variable(name) => self.named(&name.text, scope),
            ExpressionKind::Call { name, arguments } => self.call(&name.text, arguments, scope),
            ExpressionKind::MethodCall { base, name, arguments } => self.method(base, &name.text, arguments, scope),
            ExpressionKind::Property { base, name, .. } => self.property(base, &name.text, scope),
            ExpressionKind::NestedResource { base, name } => self.nested(base, &name.text, scope),
            ExpressionKind::Index { base, index, from_end: false, .. } => {
                let index = self.value(index, scope);
                self.value(base, scope).index(&index)
            }
            ExpressionKind::Index { .. }
            | ExpressionKind::If { .. }
            | ExpressionKind::Lambda { .. }
            | ExpressionKind::None
            | ExpressionKind::Error => Value::Computed,
        }
    }

    fn string(&self, string: &StringLiteral, scope: &Scope) -> Value {
        Value::text(string.parts.iter().map(|part| match part {
            StringPart::Text { value, .. } => Piece::Text(value.clone()),
            StringPart::Expression(expression) => Piece::Value(self.value(expression, scope)),
        }))
    }

    fn object(&self, items: &[ObjectItem], scope: &Scope) -> Value {
        let (mut entries, mut whole) = (Vec::new(), true);
        for item in items {
            match item {
                ObjectItem::Property(property) => {
                    let key = match &property.key {
                        Key::Name(name) => vec![Piece::Text(name.text.clone())],
                        Key::String(string) => match self.string(string, scope) {
                            Value::Text(pieces) => pieces,
                            _ => Vec::new(),
                        },
                    };
                    put(&mut entries, key, self.value(&property.value, scope));
                }
                ObjectItem::Spread(value, _) => match self.value(value, scope) {
                    Value::Object(object) => {
                        whole &= object.whole;
                        for (key, value) in object.entries {
                            put(&mut entries, key, value);
                        }
                    }
                    _ => whole = false,
                },
                ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
            }
        }
        Value::object(entries, whole)
    }

    fn array(&self, items: &[ArrayItem], scope: &Scope) -> Value {
        let (mut made, mut whole) = (Vec::new(), true);
        for item in items {
            match item {
                ArrayItem::Value(value) => made.push(self.value(value, scope)),
                ArrayItem::Spread(value, _) => {
                    let list = list_of(self.value(value, scope));
                    whole &= list.whole;
                    made.extend(list.items);
                }
            }
        }
        Value::list(made, whole)
    }

    /// A list made by a loop: all items of a list that is known, or one of another.
    fn each(&self, each: &For, scope: &Scope) -> Value {
        let list = list_of(self.value(&each.list, scope));
        let one = |at: Value, item: Value| {
            let mut scope = scope.with(&each.item.text, item);
            if let Some(index) = &each.index {
                scope = scope.with(&index.text, at);
            }
            self.value(&each.body, &scope)
        };
        if list.whole {
            let items = list.items.into_iter().zip(0..).map(|(item, at)| one(Value::Integer(at), item));
            return Value::list(items.collect(), true);
        }
        Value::list(vec![one(Value::Computed, Value::named(&each.item.text))], false)
    }

    /// Goes one variable or function deeper, unless it seems to have no end.
    pub(super) fn deeper(&self, make: impl FnOnce() -> Value) -> Value {
        if self.depth.get() >= DEPTH {
            return Value::Computed;
        }
        self.depth.set(self.depth.get() + 1);
        let made = make();
        self.depth.set(self.depth.get() - 1);
        made
    }

    /// The value of a lambda for these arguments.
    pub(super) fn apply(&self, lambda: &Expression, arguments: &[Value], scope: &Scope) -> Value {
        let ExpressionKind::Lambda { parameters, body, .. } = &lambda.inner().kind else { return Value::Computed };
        let bound = parameters.iter().zip(arguments);
        let scope = bound.fold(scope.clone(), |scope, (name, value)| scope.with(&name.text, value.clone()));
        self.value(body, &scope)
    }
}

/// Sets a property; a later one of the same name takes the place of the first.
pub(super) fn put(entries: &mut Vec<(Vec<Piece>, Value)>, key: Vec<Piece>, value: Value) {
    match entries.iter_mut().find(|(known, _)| *known == key) {
        Some((_, kept)) => *kept = value,
        None => entries.push((key, value)),
    }
}

/// The items of a list, as far as they are known.
pub(super) fn list_of(value: Value) -> List {
    match value {
        Value::List(list) => list,
        _ => List { items: Vec::new(), whole: false },
    }
}
