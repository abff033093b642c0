//! Query plans: what a client needs to run a query over several ranges of partition keys.

mod ranges;
mod rewrite;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    Parameters, Query, QueryError,
    effective_partition_key::PartitionKeyDefinition,
    resolve::{aliases, exprs, has_aggregate, is_aggregate, is_descending, vector_distance},
    resolved::Operator,
    syntax::{Expr, ExprKind, Select, Spec, canonical, expression},
};

/// `partitionedQueryExecutionInfo`, version 2, as the service's gateway answers it; serialise it as it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    partitioned_query_execution_info_version: u8,
    pub(crate) query_info: QueryInfo,
    pub(crate) query_ranges: Vec<Range>,
}

/// What a client does with the pages of all ranges. Its names are the service's.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryInfo {
    pub(crate) distinct_type: DistinctType,
    pub(crate) top: Option<u64>,
    pub(crate) offset: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) order_by: Vec<&'static str>,
    pub(crate) order_by_expressions: Vec<String>,
    pub(crate) group_by_expressions: Vec<String>,
    pub(crate) group_by_aliases: Vec<String>,
    pub(crate) aggregates: Vec<Operator>,
    pub(crate) group_by_alias_to_aggregate_type: BTreeMap<String, Option<Operator>>,
    /// What to send instead of the query; empty: the query itself.
    pub(crate) rewritten_query: String,
    pub(crate) has_select_value: bool,
    /// Whether rows come in an order that no index has.
    pub(crate) has_non_streaming_order_by: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum DistinctType {
    None,
    /// Equal rows follow each other.
    Ordered,
    Unordered,
}

/// A range of effective partition keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Range {
    pub(crate) min: String,
    pub(crate) max: String,
    pub(crate) is_min_inclusive: bool,
    pub(crate) is_max_inclusive: bool,
}

impl Query {
    /// What a client needs to run it over several ranges. What is sent back of it, [`Query::parse`] reads and [`Query::page`] answers.
    ///
    /// # Errors
    /// What runs in one partition only, such as compositions of aggregates, and counts that are no numbers.
    pub fn plan(&self, parameters: &Parameters, key: &PartitionKeyDefinition) -> Result<Plan, QueryError> {
        let select = &self.select;
        if exprs(&select.spec).any(|expr| has_aggregate(expr) && !is_aggregate(expr)) {
            return Err(QueryError::whole("", "Compositions of aggregates and other expressions are not allowed."));
        }
        let keys = ranges::keys(select, parameters, &key.paths);
        let query_ranges = ranges::ranges(&keys, key);
        let [top, offset, limit] = self.counts_of(parameters)?;
        let groups = has_groups(select);
        // Whoever asks one partition key gets rows that are counted there, unless they have to be put together first.
        let counted_there = keys.is_one() && !groups && !select.distinct;
        let (offset, limit) = if counted_there { (None, None) } else { (offset, limit) };
        let top = top.filter(|_| !select.from.is_empty());
        let counts = rewrite::Counts { top, offset, limit };
        let query_info = QueryInfo {
            distinct_type: distinct_type(select),
            top,
            offset,
            limit,
            rewritten_query: rewrite::rewritten(select, &counts),
            ..info(select)
        };
        Ok(Plan { partitioned_query_execution_info_version: 2, query_info, query_ranges })
    }
}

/// What does not depend on parameters and keys.
fn info(select: &Select) -> QueryInfo {
    // Rows that become one, or groups, have no order.
    let order: &[_] = if has_groups(select) { &[] } else { &select.order_by };
    let mut info = QueryInfo {
        distinct_type: DistinctType::None,
        top: None,
        offset: None,
        limit: None,
        order_by: order.iter().map(|item| if is_descending(item) { "Descending" } else { "Ascending" }).collect(),
        order_by_expressions: order.iter().map(|item| expression(&item.expr)).collect(),
        group_by_expressions: select.group_by.iter().map(expression).collect(),
        group_by_aliases: Vec::new(),
        aggregates: Vec::new(),
        group_by_alias_to_aggregate_type: BTreeMap::new(),
        rewritten_query: String::new(),
        has_select_value: matches!(select.spec, Spec::Value(_)),
        has_non_streaming_order_by: order.iter().any(|item| vector_distance(&item.expr).is_some()),
    };
    match &select.spec {
        Spec::Value(expr) => info.aggregates.extend(operator(expr)),
        Spec::List(items) if has_groups(select) => {
            info.group_by_aliases = aliases(items);
            let operators = items.iter().map(|(expr, _)| operator(expr));
            info.group_by_alias_to_aggregate_type = info.group_by_aliases.iter().cloned().zip(operators).collect();
        }
        Spec::List(_) | Spec::Star(_) => {}
    }
    info
}

fn has_groups(select: &Select) -> bool {
    !select.group_by.is_empty() || exprs(&select.spec).any(has_aggregate)
}

/// Which aggregate an expression is the call of.
fn operator(expr: &Expr) -> Option<Operator> {
    match &expr.kind {
        ExprKind::Call { name, .. } => Operator::named(name),
        _ => None,
    }
}

fn distinct_type(select: &Select) -> DistinctType {
    if !select.distinct {
        return DistinctType::None;
    }
    // Equal rows are neighbours if what is selected is what is sorted by first.
    let mut selected: Vec<String> = exprs(&select.spec).map(canonical).collect();
    let sorted = select.order_by.iter().take(selected.len()).map(|item| canonical(&item.expr));
    let mut sorted: Vec<String> = sorted.collect();
    selected.sort_unstable();
    sorted.sort_unstable();
    if !selected.is_empty() && selected == sorted { DistinctType::Ordered } else { DistinctType::Unordered }
}
