//! What a name stands for, and calls of functions that the files define.

use std::rc::Rc;

use super::{
    Run,
    error::EvaluateError,
    instance::{Instance, Locals, Progress},
    order::Node,
    value::Value,
};
use crate::{
    Span,
    syntax::ast::{Expression, Name, StatementKind, TypeExpression, TypeKind},
};

/// How deep functions may call each other; Bicep knows no recursion, so this is far above what is written.
const DEPTH: usize = 64;

impl Run<'_> {
    /// The value of a name: of a loop, lambda or function, of this file, or of a file it imports from.
    pub(super) fn named(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        name: &Name,
    ) -> Result<Value, EvaluateError> {
        if let Some(value) = locals.and_then(|locals| locals.get(&name.text)) {
            return Ok(value.clone());
        }
        if at.source.declaration(&name.text).is_some() {
            return self.declared(at, &name.text, name.span);
        }
        match at.source.imports.get(&name.text).cloned() {
            Some((path, there)) => self.declared_in(&path, &there, at, name.span),
            None => Err(at.source.error(name.span, format!("the name {} stands for nothing here", name.text))),
        }
    }

    /// The value of a name of another file.
    pub(super) fn declared_in(
        &mut self,
        path: &std::path::Path,
        name: &str,
        from: &Rc<Instance>,
        span: Span,
    ) -> Result<Value, EvaluateError> {
        let library = self.library(path)?;
        if library.source.declaration(name).is_none() {
            return Err(from.source.error(span, format!("{} declares no {name} that has a value", path.display())));
        }
        self.declared(&library, name, span)
    }

    /// The value of a name of this file, which is computed once.
    pub(super) fn declared(&mut self, at: &Rc<Instance>, name: &str, span: Span) -> Result<Value, EvaluateError> {
        let found = at.values.borrow().get(name).cloned();
        match found {
            Some(Progress::Done(value, used)) => {
                self.used.extend(used);
                return Ok(value);
            }
            Some(Progress::Running) => return Err(at.source.error(span, format!("{name} is made of itself"))),
            None => {}
        }
        at.values.borrow_mut().insert(name.to_owned(), Progress::Running);
        let outside = std::mem::take(&mut self.used);
        let value = self.compute(at, name, span)?;
        // A resource counts where something of it is used, which `consume` sees; here only what variables use is passed on.
        let used = std::mem::replace(&mut self.used, outside);
        let used: Vec<Node> = if self.is_deployed(at, name) { Vec::new() } else { used.into_iter().collect() };
        self.used.extend(used.iter().copied());
        at.values.borrow_mut().insert(name.to_owned(), Progress::Done(value.clone(), used));
        self.nested_resources(at, name, &value)?;
        Ok(value)
    }

    fn is_deployed(&self, at: &Rc<Instance>, name: &str) -> bool {
        let kind = at.source.declaration(name).map(|statement| &statement.kind);
        matches!(kind, Some(StatementKind::Resource(_) | StatementKind::Module { .. }))
    }

    fn compute(&mut self, at: &Rc<Instance>, name: &str, span: Span) -> Result<Value, EvaluateError> {
        let source = Rc::clone(&at.source);
        let Some(statement) = source.declaration(name) else {
            return Err(source.error(span, format!("the name {name} stands for nothing here")));
        };
        match &statement.kind {
            StatementKind::Parameter { default, ty, .. } => {
                let value = match (at.given.get(name), default) {
                    (Some(value), _) => value.clone(),
                    (None, Some(default)) => self.value(at, None, default)?,
                    (None, None) if ty.as_ref().is_some_and(nullable) => Value::Null,
                    (None, None) => return Err(source.error(statement.span, format!("parameter {name} has no value"))),
                };
                let admitted = self.admit(&source, name, (ty.as_ref(), &statement.decorators), &value)?;
                admitted.map_err(|message| source.error(statement.span, format!("parameter {message}")))?;
                Ok(value)
            }
            StatementKind::Variable { value, .. } => self.value(at, None, value),
            StatementKind::Resource(resource) => self.resource(at, statement, resource),
            StatementKind::Module { path, value, .. } => self.module(at, statement, name, path, value),
            _ => Err(source.error(span, format!("{name} has no value"))),
        }
    }

    /// Calls a function that this file, or one that it imports from, defines; `None` if there is none of this name.
    pub(super) fn call_own(
        &mut self,
        at: &Rc<Instance>,
        name: &Name,
        arguments: &[Value],
    ) -> Result<Option<Value>, EvaluateError> {
        let is_function = |instance: &Rc<Instance>, name: &str| {
            let kind = instance.source.declaration(name).map(|statement| &statement.kind);
            matches!(kind, Some(StatementKind::Function { .. }))
        };
        if is_function(at, &name.text) {
            return self.apply(at, &name.text, arguments, at, name.span).map(Some);
        }
        let Some((path, there)) = at.source.imports.get(&name.text).cloned() else { return Ok(None) };
        let library = self.library(&path)?;
        if !is_function(&library, &there) {
            return Ok(None);
        }
        self.apply(&library, &there, arguments, at, name.span).map(Some)
    }

    /// Calls a function of the file `of`.
    pub(super) fn apply(
        &mut self,
        of: &Rc<Instance>,
        name: &str,
        arguments: &[Value],
        from: &Rc<Instance>,
        span: Span,
    ) -> Result<Value, EvaluateError> {
        let source = Rc::clone(&of.source);
        let Some(StatementKind::Function { parameters, body, .. }) = source.declaration(name).map(|it| &it.kind) else {
            return Err(from.source.error(span, format!("there is no function {name}")));
        };
        if parameters.len() != arguments.len() {
            let message = format!("{name} takes {} arguments, not {}", parameters.len(), arguments.len());
            return Err(from.source.error(span, message));
        }
        if self.depth == DEPTH {
            return Err(from.source.error(span, format!("{name} is called more than {DEPTH} functions deep")));
        }
        self.depth += 1;
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
        let value = self.with(of, None, &names, arguments, body);
        self.depth -= 1;
        value
    }

    /// The value of an expression in which these names have these values.
    pub(super) fn with(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        names: &[&str],
        values: &[Value],
        body: &Expression,
    ) -> Result<Value, EvaluateError> {
        match (names.split_first(), values.split_first()) {
            (Some((name, names)), Some((value, values))) => {
                let locals = Locals { outer: locals, name, value };
                self.with(at, Some(&locals), names, values, body)
            }
            _ => self.value(at, locals, body),
        }
    }
}

/// Whether a type admits `null`: written with `?`.
fn nullable(ty: &TypeExpression) -> bool {
    matches!(ty.kind, TypeKind::Nullable(_))
}
