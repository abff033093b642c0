//! `a.b`, `a.?b`, `a[0]`, `a::b`

use std::rc::Rc;

use super::{Expression, ExpressionKind, Here, Object, Symbol, Type, assignable};
use crate::{Diagnostic, Severity, Span, check::types::assign::suggestion, syntax::ast::Name};

/// One step of a chain of accesses: the type so far, and whether a null was passed over by `.?` earlier in the chain.
struct Step {
    ty: Type,
    passed_null: bool,
}

impl<'a> Here<'_, 'a> {
    /// The type of a property or item.
    pub(super) fn accessed(&self, expression: &'a Expression) -> Type {
        let step = self.step(expression);
        match step.passed_null {
            true => step.ty.or_null(),
            false => step.ty,
        }
    }

    fn step(&self, expression: &'a Expression) -> Step {
        let (base, safe) = match &expression.kind {
            ExpressionKind::Property { base, safe, .. } | ExpressionKind::Index { base, safe, .. } => (&**base, *safe),
            _ => return Step { ty: self.type_of(expression), passed_null: false },
        };
        let Step { mut ty, mut passed_null } = self.step(base);
        let after_safe =
            matches!(base.kind, ExpressionKind::Property { safe: true, .. } | ExpressionKind::Index { safe: true, .. });
        let mut may_be_absent = self.is_conditional(base) && !self.always_there(base, expression);
        if safe || after_safe {
            if matches!(ty, Type::Null) {
                return Step { ty, passed_null };
            }
            if let Some(rest) = ty.without_null() {
                (ty, passed_null) = (rest, true);
            } else if safe && may_be_absent {
                (may_be_absent, passed_null) = (false, true);
            }
        }
        let at = Span::new(base.span.end, expression.span.end);
        if let Some(rest) = ty.without_null() {
            self.warn("BCP318", at, format!("{ty} may be null: use `.?` or `!`."));
            ty = rest;
        } else if may_be_absent {
            self.warn("BCP318", at, "This is deployed under a condition and may be null: use `.?` or `!`.");
        }
        let ty = match &expression.kind {
            ExpressionKind::Property { name, .. } => self.property(&ty, name, safe),
            ExpressionKind::Index { base, index, from_end, .. } => self.index(&ty, base, index, *from_end, safe),
            _ => Type::Any,
        };
        Step { ty: ty.now(), passed_null }
    }

    fn property(&self, ty: &Type, name: &Name, safe: bool) -> Type {
        match ty.now() {
            Type::Resource(resource) => self.property(&resource.body, name, safe),
            Type::Object(object) | Type::Module(object) | Type::Scope(_, object) => {
                self.named(&object, &name.text, name.span, safe)
            }
            Type::Union(members) => self.of_union(&members, name, safe),
            Type::Any | Type::Tagged(_) | Type::Never => Type::Any,
            other => {
                let message = format!("{other} has no properties.");
                self.error("BCP055", name.span, message);
                Type::Any
            }
        }
    }

    /// A property of one of several objects, as the items of a JSON array are. The compiler lets a property pass that only some
    /// of them have, and the deployment fails on the others: `.?` is asked for, under a code of ours.
    fn of_union(&self, members: &[Type], name: &Name, safe: bool) -> Type {
        let objects: Option<Vec<_>> = members
            .iter()
            .map(|one| match one.now() {
                Type::Object(object) => Some(object),
                _ => None,
            })
            .collect();
        let Some(objects) = objects else { return Type::Any };
        let property = |object: &Rc<Object>| match object.property(&name.text) {
            Some(property) => Some(property.of.clone()),
            None => object.rest.as_ref().map(|rest| rest.of.clone()),
        };
        let known: Vec<Type> = objects.iter().filter_map(property).collect();
        match (known.len(), objects.first()) {
            (0, Some(first)) => self.named(first, &name.text, name.span, safe),
            (count, _) if count < objects.len() => {
                if !safe {
                    let message = format!("Only some of the objects have `{}`: use `.?`.", name.text);
                    self.warn("optional-key", name.span, message);
                }
                let ty = Type::union(known);
                if safe { ty.or_null() } else { ty }
            }
            _ => Type::union(known),
        }
    }

    /// A property of an object by its name.
    fn named(&self, object: &Object, name: &str, at: Span, safe: bool) -> Type {
        let severity = if safe || object.lenient { Severity::Warning } else { Severity::Error };
        let report = |code, message| self.model.report(Diagnostic { span: at, code, severity, message });
        if let Some(property) = object.property(name) {
            if property.flags.write_only {
                report("BCP077", format!("`{name}` of {} can be written, not read.", object.name));
            }
            if property.flags.fallback {
                self.warn("BCP187", at, format!("`{name}` is not in the published type."));
            }
            return property.of.clone();
        }
        if let Some(rest) = &object.rest {
            if rest.discouraged && !safe {
                self.warn("BCP187", at, format!("`{name}` is not in the type."));
            }
            return rest.of.clone();
        }
        let known = object.properties.iter().filter(|one| !one.flags.write_only).map(|one| one.name.as_str());
        let known: Vec<&str> = known.collect();
        match suggestion(name, known.iter().copied()) {
            Some(near) => report("BCP083", format!("{} has no `{name}`. Is `{near}` meant?", object.name)),
            None if known.is_empty() => report("BCP052", format!("{} has no `{name}`.", object.name)),
            None => report("BCP053", format!("{} has no `{name}`, only {}.", object.name, known.join(", "))),
        }
        Type::Any
    }

    fn index(&self, ty: &Type, base: &'a Expression, index: &'a Expression, from_end: bool, safe: bool) -> Type {
        let mut by = self.type_of(index);
        if let Some(rest) = by.without_null() {
            self.warn("BCP321", index.span, format!("The index {by} may be null."));
            by = rest;
        }
        let wants_number = |by: &Type| {
            if !assignable(by, &Type::int()) {
                self.error("BCP074", index.span, format!("An array is indexed by int, not by {by}."));
            }
        };
        match ty.now() {
            Type::Any | Type::Never => Type::Any,
            Type::Tuple(items) => {
                wants_number(&by);
                let place = match by {
                    Type::IntIs(number) => usize::try_from(number).ok(),
                    _ => return Type::union(items.iter().cloned()),
                };
                let place = match from_end {
                    true => place.and_then(|place| items.len().checked_sub(place)),
                    false => place,
                };
                place.and_then(|place| items.get(place)).cloned().unwrap_or_else(|| {
                    let message = format!("The array has {} items.", items.len());
                    match safe {
                        true => self.warn("BCP311", index.span, message),
                        false => self.error("BCP311", index.span, message),
                    }
                    Type::Any
                })
            }
            Type::List(list) => {
                wants_number(&by);
                list.item.now()
            }
            Type::Resource(resource) => self.index(&resource.body, base, index, from_end, safe),
            Type::Object(object) | Type::Module(object) => match by {
                Type::TextIs(name) => self.named(&object, &name, index.span, safe),
                by if assignable(&by, &Type::text()) => match (&object.rest, object.properties.is_empty()) {
                    (Some(rest), true) => rest.of.now(),
                    _ => Type::Any,
                },
                by => {
                    self.error("BCP075", index.span, format!("An object is indexed by string, not by {by}."));
                    Type::Any
                }
            },
            Type::Tagged(_) => Type::Any,
            Type::Union(members) => Type::union(members.iter().map(|one| self.index(one, base, index, from_end, safe))),
            other => {
                let message = format!("{other} cannot be indexed.");
                self.error("BCP076", base.span, message);
                Type::Any
            }
        }
    }

    /// `outer::inner`
    pub(super) fn nested(&self, base: &'a Expression, name: &Name) -> Type {
        self.type_of(base);
        match self.nested_symbol(base, name) {
            Some(Symbol::Resource(at)) => Type::Resource(self.resource(at)),
            _ => {
                let of_resource = matches!(self.reached(base), Some(Symbol::Resource(_)));
                let code = if of_resource { "BCP159" } else { "BCP158" };
                self.error(code, name.span, format!("There is no resource `{}` inside.", name.text));
                Type::Any
            }
        }
    }
}
