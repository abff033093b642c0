//! Checks of types, which are defined for everything, and choices.

use serde_json::Value;

use super::{Function, argument, date_parts::is_date_time, function};
use crate::{
    rid,
    value::{Item, boolean, finite},
};

pub(super) const FUNCTIONS: &[Function] = &[
    function("IS_ARRAY", 1, 1, |_, all| is(all, |value| value.is_array())),
    function("IS_BOOL", 1, 1, |_, all| is(all, |value| value.is_boolean())),
    function("IS_DATETIME", 1, 1, |_, all| is(all, |value| value.as_str().is_some_and(is_date_time))),
    function("IS_DEFINED", 1, 1, |_, all| is(all, |_| true)),
    function("IS_FINITE_NUMBER", 1, 1, |_, all| is(all, |value| value.as_f64().is_some_and(f64::is_finite))),
    function("IS_INTEGER", 1, 1, |_, all| is(all, is_integer)),
    function("IS_NULL", 1, 1, |_, all| is(all, |value| value.is_null())),
    function("IS_NUMBER", 1, 1, |_, all| is(all, |value| value.is_number())),
    function("IS_OBJECT", 1, 1, |_, all| is(all, |value| value.is_object())),
    function("IS_PRIMITIVE", 1, 1, |_, all| is(all, |value| !value.is_array() && !value.is_object())),
    function("IS_STRING", 1, 1, |_, all| is(all, |value| value.is_string())),
    function("IIF", 3, 3, |_, all| {
        let chosen = if argument(all, 0) == Some(&Value::Bool(true)) { 1 } else { 2 };
        all.get(chosen).cloned().flatten()
    }),
    function("CHOOSE", 2, usize::MAX, |_, all| {
        let index = argument(all, 0)?.as_f64().filter(|index| index.fract() == 0.0 && *index >= 1.0)?;
        all.get(index as usize).cloned().flatten()
    }),
    function("DOCUMENTID", 1, 1, |_, all| finite(rid::number(argument(all, 0)?)? as f64)),
];

fn is<'a>(arguments: &[Item<'a>], check: fn(&Value) -> bool) -> Item<'a> {
    boolean(argument(arguments, 0).is_some_and(check))
}

/// Whole, and of 64 bits.
fn is_integer(value: &Value) -> bool {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() <= 9_223_372_036_854_775_807.0;
    value.as_i64().is_some() || value.as_f64().is_some_and(whole)
}
