//! Queries as clients send them to each range, so that they can put the answers together.

use super::has_groups;
use crate::{
    resolve::{aliases, is_aggregate},
    resolved::Operator,
    syntax::{Count, Expr, ExprKind, OffsetLimit, Select, Source, Span, Spec, expression, query, string},
};

/// What a client replaces by a filter from where on it resumes, or by `true`.
const FILTER: &str = "({documentdb-formattableorderbyquery-filter})";
/// The largest number of LIMIT.
const MOST: u64 = u32::MAX as u64;

/// TOP, OFFSET and LIMIT as far as the client sees to them.
pub(super) struct Counts {
    pub(super) top: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) limit: Option<u64>,
}

/// The text to send to each range; empty where it is the query itself.
pub(super) fn rewritten(select: &Select, counts: &Counts) -> String {
    let mut own = select.clone();
    if let (Some(offset), Some(limit)) = (counts.offset, counts.limit) {
        // Any range may have all of the rows, of which the client leaves out the first.
        let limit = offset.saturating_add(limit).min(MOST);
        let span = Span { start: 0, end: 0 };
        let page = OffsetLimit { offset: Count::Number(0), limit: Count::Number(limit), span };
        own.offset_limit = Some(page);
    }
    if has_groups(select) || select.distinct {
        own.top = None;
        own.offset_limit = None;
    }
    if has_groups(select) {
        own.distinct = false;
        return grouped(own);
    }
    if !select.order_by.is_empty() {
        own.distinct = false;
        return ordered(own, counts);
    }
    let is_changed = counts.offset.is_some() || (select.distinct && select.top.is_some());
    if is_changed { query(&own, true) } else { String::new() }
}

/// Rows or groups with what each range makes of them, in a form that can be added up.
fn grouped(mut select: Select) -> String {
    let payload = match &select.spec {
        Spec::Value(expr) if is_aggregate(expr) => format!("[{}]", partial(expr)),
        Spec::Value(expr) => expression(expr),
        Spec::List(items) => {
            let member = |(alias, (expr, _)): (String, &(Expr, Option<String>))| {
                format!("{}: {}", string(&alias), partial(expr))
            };
            let members: Vec<_> = aliases(items).into_iter().zip(items).map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        Spec::Star(_) => "*".to_owned(),
    };
    let keys: Vec<_> = select.group_by.iter().map(|key| format!("{{\"item\": {}}}", expression(key))).collect();
    let head = match (keys.as_slice(), &select.spec) {
        ([], Spec::Value(_)) => format!("SELECT VALUE {payload}"),
        ([], _) => format!("SELECT {payload} AS payload"),
        _ => format!("SELECT [{}] AS groupByItems, {payload} AS payload", keys.join(", ")),
    };
    select.spec = Spec::Star(Span { start: 0, end: 0 });
    with_head(&head, &select)
}

/// What one range makes of an aggregate; other expressions are themselves.
fn partial(expr: &Expr) -> String {
    let ExprKind::Call { name, arguments, .. } = &expr.kind else { return expression(expr) };
    let Some(operator) = Operator::named(name) else { return expression(expr) };
    let argument = arguments.first().map(expression).unwrap_or_default();
    let own = expression(expr);
    match operator {
        Operator::Average => format!("{{\"item\": {{\"sum\": SUM({argument}), \"count\": COUNT({argument})}}}}"),
        Operator::Min => {
            format!("{{\"item\": {own}, \"item2\": {{\"min\": MIN({argument}), \"count\": COUNT({argument})}}}}")
        }
        Operator::Max => {
            format!("{{\"item\": {own}, \"item2\": {{\"max\": MAX({argument}), \"count\": COUNT({argument})}}}}")
        }
        Operator::Count | Operator::CountIf | Operator::MakeList | Operator::MakeSet | Operator::Sum => {
            format!("{{\"item\": {own}}}")
        }
    }
}

/// Rows with the values that they are sorted by and the id of their document.
fn ordered(mut select: Select, counts: &Counts) -> String {
    let alias = select.from.first().and_then(Source::alias).unwrap_or_default().to_owned();
    let items: Vec<_> =
        select.order_by.iter().map(|item| format!("{{\"item\": {}}}", expression(&item.expr))).collect();
    let payload = match &select.spec {
        Spec::Star(_) => alias.clone(),
        Spec::Value(expr) => expression(expr),
        Spec::List(list) => {
            let member = |(alias, (expr, _)): (String, &(Expr, Option<String>))| {
                format!("{}: {}", string(&alias), expression(expr))
            };
            let members: Vec<_> = aliases(list).into_iter().zip(list).map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    };
    let top = match (&select.top, counts.top) {
        (Some(_), Some(top)) => format!("TOP {top} "),
        _ => String::new(),
    };
    let head = format!("SELECT {top}{alias}._rid, [{}] AS orderByItems, {payload} AS payload", items.join(", "));
    let mut filter = match &select.filter {
        Some(own) => format!("({} AND {FILTER})", expression(own)),
        None => FILTER.to_owned(),
    };
    // An undefined value is no row.
    if matches!(select.spec, Spec::Value(_)) {
        filter = format!("({filter} AND IS_DEFINED({payload}))");
    }
    select.top = None;
    // A placeholder of its own, since the text of the filter is no expression.
    select.filter = Some(Expr { kind: ExprKind::Name(filter), span: Span { start: 0, end: 0 }, depth: 1 });
    select.spec = Spec::Star(Span { start: 0, end: 0 });
    with_head(&head, &select)
}

/// A query that begins otherwise than its own.
fn with_head(head: &str, select: &Select) -> String {
    let text = query(select, true);
    let rest = text.strip_prefix("SELECT *").unwrap_or(&text);
    format!("{head}{rest}")
}
