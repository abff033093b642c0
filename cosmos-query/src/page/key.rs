//! Where rows of ORDER BY stand.

use std::{borrow::Cow, cmp::Ordering};

use serde_json::Value;

use crate::{
    Document, Position, QueryError,
    evaluate::{Evaluator, Slots},
    resolved::Sort,
    resume::Tie,
    rid,
    value::{Sorted, memory},
};

/// Bytes of JSON, and levels, that the values of a continuation may have: clients carry it in a header, and hand it back as JSON, of which
/// no more than 128 levels are read.
const LONGEST: usize = 32 << 10;
const DEEPEST: usize = 100;

/// Where a row stands in the result: by its values, then by the number of its document in the direction of the first value, which is what
/// clients that merge several ranges rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) values: Vec<Directed>,
    pub(super) reversed: bool,
    pub(super) rid: Option<u64>,
    pub(super) position: Position,
    pub(super) row: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directed {
    pub(super) value: Sorted,
    pub(super) descending: bool,
}

impl Key {
    /// Bytes of memory that it takes, which is what comparing it may read.
    pub(super) fn bytes(&self) -> u64 {
        let values = self.values.iter().map(|directed| directed.value.0.as_ref().map_or(32, memory) + 8);
        128 + self.position.0.len() as u64 + values.sum::<u64>()
    }
}

impl Ord for Directed {
    fn cmp(&self, other: &Directed) -> Ordering {
        turned(self.value.cmp(&other.value), self.descending)
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Directed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let documents = || self.rid.cmp(&other.rid).then_with(|| self.position.cmp(&other.position));
        self.values
            .cmp(&other.values)
            .then_with(|| turned(documents(), self.reversed))
            .then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn turned(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

pub(super) struct After {
    pub(super) values: Vec<Directed>,
    pub(super) tie: Tie,
    pub(super) reversed: bool,
}

impl After {
    pub(super) fn is_before(&self, key: &Key) -> bool {
        let by_tie = || match &self.tie {
            Tie::Row(rid, position, row) => {
                let documents = rid.cmp(&key.rid).then_with(|| position.cmp(&key.position));
                turned(documents, self.reversed).then_with(|| row.cmp(&key.row))
            }
            Tie::Filter { rid: Some(rid), exclude } => {
                let documents = turned(Some(*rid).cmp(&key.rid), self.reversed);
                if *exclude { documents } else { documents.then(Ordering::Less) }
            }
            Tie::Filter { rid: None, exclude } => {
                if *exclude {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
        };
        self.values.cmp(&key.values).then_with(by_tie).is_lt()
    }
}

pub(super) fn key<'v>(
    evaluator: &Evaluator<'v>,
    order: &'v [Sort],
    document: &Document<'_>,
    row: u64,
    slots: &mut Slots<'v>,
) -> Result<Key, QueryError> {
    let mut values = Vec::with_capacity(order.len());
    for sort in order {
        let value = evaluator.node(&sort.node, slots)?;
        evaluator.meter.charge(value.as_deref().map_or(0, memory))?;
        let value = Sorted(value.map(Cow::into_owned));
        values.push(Directed { value, descending: sort.descending });
    }
    let reversed = order.first().is_some_and(|sort| sort.descending);
    Ok(Key { values, reversed, rid: rid::number(&document.value), position: document.position.clone(), row })
}
/// Refuses values that no client could hand back as a continuation.
pub(super) fn check_carried(values: &[Sorted]) -> Result<(), QueryError> {
    let is_deep = values.iter().filter_map(|value| value.0.as_ref()).any(|value| depth(value) > DEEPEST);
    if !is_deep && serde_json::to_vec(values).is_ok_and(|text| text.len() <= LONGEST) {
        return Ok(());
    }
    let message = format!(
        "The result has more pages, but the values that it is sorted by are too long for a continuation: more than {LONGEST} bytes or \
         {DEEPEST} levels."
    );
    Err(QueryError::whole("SC3022", message))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
