//! What the language refuses beside types: names that differ in the case of letters only, spreads in some objects, exports of what no
//! other file can know, decorators that do not fit, functions that a scope lacks.

use std::collections::HashMap;

use super::{
    infer::Here,
    model::{Symbol, decorator},
    rules::walk,
    types::{Level, Type},
};
use crate::{
    Span,
    syntax::ast::{
        Decorator, Expression, ExpressionKind, Name, Object, ObjectItem, ObjectTypeKey, StatementKind, TypeExpression,
        TypeKind,
    },
};

impl<'a> Here<'_, 'a> {
    pub(super) fn check_limits(&self) {
        self.check_case();
        self.check_spreads();
        self.check_exports();
        self.check_decorators();
        for one in self.expressions() {
            self.check_scope_function(one);
        }
        for root in self.roots() {
            self.check_lambdas(root, false);
        }
    }

    fn check_case(&self) {
        let model = self.model;
        let clash = |names: Vec<&'a Name>| {
            let mut seen: HashMap<String, &str> = HashMap::new();
            for name in names {
                match seen.get(&name.text.to_lowercase()) {
                    Some(other) if *other != name.text => {
                        let message = format!("`{}` and `{other}` differ in the case of letters only.", name.text);
                        self.error("BCP353", name.span, message);
                    }
                    Some(_) => {}
                    None => {
                        seen.insert(name.text.to_lowercase(), &name.text);
                    }
                }
            }
        };
        clash(model.parameters.iter().map(|one| one.name).collect());
        clash(model.variables.iter().map(|one| one.name).collect());
        clash(model.outputs.iter().map(|one| one.name).collect());
        clash(model.aliases.iter().map(|one| one.name).collect());
        clash(model.functions.iter().map(|one| one.name).collect());
    }

    fn check_spreads(&self) {
        let refuse = |object: &Object| {
            for item in &object.items {
                if let ObjectItem::Spread(_, span) = item {
                    self.error(
                        "BCP401",
                        *span,
                        "`...` cannot stand in the body of a resource or module, or in its params.",
                    );
                }
            }
        };
        for resource in &self.model.resources {
            resource.declared.body().into_iter().for_each(refuse);
        }
        for module in &self.model.modules {
            let Some(body) = module.value.body() else { continue };
            refuse(body);
            match body.property("params").map(|params| &params.value.kind) {
                Some(ExpressionKind::Object(params)) => refuse(params),
                Some(ExpressionKind::Error) | None => {}
                Some(_) => {
                    let at = body.property("params").map_or(body.span, |params| params.value.span);
                    self.error("BCP183", at, "`params` is an object that is written out.");
                }
            }
        }
        for one in self.expressions() {
            let ExpressionKind::Object(object) = &one.kind else { continue };
            let has_loop = object.properties().any(|property| matches!(property.value.kind, ExpressionKind::For(_)));
            for item in object.items.iter().filter(|_| has_loop) {
                if let ObjectItem::Spread(_, span) = item {
                    self.error("BCP417", *span, "`...` cannot stand beside a property with a loop.");
                }
            }
        }
    }

    /// What other files import may be made of literals, functions and other exports only.
    fn check_exports(&self) {
        let model = self.model;
        let all = (0..model.variables.len()).map(Symbol::Variable);
        let all = all.chain((0..model.aliases.len()).map(Symbol::Alias));
        for symbol in all.chain((0..model.functions.len()).map(Symbol::Function)) {
            if !self.is_exported(symbol) {
                continue;
            }
            let (mut open, mut seen) = (vec![symbol], Vec::new());
            let mut late = Vec::new();
            while let Some(next) = open.pop() {
                if seen.contains(&next) {
                    continue;
                }
                seen.push(next);
                if matches!(next, Symbol::Parameter(_) | Symbol::Resource(_) | Symbol::Module(_)) {
                    late.extend(model.name(next).map(|name| name.text.as_str()));
                }
                open.extend(model.refers.get(&next).into_iter().flatten());
            }
            if let (false, Some(name)) = (late.is_empty(), model.name(symbol)) {
                let message = format!("`{}` is exported and depends on {}.", name.text, late.join(", "));
                self.error("BCP372", name.span, message);
            }
        }
    }

    fn check_decorators(&self) {
        let model = self.model;
        for one in &model.parameters {
            self.refuse_decorators(one.decorators, &DEPLOYED, "BCP125", "a parameter");
            self.refuse_decorators(one.decorators, &["export"], "BCP125", "a parameter");
            if let Some(ty) = one.ty {
                self.fits(one.decorators, &self.written(ty), ty);
            }
        }
        for one in &model.variables {
            self.refuse_decorators(one.decorators, &DEPLOYED, "BCP126", "a variable");
            self.refuse_decorators(one.decorators, &TYPED, "BCP126", "a variable");
        }
        for one in &model.outputs {
            self.refuse_decorators(one.decorators, &DEPLOYED, "BCP129", "an output");
            self.refuse_decorators(one.decorators, &["export", "allowed"], "BCP129", "an output");
            self.fits(one.decorators, &self.written(one.ty), one.ty);
        }
        for one in &model.aliases {
            self.refuse_decorators(one.decorators, &DEPLOYED, "BCP297", "a type");
            self.fits(one.decorators, &self.written(one.value), one.value);
            self.properties(one.value);
        }
        for one in &model.resources {
            self.refuse_decorators(one.decorators, &TYPED, "BCP127", "a resource");
        }
        for one in &model.modules {
            self.refuse_decorators(one.decorators, &TYPED, "BCP128", "a module");
        }
        for statement in &model.others {
            if let StatementKind::Metadata { .. } = statement.kind {
                self.refuse_decorators(&statement.decorators, &TYPED, "BCP269", "metadata");
            }
        }
    }

    fn properties(&self, ty: &'a TypeExpression) {
        match &ty.kind {
            TypeKind::Object(object) => {
                for item in &object.items {
                    if let ObjectTypeKey::Named(_) = item.key {
                        self.fits(&item.decorators, &self.written(&item.value), &item.value);
                    }
                    self.properties(&item.value);
                }
            }
            TypeKind::Nullable(inner) | TypeKind::Array(inner) | TypeKind::Parenthesized(inner) => {
                self.properties(inner)
            }
            _ => {}
        }
    }

    fn refuse_decorators(&self, decorators: &[Decorator], refused: &[&str], code: &'static str, what: &str) {
        for name in refused {
            if decorator(decorators, name).is_some() {
                let at = decorators.first().map_or_else(Span::default, |one| one.span);
                self.error(code, at, format!("`@{name}` does not belong on {what}."));
            }
        }
    }

    /// Decorators that say something about a type fit that type.
    fn fits(&self, decorators: &[Decorator], ty: &Type, at: &TypeExpression) {
        let ty = ty.without_null().unwrap_or_else(|| ty.clone()).now();
        let is = |name: &str| match (name, &ty) {
            (_, Type::Any) => true,
            ("minLength" | "maxLength", Type::Text(_) | Type::List(_)) => true,
            ("minValue" | "maxValue", Type::Int(_)) => true,
            ("sealed", Type::Object(_) | Type::Tagged(_)) => true,
            ("secure", Type::Text(_) | Type::TextIs(_) | Type::Object(_) | Type::Union(_)) => true,
            ("minLength" | "maxLength" | "minValue" | "maxValue" | "sealed" | "secure", _) => false,
            _ => true,
        };
        for name in ["minLength", "maxLength", "minValue", "maxValue", "sealed", "secure"] {
            if decorator(decorators, name).is_some() && !is(name) {
                let code = if name == "secure" { "BCP439" } else { "BCP124" };
                self.error(code, at.span, format!("`@{name}` says nothing about {ty}."));
            }
        }
    }

    /// `resourceGroup()` and its kind, which exist where the file is deployed.
    fn check_scope_function(&self, one: &'a Expression) {
        let Some((name, arguments)) = self.call_of(one) else { return };
        let level = self.model.level;
        let group = level == Level::ResourceGroup;
        let subscription = group || level == Level::Subscription;
        let exists = match (name, arguments.len()) {
            ("resourceGroup", 0) => group,
            ("resourceGroup", 1) => subscription,
            ("subscription", 0) => subscription,
            ("managementGroup", 0) => level == Level::ManagementGroup,
            _ => true,
        };
        if !exists && !self.source().is_params() {
            let message = format!("A file for a {level} cannot call `{name}` with {} arguments.", arguments.len());
            self.error("BCP071", one.span, message);
        }
    }

    /// A lambda is an argument of a function, nothing else.
    fn check_lambdas(&self, value: &'a Expression, is_argument: bool) {
        if let ExpressionKind::Lambda { .. } = value.kind
            && !is_argument
        {
            self.error("BCP242", value.span, "A lambda is an argument of a function.");
        }
        let takes = match &value.kind {
            ExpressionKind::Call { .. } | ExpressionKind::MethodCall { .. } => true,
            ExpressionKind::Parenthesized(_) => is_argument,
            _ => false,
        };
        walk::children(value).into_iter().for_each(|child| self.check_lambdas(child, takes));
    }
}

/// Decorators of what is deployed.
const DEPLOYED: [&str; 4] = ["batchSize", "onlyIfNotExists", "nullIfNotFound", "retryOn"];

/// Decorators of what has a type.
const TYPED: [&str; 9] =
    ["secure", "allowed", "minLength", "maxLength", "minValue", "maxValue", "sealed", "discriminator", "metadata"];
