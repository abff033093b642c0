//! Values that must be known before a deployment starts: names, conditions, the lists of loops.
//!
//! What a resource or module gives is known only once it is deployed, except the name of both and `id`, `type` and
//! `apiVersion` of a resource.

use super::{
    functions::{self, Availability},
    infer::Here,
    model::{Symbol, key},
    rules::walk::children,
    types::Type,
};
use crate::{
    Span,
    syntax::ast::{Expression, ExpressionKind},
};

/// A value that is known at run time only.
pub(super) struct RunTime {
    pub at: Span,
    /// What it is a value of.
    pub of: String,
}

/// Properties that are deployed with the resource and must be known before.
const CONSTANT: [&str; 11] =
    ["location", "kind", "managedBy", "extendedLocation", "zones", "plan", "sku", "identity", "tags", "name", "scope"];

impl<'a> Here<'_, 'a> {
    pub(super) fn check_constants(&self) {
        for at in 0..self.model.resources.len() {
            let Some(resource) = self.model.resources.get(at) else { continue };
            self.check_deployed(Symbol::Resource(at), &resource.declared.value, resource.declared.existing.is_some());
        }
        for (at, module) in self.model.modules.iter().enumerate() {
            self.check_deployed(Symbol::Module(at), module.value, false);
        }
        for variable in &self.model.variables {
            if let ExpressionKind::For(each) = &variable.value.kind {
                self.refuse(&each.list, "BCP178", "the list of a loop", false);
                self.refuse(&each.body, "BCP182", "the loop of a variable", false);
            }
            self.check_loops_in(variable.value);
        }
        for output in &self.model.outputs {
            self.check_loops_in(output.value);
            if let ExpressionKind::For(each) = &output.value.kind {
                self.refuse(&each.list, "BCP178", "the list of a loop", false);
            }
        }
        for function in &self.model.functions {
            self.refuse(function.body, "BCP341", "a function", false);
        }
    }

    fn check_deployed(&self, symbol: Symbol, value: &'a Expression, existing: bool) {
        let mut inner = value;
        if let ExpressionKind::For(each) = &inner.kind {
            self.refuse(&each.list, "BCP178", "the list of a loop", false);
            inner = &each.body;
        }
        if let ExpressionKind::If { condition, body } = &inner.kind {
            self.refuse(condition, "BCP177", "a condition", false);
            inner = body;
        }
        let ExpressionKind::Object(object) = &inner.kind else { return };
        if existing {
            return;
        }
        for property in object.properties() {
            let Some(name) = property.key.text() else { continue };
            let place = name == "parent" || name == "scope";
            if name != "dependsOn" && (place || self.must_be_known(symbol, name)) {
                self.refuse(&property.value, "BCP120", &format!("`{name}`"), place);
            }
            self.check_loops_in(&property.value);
        }
    }

    fn must_be_known(&self, symbol: Symbol, name: &str) -> bool {
        match symbol {
            Symbol::Module(_) => ["name", "scope", "identity"].contains(&name),
            Symbol::Resource(at) => match self.resource(at).body.now() {
                Type::Object(object) => object.property(name).is_some_and(|property| property.flags.constant),
                _ => CONSTANT.contains(&name),
            },
            _ => false,
        }
    }

    /// Loops inside a value.
    fn check_loops_in(&self, value: &'a Expression) {
        for child in children(value) {
            if let ExpressionKind::For(each) = &child.kind {
                self.refuse(&each.list, "BCP178", "the list of a loop", false);
            }
            self.check_loops_in(child);
        }
    }

    fn refuse(&self, value: &'a Expression, code: &'static str, what: &str, place: bool) {
        for one in self.run_time(value, place) {
            let message = format!("{what} must be known before the deployment starts, {} is not.", one.of);
            self.error(code, one.at, message);
        }
    }

    /// The values in an expression that are known at run time only. `place`: as `parent` or `scope`, which take whole
    /// resources.
    pub(super) fn run_time(&self, value: &'a Expression, place: bool) -> Vec<RunTime> {
        let mut found = Vec::new();
        self.search(value, place, None, &mut Vec::new(), &mut found);
        found
    }

    /// `at`: the name of the variable that led here.
    fn search(
        &self,
        value: &'a Expression,
        place: bool,
        at: Option<Span>,
        open: &mut Vec<Symbol>,
        found: &mut Vec<RunTime>,
    ) {
        let here = at.unwrap_or(value.span);
        match &value.kind {
            ExpressionKind::Property { base, name, .. } => {
                if let Some(symbol) = self.reached(base) {
                    if !self.is_known(symbol, &name.text, open) {
                        found.push(RunTime { at: here, of: format!("`{}`", value.span.text(&self.source().text)) });
                    }
                    self.search_index(base, place, at, open, found);
                } else {
                    self.search(base, place, at, open, found);
                }
            }
            ExpressionKind::Variable(_) | ExpressionKind::NestedResource { .. } => match self.reached(value) {
                Some(symbol) => {
                    let is_late = place && !self.is_known(symbol, "name", open);
                    if !place || is_late {
                        found.push(RunTime { at: here, of: format!("`{}`", value.span.text(&self.source().text)) });
                    }
                }
                None => self.search_variable(value, at, open, found),
            },
            ExpressionKind::Index { base, index, .. }
                if self.reached(base).is_some() || self.reached(value).is_some() =>
            {
                self.search(index, place, at, open, found);
                let is_item = matches!(&base.inner().kind, ExpressionKind::Variable(_))
                    && self.reached(base).is_some_and(|symbol| self.is_many(symbol));
                // `x['name']` is `x.name`; an item of a loop is a whole resource.
                let named = self.type_of(index).members().into_iter().map(|one| match one {
                    Type::TextIs(name) => Some(name),
                    _ => None,
                });
                let named: Option<Vec<_>> = if is_item { None } else { named.collect() };
                let is_known = match (named, self.reached(base)) {
                    (Some(names), Some(symbol)) => names.iter().all(|name| self.is_known(symbol, name, open)),
                    _ => place,
                };
                if !is_known {
                    found.push(RunTime { at: here, of: format!("`{}`", value.span.text(&self.source().text)) });
                }
            }
            ExpressionKind::Call { name, .. } if name.text == "nameof" => {}
            ExpressionKind::Call { name, arguments } => {
                let is_own = self.model.named.contains_key(&key(name));
                let function =
                    functions::find(&name.text).filter(|function| function.place == Availability::RunTime && !is_own);
                if function.is_some() {
                    found.push(RunTime { at: here, of: format!("`{}()`", name.text) });
                }
                arguments.iter().for_each(|argument| self.search(argument, place, at, open, found));
            }
            ExpressionKind::MethodCall { base, name, arguments } => {
                let is_space = matches!(self.model.symbol(base), Some(Symbol::Namespace(_)));
                let is_late =
                    functions::find(&name.text).is_some_and(|function| function.place == Availability::RunTime);
                if is_late && (is_space || self.reached(base).is_some()) {
                    found.push(RunTime { at: here, of: format!("`{}()`", name.text) });
                }
                arguments.iter().for_each(|argument| self.search(argument, place, at, open, found));
            }
            _ => children(value).into_iter().for_each(|child| self.search(child, place, at, open, found)),
        }
    }

    /// The index by which a resource of a loop is reached.
    fn search_index(
        &self,
        base: &'a Expression,
        place: bool,
        at: Option<Span>,
        open: &mut Vec<Symbol>,
        found: &mut Vec<RunTime>,
    ) {
        match &base.inner().kind {
            ExpressionKind::Index { index, .. } => self.search(index, place, at, open, found),
            ExpressionKind::NonNull(inner) => self.search_index(inner, place, at, open, found),
            _ => {}
        }
    }

    fn search_variable(
        &self,
        value: &'a Expression,
        at: Option<Span>,
        open: &mut Vec<Symbol>,
        found: &mut Vec<RunTime>,
    ) {
        let Some(symbol @ Symbol::Variable(place)) = self.model.symbol(value) else { return };
        if open.contains(&symbol) || self.model.circular.contains(&symbol) {
            return;
        }
        let Some(variable) = self.model.variables.get(place) else { return };
        open.push(symbol);
        let before = found.len();
        self.search(variable.value, false, Some(at.unwrap_or(value.span)), open, found);
        // One is enough to say that the variable is late.
        found.truncate(before + 1);
        open.pop();
    }

    /// Whether a property of a resource or module is known before the deployment starts.
    fn is_known(&self, symbol: Symbol, name: &str, open: &mut Vec<Symbol>) -> bool {
        match symbol {
            Symbol::Module(_) => name == "name",
            Symbol::Resource(at) => {
                let Some(resource) = self.model.resources.get(at) else { return true };
                // The name of an existing resource may be a run-time value; then nothing of it is known before.
                if resource.declared.existing.is_some() && !open.contains(&symbol) {
                    let identifying = ["name", "parent", "scope"].iter().filter_map(|name| {
                        let property = resource.declared.body()?.property(name)?;
                        Some((&property.value, *name != "name"))
                    });
                    open.push(symbol);
                    let mut late = Vec::new();
                    for (value, place) in identifying {
                        self.search(value, place, None, open, &mut late);
                    }
                    open.pop();
                    if !late.is_empty() {
                        return false;
                    }
                }
                match self.resource(at).body.now() {
                    Type::Object(object) => object.property(name).is_none_or(|property| property.flags.known),
                    _ => ["id", "name", "type", "apiVersion"].contains(&name),
                }
            }
            _ => true,
        }
    }
}
