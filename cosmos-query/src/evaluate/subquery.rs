//! Subqueries: the rows that they have for one document, and what becomes of them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{Evaluator, Flow, Slots, group_bytes, meter::Reservation};
use crate::{
    QueryError,
    resolved::Rows,
    syntax::Quantifier,
    value::{Item, Sorted, boolean, memory},
};

/// Rows of a subquery for one document that are kept at a time.
const MOST_HELD: usize = 500_000;
/// Bytes of a place in a list.
const ENTRY: u64 = 32;

impl<'a> Evaluator<'a> {
    /// The output of a subquery, row by row.
    pub(super) fn results(
        &self,
        rows: &'a Rows,
        slots: &mut Slots<'a>,
        each: &mut dyn FnMut(Cow<'a, Value>) -> Result<Flow, QueryError>,
    ) -> Result<(), QueryError> {
        let (mut seen, mut held) = (BTreeSet::new(), self.held());
        let mut emit = |value: Item<'a>| {
            let Some(value) = value else { return Ok(Flow::Continue) };
            if rows.distinct {
                let bytes = ENTRY + memory(&value);
                self.meter.search(bytes, seen.len())?;
                if !seen.insert(Sorted(Some((*value).clone()))) {
                    return Ok(Flow::Continue);
                }
                held.grow(bytes)?;
            }
            each(value)
        };
        let base = slots.len();
        match &rows.grouping {
            None => {
                self.rows(rows, slots, &mut |slots| emit(self.output(&rows.output, slots)?))?;
            }
            Some(grouping) => {
                let (mut groups, mut held) = (BTreeMap::new(), self.held());
                if grouping.keys.is_empty() {
                    groups.insert(Vec::new(), self.accumulators(grouping));
                }
                self.rows(rows, slots, &mut |slots| {
                    let keys = self.keys(grouping, slots)?;
                    let bytes = group_bytes(grouping, &keys);
                    self.meter.search(bytes, groups.len())?;
                    if !groups.contains_key(&keys) {
                        held.grow(bytes)?;
                    }
                    let group = groups.entry(keys).or_insert_with(|| self.accumulators(grouping));
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

    pub(super) fn subquery(
        &self,
        quantifier: Quantifier,
        rows: &'a Rows,
        slots: &mut Slots<'a>,
    ) -> Result<Item<'a>, QueryError> {
        let mut found: Vec<Cow<'a, Value>> = Vec::new();
        let mut held = self.held();
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
                Quantifier::Array => {
                    // All of it is copied into one value.
                    held.grow(memory(&value))?;
                    found.push(value);
                    check_held(found.len())?;
                }
                Quantifier::Scalar if count > 1 => {
                    let message = "The cardinality of a scalar subquery result set cannot be greater than one.";
                    return Err(QueryError::whole("SC2106", message));
                }
                Quantifier::Scalar => found.push(value),
            }
            Ok(Flow::Continue)
        })?;
        Ok(match quantifier {
            Quantifier::Exists => boolean(count > 0),
            Quantifier::All => boolean(all),
            Quantifier::Array => Some(Cow::Owned(Value::Array(found.into_iter().map(Cow::into_owned).collect()))),
            Quantifier::First | Quantifier::Last | Quantifier::Scalar => found.pop(),
        })
    }
}

fn check_held(count: usize) -> Result<(), QueryError> {
    if count <= MOST_HELD {
        return Ok(());
    }
    Err(QueryError::whole("SC3021", format!("A subquery has more than {MOST_HELD} rows for one document.")))
}

/// Keeps a row.
pub(super) fn gather<'a>(
    value: Cow<'a, Value>,
    into: &mut Vec<Cow<'a, Value>>,
    held: &mut Reservation,
) -> Result<(), QueryError> {
    let value = Some(value);
    held.grow(ENTRY)?;
    held.keep(&value)?;
    into.extend(value);
    check_held(into.len())
}
