//! Functions of Bicep. Those that this file and its children do not name are unknown to the snapshot.

mod lists;
mod paths;
mod scopes;
mod texts;

use std::rc::Rc;

use super::{
    Run,
    error::EvaluateError,
    instance::{Instance, Locals},
    order::Node,
    value::Value,
};
use crate::{
    Span,
    syntax::ast::{Expression, ExpressionKind, Name},
};

type Valued = Result<Value, EvaluateError>;

/// What a function makes of its arguments: `None` where it does not take such; an error says what is wrong with them.
type Made = Result<Option<Value>, String>;

impl Run<'_> {
    /// `name(arguments)`
    pub(super) fn call(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        name: &Name,
        arguments: &[Expression],
    ) -> Valued {
        if let Some(value) = self.with_lambda(at, locals, name, arguments)? {
            return Ok(value);
        }
        let arguments: Vec<Value> =
            arguments.iter().map(|argument| self.value(at, locals, argument)).collect::<Result<_, _>>()?;
        if let Some(value) = self.call_own(at, name, &arguments)? {
            return Ok(value);
        }
        self.built_in(at, &name.text, &arguments, name.span)
    }

    /// `base.name(arguments)`: of a namespace, of a file that is imported as a whole, or of a resource (`listKeys`).
    pub(super) fn method(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        base: &Expression,
        name: &Name,
        arguments: &[Expression],
    ) -> Valued {
        let variable = if let ExpressionKind::Variable(variable) = &base.kind { Some(variable) } else { None };
        let is_own = |name: &str| at.source.declaration(name).is_some() || at.source.imports.contains_key(name);
        if variable.is_some_and(|it| matches!(it.text.as_str(), "az" | "sys") && !is_own(&it.text)) {
            if let Some(value) = self.with_lambda(at, locals, name, arguments)? {
                return Ok(value);
            }
            let arguments: Vec<Value> =
                arguments.iter().map(|argument| self.value(at, locals, argument)).collect::<Result<_, _>>()?;
            return self.built_in(at, &name.text, &arguments, name.span);
        }
        if let Some(path) = variable.and_then(|variable| at.source.wildcards.get(&variable.text)).cloned() {
            let arguments: Vec<Value> =
                arguments.iter().map(|argument| self.value(at, locals, argument)).collect::<Result<_, _>>()?;
            let library = self.library(&path)?;
            return self.apply(&library, &name.text, &arguments, at, name.span);
        }
        match self.value(at, locals, base)? {
            Value::Node(node @ Node::Resource(number)) => {
                self.consume(node);
                let id = self.snapshot.resources.get(number).map(|resource| resource.id.clone()).unwrap_or_default();
                Ok(Value::Runtime(format!("{}('{id}')", name.text)))
            }
            other => Err(at.source.error(name.span, format!("the function {} of what is {}", name.text, other.kind()))),
        }
    }

    fn built_in(&mut self, at: &Rc<Instance>, name: &str, arguments: &[Value], span: Span) -> Valued {
        let wrong = |message: String| at.source.error(span, format!("{name}: {message}"));
        if let Some(bad) = arguments.iter().find(|value| matches!(value, Value::Node(_) | Value::Absent)) {
            return Err(wrong(format!("an argument that is {}", bad.kind())));
        }
        if let Some(value) = self.of_scope(at, name, arguments).map_err(wrong)? {
            return Ok(value);
        }
        if let Some(value) = self.of_files(at, name, arguments).map_err(wrong)? {
            return Ok(value);
        }
        let pure = [lists::call, texts::call];
        if !(lists::NAMES.contains(&name) || texts::NAMES.contains(&name)) {
            return Err(wrong("a function that the snapshot does not know, or not with these arguments".to_owned()));
        }
        // What is made of something that only the deployment knows, only the deployment knows.
        let whole = lists::WITH_ANY_ITEMS.contains(&name);
        if arguments.iter().any(|value| if whole { value.is_runtime() } else { value.has_runtime() }) {
            let arguments: Vec<String> = arguments.iter().map(Value::expression).collect();
            return Ok(Value::Runtime(format!("{name}({})", arguments.join(", "))));
        }
        for call in pure {
            if let Some(value) = call(name, arguments).map_err(wrong)? {
                return Ok(value);
            }
        }
        let kinds: Vec<&str> = arguments.iter().map(Value::kind).collect();
        Err(wrong(format!("arguments that it does not take: {}", kinds.join(", "))))
    }

    /// Functions that take a lambda; `None` if this is none of them.
    fn with_lambda(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        name: &Name,
        arguments: &[Expression],
    ) -> Result<Option<Value>, EvaluateError> {
        const NAMES: [&str; 7] = ["map", "filter", "toObject", "mapValues", "groupBy", "sort", "reduce"];
        if !NAMES.contains(&name.text.as_str()) || at.source.declaration(&name.text).is_some() {
            return Ok(None);
        }
        let wrong = |message: &str| Err(at.source.error(name.span, format!("{}: {message}", name.text)));
        let Some((first, rest)) = arguments.split_first() else { return wrong("no arguments") };
        let first = match self.value(at, locals, first)? {
            Value::Runtime(_) => return wrong("a loop over what is known at run time only"),
            value => value,
        };
        match (name.text.as_str(), first, rest) {
            ("map", Value::Array(items), [lambda]) => {
                let mut values = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    values.push(self.apply_lambda(at, locals, lambda, &[item, number(index)])?);
                }
                Ok(Some(Value::Array(values)))
            }
            ("filter", Value::Array(items), [lambda]) => {
                let mut values = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    if self.flag(at, locals, lambda, &[item.clone(), number(index)])? {
                        values.push(item);
                    }
                }
                Ok(Some(Value::Array(values)))
            }
            ("toObject", Value::Array(items), [key, value @ ..]) => {
                let mut members = std::collections::BTreeMap::new();
                for item in items {
                    let key = self.key(at, locals, key, &item)?;
                    let value = match value.first() {
                        Some(lambda) => self.apply_lambda(at, locals, lambda, &[item])?,
                        None => item,
                    };
                    members.insert(key, value);
                }
                Ok(Some(Value::Object(members)))
            }
            ("mapValues", Value::Object(members), [lambda]) => {
                let mut values = std::collections::BTreeMap::new();
                for (key, value) in members {
                    values.insert(key, self.apply_lambda(at, locals, lambda, &[value])?);
                }
                Ok(Some(Value::Object(values)))
            }
            ("groupBy", Value::Array(items), [lambda]) => {
                let mut groups: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
                for item in items {
                    let key = self.key(at, locals, lambda, &item)?;
                    groups.entry(key).or_default().push(item);
                }
                Ok(Some(Value::Object(groups.into_iter().map(|(key, items)| (key, Value::Array(items))).collect())))
            }
            ("sort", Value::Array(items), [lambda]) => {
                let mut sorted: Vec<Value> = Vec::new();
                for item in items {
                    let mut at_index = sorted.len();
                    while let Some(before) = at_index.checked_sub(1).and_then(|index| sorted.get(index)).cloned() {
                        if !self.flag(at, locals, lambda, &[item.clone(), before])? {
                            break;
                        }
                        at_index -= 1;
                    }
                    sorted.insert(at_index, item);
                }
                Ok(Some(Value::Array(sorted)))
            }
            ("reduce", Value::Array(items), [start, lambda]) => {
                let mut value = self.value(at, locals, start)?;
                for item in items {
                    value = self.apply_lambda(at, locals, lambda, &[value, item])?;
                }
                Ok(Some(value))
            }
            (_, other, _) => wrong(&format!("arguments that it does not take, the first {}", other.kind())),
        }
    }

    /// The value of a lambda; values beyond its parameters are left out.
    fn apply_lambda(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        lambda: &Expression,
        values: &[Value],
    ) -> Valued {
        let ExpressionKind::Lambda { parameters, body, .. } = &lambda.inner().kind else {
            return Err(at.source.error(lambda.span, "no lambda"));
        };
        if parameters.len() > values.len() {
            return Err(at.source.error(lambda.span, "a lambda with too many parameters"));
        }
        let names: Vec<&str> = parameters.iter().map(|name| name.text.as_str()).collect();
        self.with(at, locals, &names, values, body)
    }

    fn flag(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        lambda: &Expression,
        values: &[Value],
    ) -> Result<bool, EvaluateError> {
        match self.apply_lambda(at, locals, lambda, values)? {
            Value::Boolean(flag) => Ok(flag),
            other => Err(at.source.error(lambda.span, format!("a condition that is {}", other.kind()))),
        }
    }

    fn key(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        lambda: &Expression,
        item: &Value,
    ) -> Result<String, EvaluateError> {
        match self.apply_lambda(at, locals, lambda, std::slice::from_ref(item))? {
            Value::Text(text) => Ok(text),
            other => Err(at.source.error(lambda.span, format!("a key that is {}", other.kind()))),
        }
    }
}

fn number(index: usize) -> Value {
    Value::Integer(i64::try_from(index).unwrap_or(i64::MAX))
}
