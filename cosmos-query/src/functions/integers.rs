//! Functions of whole numbers of 64 bits: `IntAdd` and its kin.

use std::borrow::Cow;

use serde_json::Value;

use super::{Function, argument, function};
use crate::value::Item;

pub(super) const FUNCTIONS: &[Function] = &[
    function("IntAdd", 2, 2, |_, all| both(all, i64::checked_add)),
    function("IntBitAnd", 2, 2, |_, all| both(all, |left, right| Some(left & right))),
    function("IntBitLeftShift", 2, 2, |_, all| both(all, |left, right| left.checked_shl(u32::try_from(right).ok()?))),
    function("IntBitNot", 1, 1, |_, all| integer(!integer_of(all, 0)?)),
    function("IntBitOr", 2, 2, |_, all| both(all, |left, right| Some(left | right))),
    function("IntBitRightShift", 2, 2, |_, all| both(all, |left, right| left.checked_shr(u32::try_from(right).ok()?))),
    function("IntBitXor", 2, 2, |_, all| both(all, |left, right| Some(left ^ right))),
    function("IntDiv", 2, 2, |_, all| both(all, i64::checked_div)),
    function("IntMod", 2, 2, |_, all| both(all, i64::checked_rem)),
    function("IntMul", 2, 2, |_, all| both(all, i64::checked_mul)),
    function("IntSub", 2, 2, |_, all| both(all, i64::checked_sub)),
];

fn both<'a>(all: &[Item<'a>], function: fn(i64, i64) -> Option<i64>) -> Item<'a> {
    integer(function(integer_of(all, 0)?, integer_of(all, 1)?)?)
}

fn integer<'a>(result: i64) -> Item<'a> {
    Some(Cow::Owned(Value::from(result)))
}

fn integer_of(all: &[Item<'_>], index: usize) -> Option<i64> {
    let value = argument(all, index)?;
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_807.0).then_some(number as i64)
    })
}
