//! Objects, property by property.

use super::{Found, Slot, Want};
use crate::{
    Diagnostic, Severity,
    check::{
        infer::Here,
        types::{
            Object, Tagged, Type,
            assign::{assignable, suggestion},
        },
    },
    syntax::ast::{Expression, ExpressionKind, ObjectItem, Property},
};

impl<'a> Here<'_, 'a> {
    pub(super) fn narrow_object(
        &self,
        expression: &'a Expression,
        from: &Type,
        to: &Object,
        want: Want<'_>,
        found: &mut Found,
    ) {
        if let Some(value) = self.variable(expression) {
            let want = Want { at: Some(want.at.unwrap_or(expression.span)), ..want };
            return self.narrow_object(value.inner(), from, to, want, found);
        }
        let Type::Object(have) = from else { return };
        let written = match &expression.kind {
            ExpressionKind::Object(object) => Some(object),
            _ => None,
        };
        // A tree with gaps has been reported; what is missing in it may be what could not be read.
        if written.is_some_and(|object| object.items.iter().any(|item| matches!(item, ObjectItem::Error(_)))) {
            return;
        }
        let at = want.at.unwrap_or(expression.span);
        self.missing(have, to, Want { missing: Some(want.missing.unwrap_or(at)), ..want }, found);
        for property in &have.properties {
            let place = written.and_then(|object| object.property(&property.name));
            let key = want.at.or(place.map(|place| place.key.span())).unwrap_or(at);
            let Some(declared) = to.property(&property.name) else {
                self.extra(&property.name, &property.of, place, expression, have, to, want, found);
                continue;
            };
            if declared.flags.read_only {
                if want.existing && want.missing.is_some() {
                    let message = format!("`{}` cannot be set on an existing resource.", property.name);
                    found.push(Diagnostic::error("BCP173", key, message));
                } else if !property.flags.read_only {
                    let message = format!("`{}` is read-only.", property.name);
                    found.push(
                        Want { system: declared.flags.system, ..want }.finding("BCP073", key, message, to.lenient),
                    );
                }
                continue;
            }
            if declared.flags.fallback {
                let message = format!("`{}` is not in the published type of the resource.", property.name);
                found.push(Diagnostic::warning("BCP187", key, message));
            }
            let wanted = match declared.flags.null {
                true => declared.of.clone().or_null(),
                false => declared.of.clone(),
            };
            let want = Want {
                system: declared.flags.system || (want.system && !want.resource),
                existing: false,
                slot: Slot::Property(&property.name),
                missing: place.map(|place| place.key.span()),
                ..want
            };
            match place {
                Some(place) => self.narrow(&place.value, &property.of, &wanted, want, found),
                None => self.narrow_value(expression, &property.of, &wanted, want, found),
            }
        }
        if to.rest.as_ref().is_none_or(|rest| rest.discouraged) {
            for property in written.into_iter().flat_map(|object| object.properties()) {
                if property.key.text().is_none() && have.rest.is_some() {
                    let severity = level(to);
                    let message = format!("{} has no properties with names that are computed.", to.name);
                    found.push(Diagnostic { span: property.key.span(), code: "BCP040", severity, message });
                }
            }
        }
    }

    fn missing(&self, have: &Object, to: &Object, want: Want<'_>, found: &mut Found) {
        if have.rest.is_some() {
            return;
        }
        let is_missing = |property: &&super::super::types::Property| {
            property.flags.required
                && !property.flags.read_only
                && !property.of.is_nullable()
                && have.property(&property.name).is_none()
        };
        let missing: Vec<_> = to.properties.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return;
        }
        let mut names: Vec<&str> = missing.iter().map(|property| property.name.as_str()).collect();
        names.sort_unstable();
        let system = missing.iter().any(|property| property.flags.system);
        let message = format!("Missing here: {}.", names.join(", "));
        let at = want.missing.unwrap_or_default();
        found.push(Want { system, ..want }.finding("BCP035", at, message, to.lenient));
    }

    /// A property that the type does not name.
    #[expect(clippy::too_many_arguments, reason = "the two sides of one comparison")]
    fn extra(
        &self,
        name: &str,
        of: &Type,
        place: Option<&'a Property>,
        whole: &'a Expression,
        have: &Object,
        to: &Object,
        want: Want<'_>,
        found: &mut Found,
    ) {
        let is_literal = matches!(whole.kind, ExpressionKind::Object(_));
        if let Some(rest) = to.rest.as_ref().filter(|rest| !(rest.discouraged && is_literal)) {
            let want = Want {
                slot: Slot::Property(name),
                missing: place.map(|place| place.key.span()),
                existing: false,
                ..want
            };
            return match place {
                Some(place) => self.narrow(&place.value, of, &rest.of, want, found),
                None => self.narrow_value(whole, of, &rest.of, want, found),
            };
        }
        let span = want.at.or(place.map(|place| place.key.span())).unwrap_or(whole.span);
        let severity = level(to);
        let open = to.properties.iter().filter(|property| {
            !property.flags.read_only && !property.flags.fallback && have.property(&property.name).is_none()
        });
        let mut open: Vec<&str> = open.map(|property| property.name.as_str()).collect();
        open.sort_unstable();
        let near = if want.at.is_none() { suggestion(name, open.iter().copied()) } else { None };
        let (code, message) = match near {
            Some(near) => ("BCP089", format!("`{name}` is no property of {}. Is `{near}` meant?", to.name)),
            None if open.is_empty() => ("BCP037", format!("`{name}` is no property of {}.", to.name)),
            None => ("BCP037", format!("`{name}` is no property of {}; these are left: {}.", to.name, open.join(", "))),
        };
        found.push(Diagnostic { span, code, severity, message });
    }

    pub(super) fn narrow_tagged(
        &self,
        expression: &'a Expression,
        from: &Type,
        to: &Tagged,
        want: Want<'_>,
        found: &mut Found,
    ) {
        if let Some(value) = self.variable(expression) {
            let want = Want { at: Some(want.at.unwrap_or(expression.span)), ..want };
            return self.narrow_tagged(value.inner(), from, to, want, found);
        }
        let Type::Object(have) = from else { return };
        let at = want.at.unwrap_or(expression.span);
        let lenient = to.lenient;
        let tags = || to.shapes.iter().map(|(tag, _)| tag.as_str());
        let Some(tag) = have.property(&to.tag) else {
            if have.rest.is_none() {
                let message = format!(
                    "`{}` is missing, which tells the shape: {}.",
                    to.tag,
                    tags().collect::<Vec<_>>().join(", ")
                );
                let at = want.at.or(want.missing).unwrap_or(expression.span);
                found.push(want.finding("BCP078", at, message, lenient));
            }
            return;
        };
        let place = match &expression.kind {
            ExpressionKind::Object(object) => object.property(&to.tag).map(|property| property.value.span),
            _ => None,
        };
        let at = want.at.or(place).unwrap_or(at);
        match tag.of.now() {
            Type::Any => {}
            Type::TextIs(text) => match to.shapes.iter().find(|(tag, _)| **tag == *text) {
                Some((_, shape)) => {
                    if let Type::Object(shape) = shape.now() {
                        self.narrow_object(expression, from, &shape, want, found);
                    }
                }
                None => {
                    let near = if want.at.is_none() { suggestion(&text, tags()) } else { None };
                    let code = if near.is_some() { "BCP088" } else { "BCP036" };
                    let message =
                        format!("`{}` is one of {}, not '{text}'.", to.tag, tags().collect::<Vec<_>>().join(", "));
                    found.push(Want { system: false, ..want }.finding(code, at, message, lenient));
                }
            },
            other => {
                let known = Type::union(tags().map(Type::literal));
                if assignable(&other, &known) {
                    let message = format!("`{}` is not known, so the shape cannot be checked.", to.tag);
                    found.push(Diagnostic::warning("BCP225", at, message));
                } else {
                    let message = format!("`{}` takes {known}, not {other}.", to.tag);
                    found.push(want.finding("BCP036", at, message, lenient));
                }
            }
        }
    }
}

/// How bad a property is that the type does not name.
fn level(to: &Object) -> Severity {
    match to.lenient || to.rest.as_ref().is_some_and(|rest| rest.discouraged) {
        true => Severity::Warning,
        false => Severity::Error,
    }
}
