//! Rows of a SELECT: FROM, JOIN and WHERE for one document, and the groups that they become.

use std::borrow::Cow;

use serde_json::Value;

use super::{Accumulator, Evaluator, Slots, flow::Flow, subquery::gather};
use crate::{
    QueryError,
    resolved::{From, Grouping, Node, Rows},
    value::{Item, Sorted, memory},
};

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
            self.meter.row()?;
            return match &rows.filter {
                Some(filter) if !self.is_true(filter, slots)? => Ok(Flow::Continue),
                _ => each(slots),
            };
        };
        let own = slots.len();
        let mut held = self.held();
        let flow = match &source.from {
            From::Node(node) => {
                let value = self.node(node, slots)?;
                held.keep(&value)?;
                self.bind(rows, index, source.iterates, value, slots, each)?
            }
            From::Rows(inner) => {
                let mut values = Vec::new();
                self.results(inner, slots, &mut |value| {
                    gather(value, &mut values, &mut held)?;
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

    pub(crate) fn keys(&self, grouping: &'a Grouping, slots: &mut Slots<'a>) -> Result<Vec<Sorted>, QueryError> {
        let mut keys = Vec::with_capacity(grouping.keys.len());
        for key in &grouping.keys {
            let value = self.node(key, slots)?;
            self.charge(value.as_deref().map_or(0, memory))?;
            keys.push(Sorted(value.map(Cow::into_owned)));
        }
        Ok(keys)
    }

    /// Aggregates that have seen nothing yet.
    pub(crate) fn accumulators(&self, grouping: &Grouping) -> Vec<Accumulator> {
        grouping.aggregates.iter().map(|aggregate| Accumulator::new(aggregate.operator, self.held())).collect()
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
}
