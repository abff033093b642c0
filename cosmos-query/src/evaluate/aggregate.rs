//! Aggregates: what many values become.

use std::collections::BTreeSet;

use serde_json::Value;

use super::meter::Reservation;
use crate::{
    QueryError,
    resolved::{Grouping, Operator},
    value::{Sorted, memory, number, order, shared, size},
};

/// Bytes of JSON that one MAKELIST or MAKESET may gather, which becomes one value.
const MOST_BYTES: usize = 16 << 20;

/// An aggregate under way.
#[derive(Debug)]
pub(crate) struct Accumulator {
    operator: Operator,
    count: u64,
    sum: f64,
    best: Option<Value>,
    list: Vec<Value>,
    set: BTreeSet<Sorted>,
    bytes: usize,
    held: Reservation,
    /// A value came that makes the whole undefined.
    spoilt: bool,
}

impl Accumulator {
    pub(super) fn new(operator: Operator, held: Reservation) -> Accumulator {
        let (list, set) = (Vec::new(), BTreeSet::new());
        Accumulator { operator, count: 0, sum: 0.0, best: None, list, set, bytes: 0, held, spoilt: false }
    }

    /// Takes a value; what is undefined counts for nothing.
    pub(crate) fn add(&mut self, value: Option<&Value>) -> Result<(), QueryError> {
        let Some(value) = value else { return Ok(()) };
        if value.is_number() {
            self.held.meter().charge(size(value) as u64)?;
        }
        match self.operator {
            Operator::Count => self.count += 1,
            Operator::CountIf => self.count += u64::from(value == &Value::Bool(true)),
            Operator::Sum | Operator::Average => match value.as_f64() {
                Some(number) => {
                    self.sum += number;
                    self.count += 1;
                }
                None => self.spoilt = true,
            },
            Operator::Min | Operator::Max if value.is_array() || value.is_object() => self.spoilt = true,
            Operator::Min | Operator::Max => {
                if let Some(best) = &self.best {
                    self.held.meter().charge(shared(value, best))?;
                }
                let towards = order(Some(value), self.best.as_ref());
                let better = if self.operator == Operator::Min { towards.is_lt() } else { towards.is_gt() };
                if better || self.best.is_none() {
                    self.held.clear();
                    self.held.grow(memory(value))?;
                    self.best = Some(value.clone());
                }
            }
            Operator::MakeList => {
                self.grow(value)?;
                self.list.push(value.clone());
            }
            Operator::MakeSet => {
                self.held.meter().search(memory(value), self.set.len())?;
                let sorted = Sorted(Some(value.clone()));
                if !self.set.contains(&sorted) {
                    self.grow(value)?;
                    self.set.insert(sorted);
                }
            }
        }
        Ok(())
    }

    fn grow(&mut self, value: &Value) -> Result<(), QueryError> {
        self.held.grow(memory(value))?;
        self.bytes += size(value);
        if self.bytes <= MOST_BYTES {
            return Ok(());
        }
        let message = format!("An aggregate gathers more than {MOST_BYTES} bytes.");
        Err(QueryError::whole("SC3021", message))
    }

    /// What came out. The sum of nothing is 0, so that partitions without documents change no total; other aggregates of nothing, but
    /// counts and lists, are undefined.
    pub(crate) fn result(self) -> Option<Value> {
        if self.spoilt {
            return None;
        }
        match self.operator {
            Operator::Count | Operator::CountIf => Some(Value::from(self.count)),
            Operator::Sum => self.sum.is_finite().then(|| number(self.sum)),
            Operator::Average => {
                let average = self.sum / self.count as f64;
                average.is_finite().then(|| number(average))
            }
            Operator::Min | Operator::Max => self.best,
            Operator::MakeList => Some(Value::Array(self.list)),
            Operator::MakeSet => Some(Value::Array(self.set.into_iter().filter_map(|value| value.0).collect())),
        }
    }
}

/// Bytes of a group, and of an aggregate that has seen nothing yet.
const GROUP: u64 = 128;
const ACCUMULATOR: u64 = size_of::<Accumulator>() as u64 + 16;

/// Bytes of a group with these keys that has seen nothing yet.
pub(crate) fn group_bytes(grouping: &Grouping, keys: &[Sorted]) -> u64 {
    let keys: u64 = keys.iter().filter_map(|key| key.0.as_ref()).map(memory).sum();
    GROUP + keys + ACCUMULATOR * grouping.aggregates.len() as u64
}
