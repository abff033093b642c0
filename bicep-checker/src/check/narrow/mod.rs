//! Whether a value fits the place it is given to, looked into as deep as it is written out.
//!
//! What the compiler does (`TypeValidator`), with two differences: both branches of `?:` and `??` and all of several possible
//! objects are looked into, and a literal that an open list of values does not name is a finding (`open-enum`), since services
//! refuse it.

mod bounds;
mod object;
mod union;

use super::{
    infer::Here,
    model::Symbol,
    types::{
        Type,
        assign::{assignable, assignable_without_null, suggestion},
    },
};
use crate::{
    Diagnostic, Severity, Span,
    syntax::ast::{ArrayItem, BinaryOperator, Expression, ExpressionKind},
};

/// Findings go here: those of a try that fails are dropped.
pub(crate) type Found = Vec<Diagnostic>;

/// The place a value is given to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want<'w> {
    /// In a resource, whose published type may be wrong: warnings, not errors.
    pub resource: bool,
    pub existing: bool,
    /// A value of the language itself, such as a resource's name: an error all the same.
    pub system: bool,
    /// Where to report, if the value stands somewhere else (the variable that is named, not its declaration).
    pub at: Option<Span>,
    /// Where to report a property that is missing.
    pub missing: Option<Span>,
    pub slot: Slot<'w>,
    pub depth: usize,
}

/// What takes the value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot<'w> {
    /// A declaration with a type.
    Value,
    /// A property of this name.
    Property(&'w str),
    /// An array.
    Item,
}

impl Want<'_> {
    pub(crate) fn value() -> Self {
        Self { resource: false, existing: false, system: false, at: None, missing: None, slot: Slot::Value, depth: 0 }
    }

    /// A finding that is a warning in resources.
    fn finding(&self, code: &'static str, span: Span, message: String, lenient: bool) -> Diagnostic {
        let severity = match (self.resource && !self.system) || lenient {
            true => Severity::Warning,
            false => Severity::Error,
        };
        Diagnostic { span, code, severity, message }
    }
}

