//! ORDER BY: what it may sort by. The service sorts by an index, so by paths into documents.

use super::{MOST_JOINS, Resolver, expression::is_not_finite, path};
use crate::syntax::{Collection, Expr, ExprKind, OrderItem, Select, Source, Spec, Step};

/// How paths of indexes name the elements of an array.
const ELEMENT: &str = "[]";

impl Resolver<'_> {
    /// Refuses ORDER BY of what is no path into the document.
    pub(super) fn check_order(&mut self, select: &Select) {
        if select.rank {
            self.unsupported(select.order_span, "ORDER BY RANK");
            return;
        }
        let unmapped = |expr: &Expr| vector_distance(expr).is_none() && document_path(expr, &select.from).is_none();
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

/// The steps from the document's root that an expression takes, be it by way of aliases of subqueries; `[]` is an element of an array.
/// `None`: it is no path into the document.
pub(crate) fn document_path(expr: &Expr, from: &[Source]) -> Option<Vec<String>> {
    let (head, steps) = path(expr)?;
    let is_constant = is_not_finite(head) && from.iter().all(|source| source.alias() != Some(head));
    if is_constant { None } else { path_from(head, &steps, from) }
}

fn path_from(head: &str, steps: &[Step], from: &[Source]) -> Option<Vec<String>> {
    // What has no such alias is the container, or is refused for that; so is what has more JOINs, of which each may be a level here.
    let place = from.iter().rposition(|source| source.alias() == Some(head)).filter(|_| from.len() <= MOST_JOINS + 1);
    let Some(place) = place else { return Some(names(steps)) };
    path_in(from.get(place)?, steps, from.get(..place)?)
}

/// The steps to what a source stands for, and from there on.
fn path_in(source: &Source, steps: &[Step], before: &[Source]) -> Option<Vec<String>> {
    let select = match &source.collection {
        Collection::Subquery(select) => select,
        Collection::Path { head, steps: own, .. } => {
            let mut whole = path_from(head, own, before)?;
            whole.extend(source.iterates.then(|| ELEMENT.to_owned()));
            whole.extend(names(steps));
            return Some(whole);
        }
    };
    match &select.spec {
        Spec::Star(_) => path_in(select.from.first()?, steps, &[]),
        Spec::Value(value) => path_of(value, steps, &select.from),
        Spec::List(items) => {
            let aliases = super::aliases(items);
            let [Step::Member(name) | Step::Quoted(name), rest @ ..] = steps else { return None };
            let (_, (value, _)) = aliases.iter().zip(items).find(|(alias, _)| *alias == name)?;
            path_of(value, rest, &select.from)
        }
    }
}

/// What these steps lead to, from this value on, as a path into the document.
fn path_of(value: &Expr, steps: &[Step], from: &[Source]) -> Option<Vec<String>> {
    match (&value.kind, steps) {
        (ExprKind::Object(members), [Step::Member(name) | Step::Quoted(name), rest @ ..]) => {
            let (_, value) = members.iter().find(|(member, _)| member == name)?;
            path_of(value, rest, from)
        }
        _ => {
            let mut whole = document_path(value, from)?;
            whole.extend(names(steps));
            Some(whole)
        }
    }
}

fn names(steps: &[Step]) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Member(name) | Step::Quoted(name) => name.clone(),
        Step::Element(_) => ELEMENT.to_owned(),
    };
    steps.iter().map(name).collect()
}
