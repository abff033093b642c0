//! Functions of arrays and objects.

use std::collections::BTreeMap;

use super::{Made, Value, number};

pub(super) const NAMES: [&str; 18] = [
    "coalesce",
    "concat",
    "contains",
    "empty",
    "first",
    "flatten",
    "indexOf",
    "intersection",
    "items",
    "join",
    "last",
    "length",
    "objectKeys",
    "range",
    "shallowMerge",
    "skip",
    "take",
    "union",
];

/// Those that look at no item, so that items may be known at run time only.
pub(super) const WITH_ANY_ITEMS: [&str; 15] = [
    "coalesce",
    "concat",
    "empty",
    "first",
    "flatten",
    "items",
    "last",
    "length",
    "objectKeys",
    "range",
    "shallowMerge",
    "skip",
    "take",
    "union",
    "intersection",
];

pub(super) fn call(name: &str, arguments: &[Value]) -> Made {
    Ok(match (name, arguments) {
        ("coalesce", values) => {
            Some(values.iter().find(|value| **value != Value::Null).cloned().unwrap_or(Value::Null))
        }
        ("length", [Value::Array(items)]) => Some(number(items.len())),
        ("length", [Value::Object(members)]) => Some(number(members.len())),
        ("empty", [Value::Array(items)]) => Some(Value::Boolean(items.is_empty())),
        ("empty", [Value::Object(members)]) => Some(Value::Boolean(members.is_empty())),
        ("empty", [Value::Null]) => Some(Value::Boolean(true)),
        ("first", [Value::Array(items)]) => Some(items.first().cloned().unwrap_or(Value::Null)),
        ("last", [Value::Array(items)]) => Some(items.last().cloned().unwrap_or(Value::Null)),
        ("contains", [Value::Array(items), item]) => Some(Value::Boolean(items.contains(item))),
        ("contains", [Value::Object(members), Value::Text(key)]) => Some(Value::Boolean(members.contains_key(key))),
        ("indexOf", [Value::Array(items), item]) => {
            Some(items.iter().position(|other| other == item).map_or(Value::Integer(-1), number))
        }
        ("concat", lists @ [Value::Array(_), ..]) => arrays(lists).map(|lists| Value::Array(lists.concat())),
        ("flatten", [Value::Array(lists)]) => arrays(lists).map(|lists| Value::Array(lists.concat())),
        ("take", [Value::Array(items), Value::Integer(count)]) => {
            Some(Value::Array(items.iter().take(size(*count)).cloned().collect()))
        }
        ("skip", [Value::Array(items), Value::Integer(count)]) => {
            Some(Value::Array(items.iter().skip(size(*count)).cloned().collect()))
        }
        ("range", [Value::Integer(start), Value::Integer(count)]) => match (start.checked_add(*count), *count) {
            (Some(end), 0..=10_000) => Some(Value::Array((*start..end).map(Value::Integer).collect())),
            _ => return Err("a range that Azure does not make".to_owned()),
        },
        ("join", [Value::Array(items), Value::Text(between)]) => {
            let texts: Option<Vec<String>> = items.iter().map(Value::written).collect();
            texts.map(|texts| Value::Text(texts.join(between)))
        }
        ("union", lists @ [Value::Array(_), ..]) => arrays(lists).map(|lists| {
            let mut values: Vec<Value> = Vec::new();
            for item in lists.concat() {
                if !values.contains(&item) {
                    values.push(item);
                }
            }
            Value::Array(values)
        }),
        ("union", [Value::Object(first), rest @ ..]) => {
            let mut members = first.clone();
            for value in rest {
                let Value::Object(more) = value else { return Ok(None) };
                merge(&mut members, more);
            }
            Some(Value::Object(members))
        }
        ("shallowMerge", [Value::Array(objects)]) => {
            let mut members = BTreeMap::new();
            for object in objects {
                let Value::Object(more) = object else { return Ok(None) };
                members.extend(more.clone());
            }
            Some(Value::Object(members))
        }
        ("intersection", [Value::Array(first), rest @ ..]) => arrays(rest).map(|rest| {
            let everywhere = |item: &&Value| rest.iter().all(|list| list.contains(*item));
            Value::Array(first.iter().filter(everywhere).cloned().collect())
        }),
        ("items", [Value::Object(members)]) => {
            let pair = |(key, value): (&String, &Value)| {
                Value::object([("key", Value::text(key.as_str())), ("value", value.clone())])
            };
            Some(Value::Array(members.iter().map(pair).collect()))
        }
        ("objectKeys", [Value::Object(members)]) => {
            Some(Value::Array(members.keys().map(|key| Value::text(key.as_str())).collect()))
        }
        _ => None,
    })
}

fn arrays(values: &[Value]) -> Option<Vec<Vec<Value>>> {
    values.iter().map(|value| if let Value::Array(items) = value { Some(items.clone()) } else { None }).collect()
}

/// Azure counts what is below zero as zero.
fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// `union` of objects goes into those that both have.
fn merge(members: &mut BTreeMap<String, Value>, more: &BTreeMap<String, Value>) {
    for (key, value) in more {
        match (members.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            _ => {
                members.insert(key.clone(), value.clone());
            }
        }
    }
}
