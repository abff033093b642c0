//! Members of objects and elements of arrays: borrowed where the whole is, taken out of what was made for this query.

use std::borrow::Cow;

use serde_json::Value;

use crate::value::Item;

/// What names lead to, the last one first.
pub(super) fn descend<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().rev().try_fold(value, |value, name| value.as_object()?.get(*name))
}

pub(super) fn member<'a>(of: Cow<'a, Value>, name: &str) -> Item<'a> {
    match of {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(Value::Object(mut members)) => members.remove(name).map(Cow::Owned),
        Cow::Owned(_) => None,
    }
}

/// `[...]` with a value that is not known before: a number for arrays, a name for objects.
pub(super) fn element<'a>(of: Cow<'a, Value>, index: &Value) -> Item<'a> {
    match index {
        Value::String(name) => member(of, name),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
            match of {
                Cow::Borrowed(value) => value.as_array()?.get(number as usize).map(Cow::Borrowed),
                Cow::Owned(Value::Array(mut items)) => {
                    ((number as usize) < items.len()).then(|| Cow::Owned(items.swap_remove(number as usize)))
                }
                Cow::Owned(_) => None,
            }
        }
        _ => None,
    }
}