impl<'a> Here<'_, 'a> {
    /// Reports where an expression does not fit a type.
    pub(crate) fn check(&self, expression: &'a Expression, to: &Type, want: Want<'_>) {
        let from = self.type_of(expression);
        let mut found = Found::new();
        self.narrow(expression, &from, to, want, &mut found);
        // The same mistake is seen once for each of several types that were expected.
        found.sort();
        found.dedup();
        found.into_iter().for_each(|one| self.model.report(one));
    }

    pub(super) fn narrow(&self, expression: &'a Expression, from: &Type, to: &Type, want: Want<'_>, found: &mut Found) {
        let (from, to) = (from.now(), to.now());
        if matches!(from, Type::Any | Type::Never) || matches!(to, Type::Any) || want.depth > 40 {
            return;
        }
        let want = Want { depth: want.depth + 1, ..want };
        match &expression.kind {
            ExpressionKind::Parenthesized(inner) => return self.narrow(inner, &from, &to, want, found),
            ExpressionKind::If { body, .. } => return self.narrow(body, &self.type_of(body), &to, want, found),
            ExpressionKind::For(each) => {
                if let Some(item) = to.item() {
                    return self.narrow(&each.body, &self.type_of(&each.body), &item, want, found);
                }
            }
            ExpressionKind::Ternary { then, otherwise, .. } => {
                for branch in [then, otherwise] {
                    self.narrow(branch, &self.branch(branch, &from), &to, want, found);
                }
                return;
            }
            ExpressionKind::Binary { operator: BinaryOperator::Coalesce, left, right, .. } => {
                if let Some(first) = self.type_of(left).without_null() {
                    self.narrow(left, &first, &to, want, found);
                    return self.narrow(right, &self.branch(right, &from), &to, want, found);
                }
            }
            _ => {}
        }
        if !assignable(&from, &to) {
            return self.mismatch(expression, &from, &to, want, found);
        }
        if let (Type::Union(members), Type::Object(_) | Type::Tagged(_) | Type::List(_) | Type::Tuple(_)) = (&from, &to)
        {
            return members.iter().for_each(|member| self.narrow(expression, member, &to, want, found));
        }
        let at = want.at.unwrap_or(expression.span);
        match &to {
            Type::Int(range) => self.integers(&from, range, at, want, found),
            Type::Text(text) => self.text(&from, text, at, want, found),
            Type::Object(object) => self.narrow_object(expression, &from, object, want, found),
            Type::Tagged(tagged) => self.narrow_tagged(expression, &from, tagged, want, found),
            Type::List(_) | Type::Tuple(_) => self.narrow_list(expression, &from, &to, want, found),
            Type::Union(members) => match self.variable(expression) {
                Some(value) => {
                    self.narrow(value, &self.branch(value, &from), &to, Want { at: Some(at), ..want }, found)
                }
                None => self.narrow_union(expression, &from, members, want, found),
            },
            _ => {}
        }
    }

    /// The type of a part that may be the value; without null, where the whole was found to be so.
    fn branch(&self, part: &'a Expression, whole: &Type) -> Type {
        let ty = self.type_of(part);
        match whole.is_nullable() {
            true => ty,
            false => ty.without_null().unwrap_or(ty),
        }
    }

    fn mismatch(&self, expression: &'a Expression, from: &Type, to: &Type, want: Want<'_>, found: &mut Found) {
        let at = want.at.unwrap_or(expression.span);
        if let Some(rest) = assignable_without_null(from, to) {
            let message = format!("{to} is needed, {from} may be null.");
            found.push(Diagnostic::warning("BCP321", at, message));
            return self.narrow(expression, &rest, to, want, found);
        }
        let lenient = matches!(to, Type::Object(object) if object.lenient && want.resource);
        let finding = match want.slot {
            Slot::Property(name) => {
                let literals = to.members().into_iter().filter_map(|member| match member {
                    Type::TextIs(text) => Some(text.to_string()),
                    _ => None,
                });
                let literals: Vec<String> = literals.collect();
                let near = match from {
                    Type::TextIs(text) if want.at.is_none() => suggestion(text, literals.iter().map(String::as_str)),
                    _ => None,
                };
                match near {
                    Some(near) => {
                        let message = format!("`{name}` takes {to}, not {from}. Is '{near}' meant?");
                        want.finding("BCP088", at, message, lenient)
                    }
                    None => want.finding("BCP036", at, format!("`{name}` takes {to}, not {from}."), lenient),
                }
            }
            Slot::Item => want.finding("BCP034", at, format!("The array takes {to}, not {from}."), lenient),
            Slot::Value => want.finding("BCP033", at, format!("{to} is needed, not {from}."), lenient),
        };
        found.push(finding);
    }

    /// The value of a variable that an expression names.
    fn variable(&self, expression: &Expression) -> Option<&'a Expression> {
        match (&expression.kind, self.model.symbol(expression)) {
            (ExpressionKind::Variable(_), Some(Symbol::Variable(at))) => {
                self.model.variables.get(at).filter(|variable| variable.ty.is_none()).map(|variable| variable.value)
            }
            _ => None,
        }
    }

    fn narrow_list(&self, expression: &'a Expression, from: &Type, to: &Type, want: Want<'_>, found: &mut Found) {
        let at = want.at.unwrap_or(expression.span);
        let (least, most) = match to {
            Type::List(list) => (list.least, list.most),
            Type::Tuple(items) => (Some(items.len() as u64), Some(items.len() as u64)),
            _ => return,
        };
        if let ExpressionKind::Array(items) = &expression.kind {
            let mut spread = false;
            for (place, item) in items.iter().enumerate() {
                match item {
                    ArrayItem::Value(value) => {
                        let wanted = match to {
                            Type::Tuple(items) if !spread => items.get(place).cloned().unwrap_or(Type::Any),
                            other => other.item().unwrap_or(Type::Any),
                        };
                        let want = Want { slot: Slot::Item, missing: None, ..want };
                        self.narrow(value, &self.type_of(value), &wanted, want, found);
                    }
                    ArrayItem::Spread(value, _) => {
                        spread = true;
                        let wanted = Type::list(to.item().unwrap_or(Type::Any));
                        self.narrow(value, &self.type_of(value), &wanted, Want { slot: Slot::Item, ..want }, found);
                    }
                }
            }
            if !spread {
                let count = items.len() as u64;
                return self.lengths((Some(count), Some(count)), (least, most), at, want, found);
            }
            return;
        }
        if let Some(value) = self.variable(expression) {
            let want = Want { at: Some(at), ..want };
            return self.narrow(value, &self.branch(value, from), to, want, found);
        }
        match from {
            Type::Tuple(items) => {
                let count = items.len() as u64;
                self.lengths((Some(count), Some(count)), (least, most), at, want, found);
                for (place, item) in items.iter().enumerate() {
                    let wanted = match to {
                        Type::Tuple(wanted) => wanted.get(place).cloned().unwrap_or(Type::Any),
                        other => other.item().unwrap_or(Type::Any),
                    };
                    self.narrow_value(expression, item, &wanted, Want { slot: Slot::Item, ..want }, found);
                }
            }
            Type::List(list) => {
                self.lengths((list.least, list.most), (least, most), at, want, found);
                let wanted = to.item().unwrap_or(Type::Any);
                self.narrow_value(expression, &list.item, &wanted, Want { slot: Slot::Item, ..want }, found);
            }
            _ => {}
        }
    }

    /// As [`Self::narrow`], for a part of a value that is not written out: only its type counts.
    fn narrow_value(&self, whole: &'a Expression, from: &Type, to: &Type, want: Want<'_>, found: &mut Found) {
        static NOTHING: Expression = Expression { kind: ExpressionKind::Null, span: Span { start: 0, end: 0 } };
        let at = Some(want.at.unwrap_or(whole.span));
        self.narrow(&NOTHING, from, to, Want { at, ..want }, found);
    }
}
