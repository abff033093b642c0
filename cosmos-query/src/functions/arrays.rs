//! Functions of arrays and sets.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value};

use super::{Function, argument, function, text_of, whole_of};
use crate::{
    evaluate::{Evaluator, meter::searching},
    value::{Compared, Item, boolean, equal, finite, memory, shared, size},
};

/// Bytes of an element in a set.
const ENTRY: u64 = 24;

pub(super) const FUNCTIONS: &[Function] = &[
    function("ARRAY_CONCAT", 2, usize::MAX, |evaluator, all| {
        evaluator.room(all.iter().flatten().map(|value| memory(value)).sum())?;
        let mut joined = Vec::new();
        for index in 0..all.len() {
            joined.extend(array_of(all, index)?.iter().cloned());
        }
        array(joined)
    }),
    function("ARRAY_CONTAINS", 2, 3, |evaluator, all| {
        let (items, wanted) = (array_of(all, 0)?, argument(all, 1)?);
        if argument(all, 2).map_or(Some(false), Value::as_bool)? {
            // Each member that is wanted is looked up in the item, as far as the item has it.
            evaluator.pay(searching(items.iter().map(|item| 16 + size(item) as u64).sum(), 256))?;
            return boolean(items.iter().any(|item| covers(item, wanted)));
        }
        evaluator.pay(items.iter().map(|item| shared(item, wanted)).sum())?;
        boolean(items.iter().any(|item| equal(item, wanted)))
    }),
    function("ARRAY_CONTAINS_ALL", 2, usize::MAX, |evaluator, all| decided(evaluator, all, false)),
    function("ARRAY_CONTAINS_ANY", 2, usize::MAX, |evaluator, all| decided(evaluator, all, true)),
    function("ARRAY_LENGTH", 1, 1, |_, all| finite(array_of(all, 0)?.len() as f64)),
    function("ARRAY_SLICE", 2, 3, |_, all| {
        let items = array_of(all, 0)?;
        let start = whole_of(all, 1)?;
        let start = if start < 0.0 { (items.len() as f64 + start).max(0.0) } else { start } as usize;
        let count = if all.len() > 2 { whole_of(all, 2)?.max(0.0) as usize } else { usize::MAX };
        array(items.iter().skip(start).take(count).cloned().collect())
    }),
    function("ObjectToArray", 1, 3, |evaluator, all| {
        let whole = argument(all, 0)?;
        let members = whole.as_object()?;
        let key = if all.len() > 1 { text_of(all, 1)? } else { "k" };
        let value = if all.len() > 2 { text_of(all, 2)? } else { "v" };
        // Each member becomes an object of its own, with both names.
        let one =
            memory(&Value::Object(Map::from_iter([(key.to_owned(), Value::Null), (value.to_owned(), Value::Null)])));
        evaluator.room(memory(whole).saturating_add(one.saturating_mul(members.len() as u64)))?;
        let pair = |(name, of): (&String, &Value)| {
            Value::Object(Map::from_iter([
                (key.to_owned(), Value::from(name.as_str())),
                (value.to_owned(), of.clone()),
            ]))
        };
        array(members.iter().map(pair).collect())
    }),
    function("SetDifference", 2, 2, |evaluator, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        let others = set(evaluator, right, left)?;
        distinct(evaluator, left.iter().filter(|item| !others.contains(&Compared(item))))
    }),
    function("SetEqual", 2, 2, |evaluator, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        boolean(set(evaluator, left, right)? == set(evaluator, right, left)?)
    }),
    function("SetIntersect", 2, 2, |evaluator, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        // In the order of the second, as the service has it.
        let others = set(evaluator, left, right)?;
        distinct(evaluator, right.iter().filter(|item| others.contains(&Compared(item))))
    }),
    function("SetUnion", 2, 2, |evaluator, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        distinct(evaluator, left.iter().chain(right))
    }),
];

fn array<'a>(items: Vec<Value>) -> Item<'a> {
    Some(Cow::Owned(Value::Array(items)))
}

fn array_of<'v>(all: &'v [Item<'_>], index: usize) -> Option<&'v Vec<Value>> {
    argument(all, index)?.as_array()
}

/// Whether any, or all, of what is wanted is there. As in AND and OR, what is undefined leaves open what nothing else decides.
fn decided<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>], decides: bool) -> Item<'a> {
    let items = set(evaluator, array_of(all, 0)?, wanted(all).flatten())?;
    if wanted(all).flatten().any(|wanted| items.contains(&Compared(wanted)) == decides) {
        return boolean(decides);
    }
    if wanted(all).all(|wanted| wanted.is_some()) { boolean(!decides) } else { None }
}

fn wanted<'v>(all: &'v [Item<'_>]) -> impl Iterator<Item = Option<&'v Value>> {
    all.iter().skip(1).map(|item| item.as_deref())
}

/// The elements as a set, in which so many others will be looked up.
fn set<'v>(
    evaluator: &Evaluator<'_>,
    items: &'v [Value],
    looked_up: impl IntoIterator<Item = &'v Value>,
) -> Option<BTreeSet<Compared<'v>>> {
    evaluator.room(ENTRY * items.len() as u64)?;
    let bytes: u64 = items.iter().chain(looked_up).map(memory).sum();
    evaluator.pay(searching(bytes, items.len()))?;
    Some(items.iter().map(Compared).collect())
}

/// Whether an object has all that another one has; other values are equal.
fn covers(item: &Value, wanted: &Value) -> bool {
    match (item, wanted) {
        (Value::Object(item), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| item.get(name).is_some_and(|item| covers(item, wanted)))
        }
        _ => equal(item, wanted),
    }
}

/// The first of each of what is the same.
fn distinct<'a, 'v>(evaluator: &Evaluator<'_>, items: impl Iterator<Item = &'v Value>) -> Item<'a> {
    let items: Vec<&Value> = items.collect();
    evaluator.room(ENTRY * items.len() as u64)?;
    let bytes: u64 = items.iter().map(|item| memory(item)).sum();
    evaluator.pay(searching(bytes, items.len()))?;
    let mut seen = BTreeSet::new();
    array(items.into_iter().filter(|item| seen.insert(Compared(item))).cloned().collect())
}
