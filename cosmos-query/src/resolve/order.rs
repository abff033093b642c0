//! ORDER BY: what it may sort by. The service sorts by an index, so by paths into documents.

use super::{Resolver, path};
use crate::syntax::{Collection, Expr, ExprKind, OrderItem, Select, Source, Spec, Step};

impl Resolver<'_> {
    /// Refuses ORDER BY of what is no path into the document.
    pub(super) fn check_order(&mut self, select: &Select) {
        if select.rank {
            self.unsupported(select.order_span, "ORDER BY RANK");
            return;
        }
        let unmapped = |expr: &Expr| vector_distance(expr).is_none() && !is_document_path(expr, &select.from);
        if select.order_by.iter().any(|item| unmapped(&item.expr)) {
            let message =
                "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.";
            self.faults.push(crate::QueryError::whole("2206", message));
            return;
        }
        let mut seen = Vec::new();
        for item in &select.order_by {
            let text = crate::syntax::canonical(&item.expr);
            if seen.contains(&text) {
                self.fault("SC2207", item.expr.span, "An ORDER BY clause names each path once.");
            }
            seen.push(text);
        }
    }
}

/// Whether larger values come first. Vectors come the nearest first: the larger a similarity, but the smaller a Euclidean distance.
pub(crate) fn is_descending(item: &OrderItem) -> bool {
    let Some(arguments) = vector_distance(&item.expr) else { return item.descending == Some(true) };
    let options = arguments.get(3).map(crate::syntax::canonical).unwrap_or_default();
    !options.to_ascii_lowercase().contains("\"euclidean\"")
}

/// The arguments, if it is a call of that function.
pub(crate) fn vector_distance(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Call { name, arguments, .. } if name.eq_ignore_ascii_case("VectorDistance") => Some(arguments),
        _ => None,
    }
}

/// Whether an expression is a path into the document, be it by way of aliases of subqueries.
fn is_document_path(expr: &Expr, from: &[Source]) -> bool {
    let Some((head, steps)) = path(expr) else { return false };
    // What has no such alias is refused for that.
    let Some(source) = from.iter().rev().find(|source| source.alias() == Some(head)) else { return true };
    let Collection::Subquery(select) = &source.collection else { return true };
    match &select.spec {
        Spec::Star(_) => true,
        Spec::Value(value) => is_path_of(value, &steps, &select.from),
        Spec::List(items) => {
            let aliases = super::aliases(items);
            let [Step::Member(name) | Step::Quoted(name), rest @ ..] = steps.as_slice() else { return false };
            let found = aliases.iter().zip(items).find(|(alias, _)| *alias == name);
            found.is_some_and(|(_, (value, _))| is_path_of(value, rest, &select.from))
        }
    }
}

/// Whether what these steps lead to, from this value on, is a path into the document.
fn is_path_of(value: &Expr, steps: &[Step], from: &[Source]) -> bool {
    match (&value.kind, steps) {
        (ExprKind::Object(members), [Step::Member(name) | Step::Quoted(name), rest @ ..]) => {
            members.iter().find(|(member, _)| member == name).is_some_and(|(_, value)| is_path_of(value, rest, from))
        }
        _ => is_document_path(value, from),
    }
}
