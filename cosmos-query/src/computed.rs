//! Computed properties of a container: what their queries may be, and what they make of a document.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    Context, PageLimits, Parameters, Query, QueryError,
    evaluate::{Evaluator, Flow},
    resolve::is_aggregate,
    syntax::{Collection, Expr, ExprKind, Select, Spec},
};

/// Functions that say another thing each time, beside those that begin with `GetCurrent`.
const RANDOM: &str = "RAND";

/// Nothing that is not the document's may be seen.
static CONTEXT: Context =
    Context { parameters: Parameters::new(BTreeMap::new()), now: OffsetDateTime::UNIX_EPOCH, seed: 0 };

/// The query of a computed property, such as `SELECT VALUE LOWER(c.name) FROM c`.
/// <https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties>
#[derive(Debug, Clone)]
pub struct ComputedProperty(Query);

/// What the computed properties of one page may do together, as [`PageLimits::work`] and [`PageLimits::memory`] say. It keeps compiled
/// patterns too.
pub struct ComputedBudget(Evaluator<'static>);

impl ComputedBudget {
    /// A budget of which nothing is spent.
    pub fn new(limits: PageLimits) -> ComputedBudget {
        ComputedBudget(Evaluator::new(&CONTEXT, limits))
    }
}

impl ComputedProperty {
    /// Reads the query of a definition.
    ///
    /// # Errors
    /// What [`Query::parse`] refuses, and what the service does not take here: anything but `SELECT VALUE` of one expression `FROM` the
    /// item; JOIN, WHERE, GROUP BY, ORDER BY, TOP, DISTINCT and OFFSET LIMIT; subqueries; aggregates, spatial functions, user-defined
    /// functions and those that are not deterministic; parameters, which nobody gives a value.
    pub fn parse(text: &str) -> Result<ComputedProperty, QueryError> {
        let query = Query::parse(text)?;
        match fault(&query.select) {
            Some(what) => Err(QueryError::whole("", format!("The query of a computed property {what}."))),
            None => Ok(ComputedProperty(query)),
        }
    }

    /// The property's value for a document; `None` is undefined. The document has no computed properties yet: they do not see each other.
    ///
    /// # Errors
    /// `SC3020` and `SC3021` where the budget does not allow it; a pattern that cannot be read.
    pub fn evaluate(&self, document: &Value, budget: &ComputedBudget) -> Result<Option<Value>, QueryError> {
        let (rows, mut found) = (&self.0.rows, None);
        budget.0.rows(rows, &mut vec![Some(Cow::Borrowed(document))], &mut |slots| {
            found = budget.0.output(&rows.output, slots)?.map(Cow::into_owned);
            Ok(Flow::Stop)
        })?;
        Ok(found)
    }
}

/// What the query has that it may not have.
fn fault(select: &Select) -> Option<String> {
    let Spec::Value(expr) = &select.spec else { return Some("must be a SELECT VALUE".into()) };
    let is_root = match select.from.as_slice() {
        [] => false,
        [source, ..] => {
            !source.iterates && matches!(&source.collection, Collection::Path { steps, .. } if steps.is_empty())
        }
    };
    if !is_root {
        return Some("must have a FROM that is the item".into());
    }
    let clauses = [
        (select.from.len() > 1, "JOIN"),
        (select.filter.is_some(), "WHERE"),
        (!select.group_by.is_empty(), "GROUP BY"),
        (!select.order_by.is_empty(), "ORDER BY"),
        (select.top.is_some(), "TOP"),
        (select.distinct, "DISTINCT"),
        (select.offset_limit.is_some(), "OFFSET LIMIT"),
    ];
    let clause = clauses.into_iter().find(|(has, _)| *has).map(|(_, name)| format!("cannot have {name}"));
    clause.or_else(|| part(expr).map(|what| format!("cannot have {what}")))
}

fn part(expr: &Expr) -> Option<String> {
    let own = match &expr.kind {
        ExprKind::Subquery(..) => Some("a subquery".into()),
        ExprKind::Parameter(name) => Some(format!("the parameter {name}")),
        ExprKind::UserDefined { name, .. } => Some(format!("the user-defined function {name}")),
        ExprKind::Call { name, .. } => {
            let upper = name.to_ascii_uppercase();
            let kind = match () {
                () if is_aggregate(expr) => Some("aggregate"),
                () if upper.starts_with("ST_") => Some("spatial"),
                () if upper == RANDOM || upper.starts_with("GETCURRENT") => Some("nondeterministic"),
                () => None,
            };
            kind.map(|kind| format!("the {kind} function {name}"))
        }
        _ => None,
    };
    own.or_else(|| expr.children().into_iter().find_map(part))
}
