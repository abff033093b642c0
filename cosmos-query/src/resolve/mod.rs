//! Names to what they stand for, before any document is looked at. All faults are collected, as the service's planner does.

mod expression;
mod from;
mod grouping;
mod order;

use self::grouping::Group;
pub(crate) use self::order::{document_path, is_descending, vector_distance};
use crate::{
    QueryError,
    resolved::{Node, Operator, Output, Rows, Sort},
    syntax::{Expr, ExprKind, Select, Span, Spec, Step, utf16},
};

/// Faults that are told of one query; each is looked up in its text.
const MOST_FAULTS: usize = 100;
/// Most JOINs of a query, and most calls of user-defined functions, as the service documents them.
const MOST_JOINS: usize = 10;
const MOST_CALLS: usize = 10;

/// What the whole query was found to be.
pub(crate) struct Resolved {
    pub(crate) rows: Rows,
    /// Parameters that expressions name.
    pub(crate) parameters: Vec<String>,
    /// Whether user-defined functions are called.
    pub(crate) user_defined: bool,
}

/// Resolves a whole query.
pub(crate) fn resolve(text: &str, select: &Select) -> Result<Resolved, QueryError> {
    let mut resolver = Resolver {
        text,
        faults: Vec::new(),
        names: Vec::new(),
        slots: 1,
        collection: None,
        groups: Vec::new(),
        joins: 0,
        parameters: Vec::new(),
        calls: 0,
        patterns: 0,
    };
    let rows = resolver.select(select, true);
    resolver.check_limits();
    resolver.faults.sort_by_key(|fault| fault.location);
    let mut faults = resolver.faults.into_iter();
    match faults.next() {
        Some(first) => Err(QueryError { more: faults.collect(), ..first }),
        None => Ok(Resolved { rows, parameters: resolver.parameters, user_defined: resolver.calls > 0 }),
    }
}

struct Resolver<'t> {
    text: &'t str,
    faults: Vec<QueryError>,
    /// Aliases that can be seen from here, the nearest last.
    names: Vec<(String, usize)>,
    /// How many slots are taken.
    slots: usize,
    /// What the query calls its container, from where that was first said.
    collection: Option<String>,
    /// SELECTs with GROUP BY or aggregates whose outputs this is in.
    groups: Vec<Group>,
    joins: usize,
    parameters: Vec<String>,
    calls: usize,
    /// What compiling patterns has counted as.
    patterns: u64,
}

