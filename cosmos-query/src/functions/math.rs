//! Functions of numbers. What is no number, or has none as its result, is undefined.

use super::{Function, function, number_of};
use crate::value::{Item, finite};

pub(super) const FUNCTIONS: &[Function] = &[
    function("ABS", 1, 1, |_, all| of(all, f64::abs)),
    function("ACOS", 1, 1, |_, all| of(all, f64::acos)),
    function("ASIN", 1, 1, |_, all| of(all, f64::asin)),
    function("ATAN", 1, 1, |_, all| of(all, f64::atan)),
    function("ATN2", 2, 2, |_, all| finite(number_of(all, 0)?.atan2(number_of(all, 1)?))),
    function("CEILING", 1, 1, |_, all| of(all, f64::ceil)),
    function("COS", 1, 1, |_, all| of(all, f64::cos)),
    function("COT", 1, 1, |_, all| of(all, |number| 1.0 / number.tan())),
    function("DEGREES", 1, 1, |_, all| of(all, f64::to_degrees)),
    function("EXP", 1, 1, |_, all| of(all, f64::exp)),
    function("FLOOR", 1, 1, |_, all| of(all, f64::floor)),
    function("LOG", 1, 2, |_, all| {
        let number = number_of(all, 0)?;
        if all.len() > 1 { finite(number.log2() / number_of(all, 1)?.log2()) } else { finite(number.ln()) }
    }),
    function("LOG10", 1, 1, |_, all| of(all, f64::log10)),
    function("NumberBin", 1, 2, |_, all| {
        let size = if all.len() > 1 { number_of(all, 1)? } else { 1.0 };
        finite((number_of(all, 0)? / size).floor() * size)
    }),
    function("PI", 0, 0, |_, _| finite(std::f64::consts::PI)),
    function("POWER", 2, 2, |_, all| finite(number_of(all, 0)?.powf(number_of(all, 1)?))),
    function("RADIANS", 1, 1, |_, all| of(all, f64::to_radians)),
    function("RAND", 0, 0, |evaluator, _| finite(evaluator.random())),
    function("ROUND", 1, 2, |_, all| {
        let number = number_of(all, 0)?;
        if all.len() == 1 {
            return finite(number.round());
        }
        let scale = 10_f64.powi(number_of(all, 1)?.clamp(-15.0, 15.0) as i32);
        finite((number * scale).round() / scale)
    }),
    function("SIGN", 1, 1, |_, all| of(all, |number| if number == 0.0 { 0.0 } else { number.signum() })),
    function("SIN", 1, 1, |_, all| of(all, f64::sin)),
    function("SQRT", 1, 1, |_, all| of(all, f64::sqrt)),
    function("SQUARE", 1, 1, |_, all| of(all, |number| number * number)),
    function("TAN", 1, 1, |_, all| of(all, f64::tan)),
    function("TRUNC", 1, 1, |_, all| of(all, f64::trunc)),
];

fn of<'a>(all: &[Item<'a>], function: fn(f64) -> f64) -> Item<'a> {
    finite(function(number_of(all, 0)?))
}
