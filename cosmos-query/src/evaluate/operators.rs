//! Operators between two values that are defined.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    syntax::Binary,
    value::{Item, boolean, compare, equal, finite, text},
};

/// `left operator right`; undefined where the types do not fit.
pub(super) fn binary<'a>(operator: Binary, left: &Value, right: &Value) -> Item<'a> {
    match operator {
        // The left one is defined.
        Binary::Coalesce => Some(Cow::Owned(left.clone())),
        // Values of different types are not equal; only order is undefined between them.
        Binary::Equal => boolean(equal(left, right)),
        Binary::NotEqual => boolean(!equal(left, right)),
        Binary::Less => boolean(compare(left, right)?.is_lt()),
        Binary::LessOrEqual => boolean(compare(left, right)?.is_le()),
        Binary::Greater => boolean(compare(left, right)?.is_gt()),
        Binary::GreaterOrEqual => boolean(compare(left, right)?.is_ge()),
        _ => numbers(operator, left.as_f64()?, right.as_f64()?),
    }
}

fn numbers<'a>(operator: Binary, left: f64, right: f64) -> Item<'a> {
    let bits = || Some((integer(left)?, integer(right)?));
    let shift = |right: i32| right as u32 & 31;
    let result = match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide => left / right,
        Binary::Modulo => left % right,
        Binary::BitAnd => bits().map(|(left, right)| f64::from(left & right))?,
        Binary::BitOr => bits().map(|(left, right)| f64::from(left | right))?,
        Binary::BitXor => bits().map(|(left, right)| f64::from(left ^ right))?,
        Binary::ShiftLeft => bits().map(|(left, right)| f64::from(left << shift(right)))?,
        Binary::ShiftRight => bits().map(|(left, right)| f64::from(left >> shift(right)))?,
        Binary::ShiftRightUnsigned => bits().map(|(left, right)| f64::from((left as u32) >> shift(right)))?,
        _ => return None,
    };
    finite(result)
}

/// A number as 32 bits, as JavaScript takes it for its operators on bits.
pub(super) fn integer(number: f64) -> Option<i32> {
    let wrapped = number.trunc().rem_euclid(4_294_967_296.0);
    number.is_finite().then_some(wrapped as u32 as i32)
}

/// Strings joined; undefined if one is none.
pub(super) fn chain<'a>(values: &[Item<'a>]) -> Item<'a> {
    let texts: Option<Vec<&str>> = values.iter().map(|value| value.as_deref()?.as_str()).collect();
    text(texts?.concat())
}

pub(super) fn equals(left: &Value, right: &Value) -> bool {
    equal(left, right)
}

/// `value BETWEEN low AND high`.
pub(super) fn within(value: Item, low: Item, high: Item) -> Option<bool> {
    let value = value?;
    let above = low.and_then(|low| compare(&value, &low)).map(|order| order.is_ge());
    let below = high.and_then(|high| compare(&value, &high)).map(|order| order.is_le());
    match (above, below) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
