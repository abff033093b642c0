//! Conversions between strings and other types.

use std::borrow::Cow;

use serde_json::Value;

use super::{Function, argument, function, text_of};
use crate::{
    evaluate::Evaluator,
    value::{Item, finite, size, text},
};

pub(super) const FUNCTIONS: &[Function] = &[
    function("StringToArray", 1, 1, |evaluator, all| parsed(evaluator, all, |value| value.is_array())),
    function("StringToBoolean", 1, 1, |evaluator, all| parsed(evaluator, all, |value| value.is_boolean())),
    function("StringToNull", 1, 1, |evaluator, all| parsed(evaluator, all, |value| value.is_null())),
    function("StringToNumber", 1, 1, |evaluator, all| {
        match parsed(evaluator, all, |value| value.is_number())?.as_ref() {
            Value::Number(double) if double.is_f64() => finite(double.as_f64()?),
            whole => Some(Cow::Owned(whole.clone())),
        }
    }),
    function("StringToObject", 1, 1, |evaluator, all| parsed(evaluator, all, |value| value.is_object())),
    function("ToString", 1, 1, |evaluator, all| match argument(all, 0)? {
        Value::String(already) => text(already.as_str()),
        Value::Number(number) => text(number.as_f64().map_or_else(|| number.to_string(), shortest)),
        other => {
            // A control character is written as six, a number as up to three times what it counts as.
            evaluator.room(size(other) as u64 * 6)?;
            text(other.to_string())
        }
    }),
];

/// JSON text of one type, with blanks around it.
fn parsed<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>], fits: fn(&Value) -> bool) -> Item<'a> {
    let text = text_of(all, 0)?;
    // A list begins or goes on at each of these, and an object takes a node of a tree.
    let bytes = text.bytes().map(|byte| match byte {
        b'{' => 672,
        b'[' | b',' => 32,
        b':' => 112,
        _ => 1,
    });
    evaluator.room(bytes.sum())?;
    let value: Value = contoso_json::from_str(text).ok()?;
    fits(&value).then_some(Cow::Owned(value))
}

/// As JavaScript writes numbers: without an exponent below 1e21.
fn shortest(number: f64) -> String {
    if number == 0.0 || (1e-7..1e21).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}
