//! GROUP BY and aggregates: what a SELECT that has either may name.

use super::Resolver;
use crate::{
    resolved::{Aggregate, Grouping, Node, Operator},
    syntax::{Expr, ExprKind, Select, canonical},
};

/// A SELECT whose rows become groups, while its output is resolved.
pub(super) struct Group {
    /// The canonical texts of its keys.
    keys: Vec<String>,
    /// Slots from here on were its rows'; the output sees keys and aggregates there instead.
    base: usize,
    aggregates: Vec<Aggregate>,
    /// Aliases of its rows, from the first on.
    seen: usize,
    /// Whether this is in the argument of an aggregate, which sees rows.
    in_argument: bool,
}

impl Resolver<'_> {
    /// Resolves the keys; what is resolved until [`Resolver::close_group`] is the output of groups.
    pub(super) fn open_group(&mut self, select: &Select, base: usize, seen: usize) -> Vec<Node> {
        let keys = select.group_by.iter().map(|key| self.outside_groups(key, "GROUP BY")).collect();
        let texts = select.group_by.iter().map(canonical).collect();
        self.groups.push(Group { keys: texts, base, aggregates: Vec::new(), seen, in_argument: false });
        keys
    }

    pub(super) fn close_group(&mut self, keys: Vec<Node>) -> Grouping {
        Grouping { keys, aggregates: self.groups.pop().map(|group| group.aggregates).unwrap_or_default() }
    }

    /// Resolves what sees rows, not groups: aggregates have no place in it.
    pub(super) fn outside_groups(&mut self, expr: &Expr, clause: &str) -> Node {
        if super::has_aggregate(expr) {
            self.fault("SC2100", expr.span, format!("Aggregates are not allowed in the {clause} clause."));
            return Node::Constant(None);
        }
        self.expr(expr)
    }

    /// If this is in the output of groups and stands for one of their keys, the key.
    pub(super) fn key(&self, expr: &Expr) -> Option<Node> {
        let group = self.groups.last().filter(|group| !group.in_argument && !group.keys.is_empty())?;
        if matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Undefined | ExprKind::Parameter(_)) {
            return None;
        }
        let text = canonical(expr);
        let index = group.keys.iter().position(|key| *key == text)?;
        Some(Node::Slot(group.base + index))
    }

    /// Whether an alias is of rows that have become groups, so that it stands for nothing any more.
    pub(super) fn is_grouped(&self, name: &str) -> bool {
        let place = self.names.iter().rposition(|(known, _)| known == name);
        let group = self.groups.last().filter(|group| !group.in_argument);
        group.zip(place).is_some_and(|(group, place)| place >= group.seen)
    }

    /// Whether this is in the output of groups.
    pub(super) fn is_output_of_groups(&self) -> bool {
        self.groups.last().is_some_and(|group| !group.in_argument)
    }

    /// The call of an aggregate in the output of groups.
    pub(super) fn aggregate(&mut self, operator: Operator, expr: &Expr, arguments: &[Expr]) -> Node {
        let [argument] = arguments else {
            let ExprKind::Call { name, .. } = &expr.kind else { return Node::Constant(None) };
            let message = format!("The {} function requires 1 argument(s).", name.to_ascii_uppercase());
            self.fault("SC2050", expr.span, message);
            return Node::Constant(None);
        };
        let nested = super::has_aggregate(argument) || has_subquery(argument);
        if nested {
            let message =
                "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.";
            self.fault("SC2101", expr.span, message);
            return Node::Constant(None);
        }
        let Some(group) = self.groups.last_mut().filter(|group| !group.in_argument) else {
            self.fault("SC2100", expr.span, "An aggregate is not allowed here.");
            return Node::Constant(None);
        };
        group.in_argument = true;
        let argument = self.expr(argument);
        let Some(group) = self.groups.last_mut() else { return Node::Constant(None) };
        group.in_argument = false;
        let slot = group.base + group.keys.len() + group.aggregates.len();
        group.aggregates.push(Aggregate { operator, argument });
        Node::Slot(slot)
    }
}

fn has_subquery(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Subquery(..)) || expr.children().into_iter().any(has_subquery)
}
