//! Conversions between strings and other types.

use std::borrow::Cow;

use serde_json::Value;

use super::{Function, argument, function, text_of};
use crate::value::{Item, finite, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function("StringToArray", 1, 1, |_, all| parsed(all, |value| value.is_array())),
    function("StringToBoolean", 1, 1, |_, all| parsed(all, |value| value.is_boolean())),
    function("StringToNull", 1, 1, |_, all| parsed(all, |value| value.is_null())),
    function("StringToNumber", 1, 1, |_, all| match parsed(all, |value| value.is_number())?.as_ref() {
        Value::Number(double) if double.is_f64() => finite(double.as_f64()?),
        whole => Some(Cow::Owned(whole.clone())),
    }),
    function("StringToObject", 1, 1, |_, all| parsed(all, |value| value.is_object())),
    function("ToString", 1, 1, |_, all| match argument(all, 0)? {
        Value::String(already) => text(already.as_str()),
        Value::Number(number) => text(number.as_f64().map_or_else(|| number.to_string(), shortest)),
        other => text(other.to_string()),
    }),
];

/// JSON text of one type, with blanks around it.
fn parsed<'a>(all: &[Item<'a>], fits: fn(&Value) -> bool) -> Item<'a> {
    let value: Value = contoso_json::from_str(text_of(all, 0)?).ok()?;
    fits(&value).then_some(Cow::Owned(value))
}

/// As JavaScript writes numbers: without an exponent below 1e21.
fn shortest(number: f64) -> String {
    if number == 0.0 || (1e-7..1e21).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}
