//! Where one of several types is expected.

use super::{Found, Slot, Want};
use crate::{
    Diagnostic, Severity,
    check::{
        infer::Here,
        types::{Type, assign::assignable},
    },
    syntax::ast::Expression,
};

impl<'a> Here<'_, 'a> {
    pub(super) fn narrow_union(
        &self,
        expression: &'a Expression,
        from: &Type,
        to: &[Type],
        want: Want<'_>,
        found: &mut Found,
    ) {
        if let Type::Union(members) = from {
            for member in members.iter() {
                self.narrow_union(expression, member, to, want, found);
            }
            return;
        }
        self.listed(expression, from, to, want, found);
        let mut tries: Vec<Found> = Vec::new();
        for member in to.iter().filter(|member| assignable(from, member)) {
            let mut of_this = Found::new();
            self.narrow(expression, from, member, want, &mut of_this);
            tries.push(of_this);
        }
        let is_error = |one: &Diagnostic| one.severity == Severity::Error;
        let fitting: Vec<&Found> = tries.iter().filter(|one| !one.iter().any(is_error)).collect();
        match fitting.is_empty() {
            // None fits: what each of them found wrong.
            true => found.extend(tries.into_iter().flatten()),
            false if fitting.iter().all(|one| !one.is_empty()) => {
                found.extend(fitting.into_iter().flatten().cloned());
            }
            false => {}
        }
    }

    /// Services publish most of their lists of values as open: any text passes the compiler, and few pass the service.
    fn listed(&self, expression: &Expression, from: &Type, to: &[Type], want: Want<'_>, found: &mut Found) {
        let Type::TextIs(text) = from else { return };
        let is_open = want.resource && to.iter().any(|member| matches!(member, Type::Text(_)));
        let listed: Vec<&str> = to
            .iter()
            .filter_map(|member| match member {
                Type::TextIs(listed) => Some(&**listed),
                _ => None,
            })
            .collect();
        let Slot::Property(name) = want.slot else { return };
        if is_open && !listed.is_empty() && !listed.contains(&&**text) && !ACCEPTED.contains(&(name, text)) {
            let at = want.at.unwrap_or(expression.span);
            let message = format!("`{name}` has no value '{text}' among those published: {}.", listed.join(", "));
            found.push(Diagnostic::warning("open-enum", at, message));
        }
    }
}

/// Values that services take and do not publish.
const ACCEPTED: [(&str, &str); 1] = [
    // The host's custom handlers, which the plan's stack table lists.
    ("name", "custom"),
];
