//! Where things are deployed: `targetScope`, `scope` and `parent`.

use super::{
    infer::Here,
    model::Symbol,
    types::{Level, Type},
};
use crate::syntax::ast::ExpressionKind;

impl<'a> Here<'_, 'a> {
    pub(super) fn check_scopes(&self) {
        if self.source().is_params() {
            return;
        }
        for at in 0..self.model.resources.len() {
            self.check_parent(at);
            self.check_resource_scope(at);
        }
        for at in 0..self.model.modules.len() {
            self.check_module_scope(at);
        }
    }

    fn check_parent(&self, at: usize) {
        let Some(resource) = self.model.resources.get(at) else { return };
        let Some(parent) = resource.declared.body().and_then(|body| body.property("parent")) else { return };
        match self.type_of(&parent.value) {
            Type::Resource(outer) if !resource.kind.is_empty() && !outer.kind.is_empty() => {
                let wanted = resource.kind.rsplit_once('/').map(|(outer, _)| outer).unwrap_or_default();
                if !outer.kind.eq_ignore_ascii_case(wanted) {
                    let message = format!("The parent of {} is a {wanted}, not a {}.", resource.kind, outer.kind);
                    self.error("BCP036", parent.value.span, message);
                }
            }
            Type::Resource(_) if self.reached(&parent.value).is_none() => {
                self.error("BCP240", parent.value.span, "A parent is named directly.");
            }
            Type::Resource(_) => {}
            Type::Any if self.model.symbol(&parent.value).is_some() => {}
            Type::Any => self.error("BCP176", parent.value.span, "`any` cannot be a parent."),
            other => self.error("BCP240", parent.value.span, format!("A parent is a resource, not {other}.")),
        }
    }

    fn check_resource_scope(&self, at: usize) {
        let Some(resource) = self.model.resources.get(at).filter(|resource| !resource.kind.is_empty()) else { return };
        let existing = resource.declared.existing.is_some();
        let written = resource.declared.body().and_then(|body| body.property("scope"));
        let has_parent =
            resource.outer.is_some() || resource.declared.body().is_some_and(|body| body.property("parent").is_some());
        if let Some(scope) = written {
            if has_parent {
                let message = "A child is deployed where its parent is: it has no `scope`.";
                return self.error("BCP164", scope.key.span(), message);
            }
            match self.type_of(&scope.value) {
                Type::Scope(..) | Type::Resource(_) | Type::Module(_) => {}
                Type::Any => {}
                other => {
                    let message = format!("`scope` takes a resource or `resourceGroup(…)`, …, not {other}.");
                    return self.error("BCP036", scope.value.span, message);
                }
            }
            let Some(level) = self.level_of(&scope.value) else { return };
            let writable = self.resource(at).writable;
            if writable & level as u8 == 0 {
                let message = format!("{} cannot be deployed to a {level}.", resource.kind);
                return self.error("BCP135", scope.value.span, message);
            }
            // Only the place of the deployment itself may be named: others are reached by a module.
            let is_own = match &scope.value.inner().kind {
                ExpressionKind::Call { arguments, .. } => arguments.is_empty() && level == self.model.level,
                _ => level == Level::Resource,
            };
            let is_tenant = level == Level::Tenant;
            if !existing && !is_own && !is_tenant {
                let message = "A resource is deployed where its file is; use a module for another place.";
                self.error("BCP139", scope.value.span, message);
            }
            return;
        }
        let writable = self.resource(at).writable;
        let own = self.model.level as u8;
        if has_parent
            || writable & own != 0
            || (writable == Level::Resource as u8 && resource.kind.matches('/').count() < 1)
        {
            return;
        }
        if !existing {
            let message = format!("{} cannot be deployed to a {}.", resource.kind, self.model.level);
            self.error("BCP135", resource.declared.name.span, message);
        }
    }

    fn check_module_scope(&self, at: usize) {
        let Some(module) = self.model.modules.get(at) else { return };
        let Some(there) = module.file.and_then(|file| self.all.file(file)) else { return };
        let Some(scope) = module.value.body().and_then(|body| body.property("scope")) else { return };
        let level = match self.type_of(&scope.value) {
            Type::Scope(..) | Type::Resource(_) => self.level_of(&scope.value),
            Type::Any
                if matches!(self.model.symbol(&scope.value), Some(Symbol::Resource(_) | Symbol::Module(_)) | None) =>
            {
                return;
            }
            other => {
                let message = format!("`scope` takes a resource group, subscription, …, not {other}.");
                return self.error("BCP036", scope.value.span, message);
            }
        };
        let Some(level) = level else { return };
        if level != there.model.level {
            let message = format!("The module is made for a {}, not for a {level}.", there.model.level);
            self.error("BCP134", scope.value.span, message);
        }
    }
}
