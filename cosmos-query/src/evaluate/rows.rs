//! Rows of a SELECT: FROM, JOIN and WHERE for one document, and the whole of a subquery.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{Accumulator, Evaluator, Slots};
use crate::{
    QueryError,
    resolved::{From, Grouping, Node, Rows},
    syntax::Quantifier,
    value::{Item, Sorted, boolean},
};

/// Rows of a subquery for one document that are kept at a time.
const MOST_HELD: usize = 500_000;

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Stop,
}

/// What is done with each row, whose values are in the slots.
type Each<'e, 'a> = dyn FnMut(&mut Slots<'a>) -> Result<Flow, QueryError> + 'e;

impl<'a> Evaluator<'a> {
    /// Each combination of what the sources have that the filter lets through.
    pub(crate) fn rows(
        &self,
        rows: &'a Rows,
        slots: &mut Slots<'a>,
        each: &mut Each<'_, 'a>,
    ) -> Result<Flow, QueryError> {
        slots.truncate(rows.base);
        self.from(rows, 0, slots, each)
    }

    fn from(
        &self,
        rows: &'a Rows,
        index: usize,
        slots: &mut Slots<'a>,
        each: &mut Each<'_, 'a>,
    ) -> Result<Flow, QueryError> {
        let Some(source) = rows.sources.get(index) else {
            self.step()?;
            return match &rows.filter {
                Some(filter) if !self.is_true(filter, slots)? => Ok(Flow::Continue),
                _ => each(slots),
            };
        };
        let own = slots.len();
        let flow = match &source.from {
            From::Node(node) => {
                let value = self.node(node, slots)?;
                self.bind(rows, index, source.iterates, value, slots, each)?
            }
            From::Rows(inner) => {
                let mut values = Vec::new();
                self.results(inner, slots, &mut |value| {
                    values.push(value);
                    check_held(values.len())?;
                    Ok(Flow::Continue)
                })?;
                let mut flow = Flow::Continue;
                for value in values {
                    flow = self.bind(rows, index, source.iterates, Some(value), slots, each)?;
                    if flow == Flow::Stop {
                        break;
                    }
                }
                flow
            }
        };
        slots.truncate(own);
        Ok(flow)
    }

    fn bind(
        &self,
        rows: &'a Rows,
        index: usize,
        iterates: bool,
        value: Item<'a>,
        slots: &mut Slots<'a>,
        each: &mut Each<'_, 'a>,
    ) -> Result<Flow, QueryError> {
        let Some(value) = value else { return Ok(Flow::Continue) };
        let values: Box<dyn Iterator<Item = Cow<'a, Value>>> = match value {
            value if !iterates => Box::new(std::iter::once(value)),
            Cow::Borrowed(Value::Array(items)) => Box::new(items.iter().map(Cow::Borrowed)),
            Cow::Owned(Value::Array(items)) => Box::new(items.into_iter().map(Cow::Owned)),
            _ => return Ok(Flow::Continue),
        };
        let own = slots.len();
        for value in values {
            slots.truncate(own);
            slots.push(Some(value));
            if self.from(rows, index + 1, slots, each)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        slots.truncate(own);
        Ok(Flow::Continue)
    }

    pub(crate) fn is_true(&self, node: &'a Node, slots: &mut Slots<'a>) -> Result<bool, QueryError> {
        Ok(matches!(self.node(node, slots)?.as_deref(), Some(Value::Bool(true))))
    }

    /// The output of a subquery, row by row.
    fn results(
        &self,
        rows: &'a Rows,
        slots: &mut Slots<'a>,
        each: &mut dyn FnMut(Cow<'a, Value>) -> Result<Flow, QueryError>,
    ) -> Result<(), QueryError> {
        let mut seen = BTreeSet::new();
        let mut emit = |value: Item<'a>| match value {
            Some(value) if !rows.distinct || seen.insert(Sorted(Some(value.clone().into_owned()))) => each(value),
            _ => Ok(Flow::Continue),
        };
        let base = slots.len();
        match &rows.grouping {
            None => {
                self.rows(rows, slots, &mut |slots| emit(self.output(&rows.output, slots)?))?;
            }
            Some(grouping) => {
                let mut groups = BTreeMap::new();
                if grouping.keys.is_empty() {
                    groups.insert(Vec::new(), accumulators(grouping));
                }
                self.rows(rows, slots, &mut |slots| {
                    let keys = self.keys(grouping, slots)?;
                    let group = groups.entry(keys).or_insert_with(|| accumulators(grouping));
                    self.add(grouping, group, slots)?;
                    Ok(Flow::Continue)
                })?;
                for (keys, group) in groups {
                    slots.truncate(base);
                    if emit(self.group_output(rows, keys, group, slots)?)? == Flow::Stop {
                        break;
                    }
                }
            }
        }
        slots.truncate(base);
        Ok(())
    }

    pub(crate) fn keys(&self, grouping: &'a Grouping, slots: &mut Slots<'a>) -> Result<Vec<Sorted>, QueryError> {
        let mut keys = Vec::with_capacity(grouping.keys.len());
        for key in &grouping.keys {
            keys.push(Sorted(self.node(key, slots)?.map(Cow::into_owned)));
        }
        Ok(keys)
    }

    /// Gives the values of a row to the aggregates of its group.
    pub(crate) fn add(
        &self,
        grouping: &'a Grouping,
        group: &mut [Accumulator],
        slots: &mut Slots<'a>,
    ) -> Result<(), QueryError> {
        for (aggregate, accumulator) in grouping.aggregates.iter().zip(group) {
            accumulator.add(self.node(&aggregate.argument, slots)?.as_deref())?;
        }
        Ok(())
    }

    /// The row that a group becomes. Slots above the outer ones are taken by its keys and aggregates.
    pub(crate) fn group_output(
        &self,
        rows: &'a Rows,
        keys: Vec<Sorted>,
        group: Vec<Accumulator>,
        slots: &mut Slots<'a>,
    ) -> Result<Item<'a>, QueryError> {
        slots.truncate(rows.base);
        slots.extend(keys.into_iter().map(|key| key.0.map(Cow::Owned)));
        slots.extend(group.into_iter().map(|accumulator| accumulator.result().map(Cow::Owned)));
        self.output(&rows.output, slots)
    }

    pub(super) fn subquery(
        &self,
        quantifier: Quantifier,
        rows: &'a Rows,
        slots: &mut Slots<'a>,
    ) -> Result<Item<'a>, QueryError> {
        let mut found: Vec<Cow<'a, Value>> = Vec::new();
        let mut count = 0;
        let mut all = true;
        self.results(rows, slots, &mut |value| {
            count += 1;
            all &= value.as_bool() == Some(true);
            match quantifier {
                Quantifier::Exists => return Ok(Flow::Stop),
                Quantifier::All if !all => return Ok(Flow::Stop),
                Quantifier::All => {}
                Quantifier::Last => found = vec![value],
                Quantifier::First => {
                    found.push(value);
                    return Ok(Flow::Stop);
                }
                Quantifier::Array | Quantifier::Scalar => {
                    found.push(value);
                    check_held(found.len())?;
                }
            }
            Ok(Flow::Continue)
        })?;
        Ok(match quantifier {
            Quantifier::Exists => boolean(count > 0),
            Quantifier::All => boolean(all),
            Quantifier::First | Quantifier::Last => found.pop(),
            Quantifier::Array => Some(Cow::Owned(Value::Array(found.into_iter().map(Cow::into_owned).collect()))),
            Quantifier::Scalar if count > 1 => {
                let message = "The cardinality of a scalar subquery result set cannot be greater than one.";
                return Err(QueryError::whole("SC2106", message));
            }
            Quantifier::Scalar => found.pop(),
        })
    }
}

fn check_held(count: usize) -> Result<(), QueryError> {
    if count <= MOST_HELD {
        return Ok(());
    }
    Err(QueryError::whole("SC3021", format!("A subquery has more than {MOST_HELD} rows for one document.")))
}

/// Aggregates that have seen nothing yet.
pub(crate) fn accumulators(grouping: &Grouping) -> Vec<Accumulator> {
    grouping.aggregates.iter().map(|aggregate| Accumulator::new(aggregate.operator)).collect()
}
