//! Functions of arrays and sets.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Function, argument, flag_of, function, number_of, text_of};
use crate::value::{Item, boolean, equal, finite};

pub(super) const FUNCTIONS: &[Function] = &[
    function("ARRAY_CONCAT", 2, usize::MAX, |_, all| {
        let mut joined = Vec::new();
        for index in 0..all.len() {
            joined.extend(array_of(all, index)?.iter().cloned());
        }
        array(joined)
    }),
    function("ARRAY_CONTAINS", 2, 3, |_, all| {
        let (items, wanted) = (array_of(all, 0)?, argument(all, 1)?);
        let fits = if flag_of(all, 2)? { covers } else { equal };
        boolean(items.iter().any(|item| fits(item, wanted)))
    }),
    function("ARRAY_CONTAINS_ALL", 2, usize::MAX, |_, all| {
        let items = array_of(all, 0)?;
        boolean(wanted(all).all(|wanted| wanted.is_some_and(|wanted| has(items, wanted))))
    }),
    function("ARRAY_CONTAINS_ANY", 2, usize::MAX, |_, all| {
        let items = array_of(all, 0)?;
        boolean(wanted(all).flatten().any(|wanted| has(items, wanted)))
    }),
    function("ARRAY_LENGTH", 1, 1, |_, all| finite(array_of(all, 0)?.len() as f64)),
    function("ARRAY_SLICE", 2, 3, |_, all| {
        let items = array_of(all, 0)?;
        let start = number_of(all, 1)?.trunc();
        let start = if start < 0.0 { (items.len() as f64 + start).max(0.0) } else { start } as usize;
        let count = if all.len() > 2 { number_of(all, 2)?.max(0.0) as usize } else { usize::MAX };
        array(items.iter().skip(start).take(count).cloned().collect())
    }),
    function("ObjectToArray", 1, 3, |_, all| {
        let members = argument(all, 0)?.as_object()?;
        let key = if all.len() > 1 { text_of(all, 1)? } else { "k" };
        let value = if all.len() > 2 { text_of(all, 2)? } else { "v" };
        let pair = |(name, of): (&String, &Value)| {
            Value::Object(Map::from_iter([
                (key.to_owned(), Value::from(name.as_str())),
                (value.to_owned(), of.clone()),
            ]))
        };
        array(members.iter().map(pair).collect())
    }),
    function("SetDifference", 2, 2, |_, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        array(distinct(left.iter().filter(|item| !has(right, item))))
    }),
    function("SetEqual", 2, 2, |_, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        boolean(left.iter().all(|item| has(right, item)) && right.iter().all(|item| has(left, item)))
    }),
    function("SetIntersect", 2, 2, |_, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        array(distinct(left.iter().filter(|item| has(right, item))))
    }),
    function("SetUnion", 2, 2, |_, all| {
        let (left, right) = (array_of(all, 0)?, array_of(all, 1)?);
        array(distinct(left.iter().chain(right)))
    }),
];

fn array<'a>(items: Vec<Value>) -> Item<'a> {
    Some(Cow::Owned(Value::Array(items)))
}

fn array_of<'v>(all: &'v [Item<'_>], index: usize) -> Option<&'v Vec<Value>> {
    argument(all, index)?.as_array()
}

fn wanted<'v>(all: &'v [Item<'_>]) -> impl Iterator<Item = Option<&'v Value>> {
    all.iter().skip(1).map(|item| item.as_deref())
}

fn has(items: &[Value], wanted: &Value) -> bool {
    items.iter().any(|item| equal(item, wanted))
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

fn distinct<'v>(items: impl Iterator<Item = &'v Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for item in items {
        if seen.insert(crate::value::Sorted(Some(item.clone()))) {
            kept.push(item.clone());
        }
    }
    kept
}