impl Resolver<'_> {
    fn fault(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        if self.faults.len() >= MOST_FAULTS {
            return;
        }
        self.faults.push(QueryError::new(code, utf16(self.text, span), message));
    }

    fn unsupported(&mut self, span: Span, what: &str) {
        let message = format!("The specified query includes '{what}' which is currently not supported.");
        self.fault("SC2990", span, message);
    }

    fn check_limits(&mut self) {
        let whole = Span { start: 0, end: self.text.len() };
        if self.calls > MOST_CALLS {
            let what = "The SQL query exceeded the maximum number of user-defined function calls.";
            self.fault("SC3005", whole, format!("{what} The allowed limit is {MOST_CALLS}."));
        }
        if self.joins > MOST_JOINS {
            let what = "The SQL query exceeded the maximum number of joins.";
            self.fault("SC3002", whole, format!("{what} The allowed limit is {MOST_JOINS}."));
        }
    }

    fn select(&mut self, select: &Select, outermost: bool) -> Rows {
        if !outermost {
            self.check_subquery(select);
        }
        let (base, seen) = (self.slots, self.names.len());
        let sources = select.from.iter().enumerate().map(|(index, source)| self.source(source, index == 0)).collect();
        let filter = select.filter.as_ref().map(|filter| self.outside_groups(filter, "WHERE"));
        let order = select.order_by.iter().map(|item| {
            let node = self.outside_groups(&item.expr, "ORDER BY");
            Sort { node, descending: is_descending(item) }
        });
        let order: Vec<_> = order.collect();
        if outermost {
            self.check_order(select);
        }
        let grouped = !select.group_by.is_empty() || exprs(&select.spec).any(has_aggregate);
        if grouped && !select.group_by.is_empty() && !select.order_by.is_empty() {
            self.fault("SC2103", select.order_span, "'ORDER BY' is not allowed with GROUP BY.");
        }
        let grouping = grouped.then(|| self.open_group(select, base, seen));
        let output = self.output(select, seen);
        let grouping = grouping.map(|keys| self.close_group(keys));
        self.slots = base;
        self.names.truncate(seen);
        // The order of rows that become one is of no consequence.
        let order = if grouping.is_some() { Vec::new() } else { order };
        Rows { base, sources, filter, grouping, output, distinct: select.distinct, order }
    }

    fn check_subquery(&mut self, select: &Select) {
        if let Some((_, span)) = &select.top {
            self.fault("SC2203", *span, "'TOP' is not supported in subqueries.");
        }
        if select.rank {
            self.fault("SC2228", select.order_span, "The ORDER BY RANK clause is not supported in subqueries.");
        } else if !select.order_by.is_empty() {
            self.fault("SC2202", select.order_span, "'ORDER BY' is not supported in subqueries.");
        }
        if let Some(page) = &select.offset_limit {
            self.fault("SC2204", page.span, "'OFFSET LIMIT' clause is not supported in subqueries.");
        }
    }

    fn output(&mut self, select: &Select, seen: usize) -> Output {
        match &select.spec {
            Spec::Star(span) => self.star(*span, select, seen),
            Spec::Value(expr) => Output::Value(self.expr(expr)),
            Spec::List(items) => {
                let aliases = aliases(items);
                let nodes = items.iter().map(|(expr, _)| self.expr(expr)).collect::<Vec<_>>();
                Output::Object(aliases.into_iter().zip(nodes).collect())
            }
        }
    }

    fn star(&mut self, span: Span, select: &Select, seen: usize) -> Output {
        if !select.group_by.is_empty() {
            self.fault("SC2041", span, "'SELECT *' is not allowed with GROUP BY.");
        } else if select.from.is_empty() {
            self.fault("SC2040", span, "'SELECT *' is not valid if FROM clause is omitted.");
        } else if select.from.len() > 1 {
            self.fault("SC2042", span, "'SELECT *' is only valid with a single input set.");
        }
        // A source without an alias has a name that nobody can write.
        match self.names.get(seen) {
            Some((_, slot)) => Output::Value(Node::Slot(*slot)),
            None => Output::Value(Node::Constant(None)),
        }
    }
}

/// What a list calls its elements: the alias, the last property of a path, or `$1`, `$2` and so on.
pub(crate) fn aliases(items: &[(Expr, Option<String>)]) -> Vec<String> {
    let mut unnamed = 0;
    let alias = |(expr, alias): &(Expr, Option<String>)| {
        let own = alias.clone().or_else(|| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => Some(name.clone()),
            ExprKind::Index(_, index) => match &index.kind {
                ExprKind::Literal(serde_json::Value::String(name)) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        });
        own.unwrap_or_else(|| {
            unnamed += 1;
            format!("${unnamed}")
        })
    };
    items.iter().map(alias).collect()
}

/// The expressions of what is selected.
pub(crate) fn exprs(spec: &Spec) -> impl Iterator<Item = &Expr> {
    let all: Vec<&Expr> = match spec {
        Spec::Star(_) => Vec::new(),
        Spec::Value(expr) => vec![expr],
        Spec::List(items) => items.iter().map(|(expr, _)| expr).collect(),
    };
    all.into_iter()
}

/// Whether an aggregate is called in it, subqueries aside.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    is_aggregate(expr) || expr.children().into_iter().any(has_aggregate)
}

/// Whether it is the call of an aggregate.
pub(crate) fn is_aggregate(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call { name, .. } if Operator::named(name).is_some())
}

/// Head and steps of an expression that is a path.
pub(crate) fn path(expr: &Expr) -> Option<(&str, Vec<Step>)> {
    match &expr.kind {
        ExprKind::Name(name) => Some((name, Vec::new())),
        ExprKind::Member(of, name) => {
            let (head, mut steps) = path(of)?;
            steps.push(Step::Member(name.clone()));
            Some((head, steps))
        }
        ExprKind::Index(of, index) => {
            let (head, mut steps) = path(of)?;
            steps.push(match &index.kind {
                ExprKind::Literal(serde_json::Value::String(name)) => Step::Member(name.clone()),
                ExprKind::Literal(serde_json::Value::Number(number)) => Step::Element(number.as_u64()?),
                _ => return None,
            });
            Some((head, steps))
        }
        _ => None,
    }
}
