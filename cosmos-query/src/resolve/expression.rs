//! Expressions: names, functions, and what is known of them without a document.

use serde_json::Value;

use super::{Resolver, path};
use crate::{
    evaluate::patterns,
    functions::{self, Found},
    resolved::{Node, Operator},
    syntax::{Expr, ExprKind, Unary},
};

/// What compiling the patterns of a query may count as before any document is looked at, in units of [`crate::PageLimits::work`].
const MOST_PATTERNS: u64 = 256 << 20;

const NOT_A_NUMBER: &str = "NaN";
const INFINITY: &str = "Infinity";

impl Resolver<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Node {
        if let Some(key) = self.key(expr) {
            return key;
        }
        if let Some((head, _)) = path(expr)
            && self.is_grouped(head)
            && !self.begins_with_key(expr)
        {
            let text = self.text.get(expr.span.start..expr.span.end).unwrap_or(head);
            let message = format!(
                "Property reference '{text}' is invalid in the select list because it is not contained in either an aggregate \
                 function or the GROUP BY clause."
            );
            self.fault("SC2102", expr.span, message);
            return Node::Constant(None);
        }
        self.kind(expr)
    }

    fn begins_with_key(&self, expr: &Expr) -> bool {
        self.key(expr).is_some()
            || match &expr.kind {
                ExprKind::Member(of, _) | ExprKind::Index(of, _) => self.begins_with_key(of),
                _ => false,
            }
    }

    fn kind(&mut self, expr: &Expr) -> Node {
        match &expr.kind {
            ExprKind::Literal(value) => Node::Constant(Some(value.clone())),
            ExprKind::Undefined => Node::Constant(None),
            ExprKind::Parameter(name) => {
                self.parameters.push(name.clone());
                Node::Parameter(name.clone())
            }
            ExprKind::Name(name) => match self.lookup(name) {
                Some(slot) => Node::Slot(slot),
                // JSON has no such value, so it is undefined but for ToString.
                None if is_not_finite(name) => Node::Constant(None),
                None => self.unresolved(name, expr.span),
            },
            ExprKind::Member(of, name) => Node::Member(self.boxed(of), name.clone()),
            ExprKind::Index(of, index) => self.index(expr, of, index),
            ExprKind::Array(items) => Node::Array(self.all(items)),
            ExprKind::Object(members) => {
                Node::Object(members.iter().map(|(name, value)| (name.clone(), self.expr(value))).collect())
            }
            ExprKind::Unary(operator, of) => Node::Unary(*operator, self.boxed(of)),
            ExprKind::Binary(operator, left, right) => {
                Node::Binary(*operator, Box::new([self.expr(left), self.expr(right)]))
            }
            ExprKind::Chain(chain, operands) => Node::Chain(*chain, self.all(operands)),
            ExprKind::Conditional(all) => Node::Conditional(self.three(all)),
            ExprKind::Between { not, operands } => Node::Between { not: *not, operands: self.three(operands) },
            ExprKind::In { not, value, list } => Node::In { not: *not, value: self.boxed(value), list: self.all(list) },
            ExprKind::Like { not, value, pattern, escape } => {
                let operands = Box::new([self.expr(value), self.expr(pattern)]);
                let mut characters = escape.as_deref().unwrap_or_default().chars();
                let one = characters.next();
                if escape.is_some() && (one.is_none() || characters.next().is_some()) {
                    self.fault("SC2070", expr.span, "The ESCAPE of a LIKE is one character.");
                }
                Node::Like { not: *not, operands, escape: one }
            }
            ExprKind::Call { name, name_span, arguments } => {
                if let Some(operator) = Operator::named(name) {
                    return self.aggregate(operator, expr, arguments);
                }
                match functions::find(name) {
                    Found::Function(function) => {
                        self.check_count(expr, function, arguments.len());
                        if let Some(text) = self.not_finite(function.name, arguments) {
                            return Node::Constant(Some(Value::String(text)));
                        }
                        if function.name == "REGEXMATCH" {
                            self.check_pattern(arguments);
                        }
                        Node::Call(function, self.all(arguments))
                    }
                    Found::Refused => {
                        self.fault("SC2990", expr.span, format!("The function '{name}' is not served here."));
                        Node::Constant(None)
                    }
                    Found::Nothing => {
                        let message = format!("'{name}' is not a recognized built-in function name.");
                        self.fault("SC2005", *name_span, message);
                        Node::Constant(None)
                    }
                }
            }
            ExprKind::UserDefined { arguments, .. } => {
                self.calls += 1;
                self.all(arguments);
                Node::Constant(None)
            }
            // Its slots would begin where keys and aggregates are, whose number is not known yet.
            ExprKind::Subquery(..) if self.is_output_of_groups() => {
                self.unsupported(expr.span, "subquery beside aggregates");
                Node::Constant(None)
            }
            ExprKind::Subquery(quantifier, select) => {
                let rows = self.select(select, false);
                Node::Subquery(*quantifier, Box::new(rows))
            }
        }
    }

    /// What `ToString` makes of a number that is written as such and that JSON does not have.
    fn not_finite(&self, function: &str, arguments: &[Expr]) -> Option<String> {
        let [argument] = arguments else { return None };
        let (sign, literal) = match &argument.kind {
            ExprKind::Unary(Unary::Minus, of) => ("-", &**of),
            ExprKind::Unary(Unary::Plus, of) => ("", &**of),
            _ => ("", argument),
        };
        let ExprKind::Name(name) = &literal.kind else { return None };
        if function != "ToString" || !is_not_finite(name) || self.lookup(name).is_some() {
            return None;
        }
        Some(if name == NOT_A_NUMBER { name.clone() } else { format!("{sign}{name}") })
    }

    fn check_count(&mut self, expr: &Expr, function: &functions::Function, count: usize) {
        let (least, most) = (function.least, function.most);
        if (least..=most).contains(&count) {
            return;
        }
        let wanted = match most {
            _ if most == least => least.to_string(),
            usize::MAX => format!("at least {least}"),
            _ => format!("{least} to {most}"),
        };
        let message = format!("The {} function requires {wanted} argument(s).", function.name);
        self.fault("SC2050", expr.span, message);
    }

    /// A pattern that stands in the query is refused before any document is looked at; others are when they are used, and so are those
    /// of a query that has too many of them.
    fn check_pattern(&mut self, arguments: &[Expr]) {
        let text = |index: usize| match arguments.get(index).map(|argument| &argument.kind) {
            Some(ExprKind::Literal(Value::String(text))) => Some(text.as_str()),
            _ => None,
        };
        let modifiers = if arguments.len() > 2 { text(2) } else { Some("") };
        let pattern = text(1).zip(modifiers).and_then(|(pattern, modifiers)| patterns::modified(pattern, modifiers));
        let Some(pattern) = pattern else { return };
        self.patterns = self.patterns.saturating_add(patterns::compiling(&pattern));
        if self.patterns > MOST_PATTERNS {
            return;
        }
        let refused = patterns::compile(&pattern).err();
        if let (Some(error), Some(argument)) = (refused, arguments.get(1)) {
            self.fault(error.code, argument.span, error.message);
        }
    }

    /// `[...]` takes a name or a number that stands in the query or in a parameter.
    fn index(&mut self, expr: &Expr, of: &Expr, index: &Expr) -> Node {
        if !is_constant(index) {
            self.unsupported(expr.span, "member indexer");
            return Node::Constant(None);
        }
        if let ExprKind::Literal(Value::String(name)) = &index.kind {
            return Node::Member(self.boxed(of), name.clone());
        }
        Node::Index(self.boxed(of), self.boxed(index))
    }

    fn boxed(&mut self, expr: &Expr) -> Box<Node> {
        Box::new(self.expr(expr))
    }

    fn all(&mut self, all: &[Expr]) -> Vec<Node> {
        all.iter().map(|expr| self.expr(expr)).collect()
    }

    fn three(&mut self, [first, second, third]: &[Expr; 3]) -> Box<[Node; 3]> {
        Box::new([self.expr(first), self.expr(second), self.expr(third)])
    }
}

/// Whether a name that stands for nothing else is one of the numbers that are not finite.
pub(super) fn is_not_finite(name: &str) -> bool {
    [NOT_A_NUMBER, INFINITY].contains(&name)
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Parameter(_) => true,
        ExprKind::Unary(Unary::Not, _) => false,
        ExprKind::Unary(_, of) => is_constant(of),
        ExprKind::Binary(_, left, right) => is_constant(left) && is_constant(right),
        ExprKind::Chain(_, all) => all.iter().all(is_constant),
        _ => false,
    }
}
