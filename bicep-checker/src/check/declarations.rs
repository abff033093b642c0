//! Each declaration: its type, its value, and what the compiler wants of resources and modules beyond their types.

use super::{
    infer::Here,
    model::{Symbol, decorator},
    narrow::{Slot, Want},
    types::{Type, azure::Lookup},
};
use crate::syntax::ast::{Expression, ExpressionKind, ObjectItem, StatementKind, StringPart};

impl<'a> Here<'_, 'a> {
    pub(super) fn check_declarations(&self) {
        for (at, parameter) in self.model.parameters.iter().enumerate() {
            let ty = self.parameter(at);
            if let Some(default) = parameter.default {
                self.check(default, &ty, Want::value());
                if parameter.ty.is_some_and(|ty| matches!(ty.kind, crate::syntax::ast::TypeKind::Nullable(_))) {
                    self.error("BCP326", default.span, "A parameter that may be null has no default.");
                }
            }
        }
        for (at, variable) in self.model.variables.iter().enumerate() {
            let ty = self.symbol(Symbol::Variable(at));
            self.type_of(variable.value);
            if variable.ty.is_some() {
                self.check(variable.value, &ty, Want::value());
            }
        }
        for output in &self.model.outputs {
            let ty = self.decorated(self.written(output.ty), output.decorators, false);
            self.check(output.value, &ty, Want::value());
        }
        for alias in &self.model.aliases {
            self.written(alias.value);
        }
        for function in &self.model.functions {
            self.check(function.body, &self.written(function.returns), Want::value());
        }
        for assignment in &self.model.assignments {
            self.type_of(assignment.value);
        }
        for statement in &self.model.others {
            if let StatementKind::Metadata { value, .. } | StatementKind::Assert { value, .. } = &statement.kind {
                self.type_of(value);
            }
        }
        for at in 0..self.model.resources.len() {
            self.check_resource(at);
        }
        for at in 0..self.model.modules.len() {
            self.check_module(at);
        }
        self.check_duplicates();
    }

    fn check_resource(&self, at: usize) {
        let Some(resource) = self.model.resources.get(at) else { return };
        let declared = resource.declared;
        let known = self.all.azure.as_ref().map(|azure| azure.find(&resource.kind, &resource.version));
        if matches!(known, Some(Lookup::Nowhere)) && !resource.kind.is_empty() {
            let message = format!("There is no type {}@{}.", resource.kind, resource.version);
            self.warn("BCP081", declared.ty.span, message);
        }
        // A folder with a selection of the types cannot tell that one does not exist, only that it looks like another.
        if let (Some(Lookup::Elsewhere), Some(near)) =
            (known, self.all.azure.as_ref().and_then(|azure| azure.near(&resource.kind)))
        {
            let message = format!("The type {} is not known. Is {near} meant?", resource.kind);
            self.warn("BCP081", declared.ty.span, message);
        }
        self.type_of(&declared.value);
        self.check_loop(&declared.value, &declared.name.span, decorator(resource.decorators, "batchSize"));
        let existing = declared.existing.is_some();
        let want = Want { resource: true, existing, missing: Some(declared.name.span), ..Want::value() };
        let body = self.resource(at).body.clone();
        self.check(turn(&declared.value), &body, want);
        if !existing {
            self.check_name_of_loop(&declared.value, &["name", "parent", "scope"], declared.name.span);
        }
        self.check_slashes(at);
        self.check_depends_on(declared.value.body());
    }

    fn check_module(&self, at: usize) {
        let Some(module) = self.model.modules.get(at) else { return };
        self.type_of(module.value);
        self.check_loop(module.value, &module.name.span, decorator(module.decorators, "batchSize"));
        if module.file.is_some() {
            let ty = Type::Object(self.module(at));
            let want = Want { missing: Some(module.name.span), slot: Slot::Value, ..Want::value() };
            self.check(turn(module.value), &ty, want);
        }
        if module.value.body().is_some_and(|body| body.property("name").is_some()) {
            self.check_name_of_loop(module.value, &["name", "scope"], module.name.span);
        }
        self.check_depends_on(module.value.body());
    }

    fn check_loop(&self, value: &'a Expression, name: &crate::Span, batch: Option<&'a [Expression]>) {
        if batch.is_some() && !matches!(value.kind, ExpressionKind::For(_)) {
            self.error("BCP155", *name, "`@batchSize` belongs to a loop.");
        }
    }

    /// A loop whose every turn makes the same thing: a warning, since the second would overwrite the first.
    fn check_name_of_loop(&self, value: &'a Expression, identifying: &[&str], at: crate::Span) {
        let ExpressionKind::For(each) = &value.kind else { return };
        let Some(body) = each.body.body() else { return };
        let uses = |name: &&str| {
            let Some(property) = body.property(name) else { return false };
            super::rules::walk::any(&property.value, &mut |one| {
                matches!(self.model.symbol(one), Some(Symbol::Local(_)))
                    && matches!(one.kind, ExpressionKind::Variable(_))
            })
        };
        if body.items.iter().any(|item| matches!(item, ObjectItem::Spread(..))) {
            return;
        }
        if !identifying.iter().any(uses) {
            let message = format!("No turn of the loop differs from another in {}.", identifying.join(", "));
            self.warn("BCP179", at, message);
        }
    }

    /// The number of `/` in the name of a resource follows from its type.
    fn check_slashes(&self, at: usize) {
        let Some(resource) = self.model.resources.get(at).filter(|resource| !resource.kind.is_empty()) else { return };
        let Some(name) = resource.declared.body().and_then(|body| body.property("name")) else { return };
        let ExpressionKind::String(text) = &name.value.kind else { return };
        let slashes: usize = text
            .parts
            .iter()
            .map(|part| match part {
                StringPart::Text { value, .. } => value.matches('/').count(),
                StringPart::Expression(_) => 0,
            })
            .sum();
        if self.parent(at).is_some() {
            if slashes > 0 {
                self.error("BCP170", text.span, "The name of a child has no `/`: its parent is known.");
            }
            return;
        }
        if resource.declared.body().is_some_and(|body| body.property("parent").is_some()) {
            return;
        }
        let wanted = resource.kind.matches('/').count() - 1;
        let is_wrong = if text.literal().is_some() { slashes != wanted } else { slashes > wanted };
        if is_wrong {
            let message = format!("The name has {slashes} `/`, its type needs {wanted}.");
            self.error("BCP169", text.span, message);
        }
    }

    fn check_depends_on(&self, body: Option<&'a crate::syntax::ast::Object>) {
        let Some(property) = body.and_then(|body| body.property("dependsOn")) else { return };
        let ExpressionKind::Array(items) = &property.value.kind else { return };
        for item in items {
            let crate::syntax::ast::ArrayItem::Value(value) = item else { continue };
            match self.type_of(value).members().as_slice() {
                [Type::Any] if self.model.symbol(value).is_none() => {}
                all => {
                    let is_deployed = |one: &Type| match one {
                        Type::Resource(_) | Type::Module(_) | Type::Any | Type::Null => true,
                        Type::List(list) => matches!(list.item.now(), Type::Resource(_) | Type::Module(_)),
                        _ => false,
                    };
                    if !all.iter().all(is_deployed) {
                        let message = "`dependsOn` lists resources and modules by their symbolic names.";
                        self.error("BCP034", value.span, message);
                    }
                }
            }
        }
    }

    /// Two resources of the same type, name and place (BCP121).
    fn check_duplicates(&self) {
        let identity = |at: usize| {
            let resource = self.model.resources.get(at)?;
            let body = resource.declared.body()?;
            let is_many = matches!(resource.declared.value.kind, ExpressionKind::For(_));
            if is_many || self.condition(Symbol::Resource(at)).is_some() {
                return None;
            }
            let name = body.property("name")?;
            let Type::TextIs(text) = self.type_of(&name.value) else { return None };
            let place = |name: &str| {
                body.property(name).map(|property| property.value.span.text(&self.source().text).to_owned())
            };
            let key =
                (resource.kind.to_lowercase(), text.to_lowercase(), resource.outer, place("scope"), place("parent"));
            Some((key, name.value.span))
        };
        let all: Vec<_> = (0..self.model.resources.len()).filter_map(identity).collect();
        for (key, span) in &all {
            if all.iter().filter(|(other, _)| other == key).count() > 1 {
                self.error("BCP121", *span, format!("Another resource has this type, name and place: {}.", key.0));
            }
        }
    }

    /// Whether other files may import this.
    pub(super) fn is_exported(&self, symbol: Symbol) -> bool {
        let decorators = match symbol {
            Symbol::Alias(at) => self.model.aliases.get(at).map(|one| one.decorators),
            Symbol::Variable(at) => self.model.variables.get(at).map(|one| one.decorators),
            Symbol::Function(at) => self.model.functions.get(at).map(|one| one.decorators),
            _ => None,
        };
        decorators.is_some_and(|all| decorator(all, "export").is_some())
    }
}

/// What one turn of a loop deploys.
fn turn(value: &Expression) -> &Expression {
    match &value.kind {
        ExpressionKind::For(each) => &each.body,
        _ => value,
    }
}
