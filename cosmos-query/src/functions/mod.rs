//! The functions that queries may call, as the service's reference lists them.

mod arrays;
mod convert;
mod date_parts;
mod dates;
mod integers;
mod math;
mod spatial;
mod strings;
mod types;
mod vectors;

use crate::{evaluate::Evaluator, value::Item};

/// What a function makes of its arguments; undefined ones are among them. That each argument is read once, and that the result is kept,
/// is counted for it; for work beyond that it pays beforehand ([`Evaluator::pay`]), and for a result that may be larger than what is
/// read, or is not of values, it asks for room ([`Evaluator::room`]).
pub(crate) type Call = for<'a> fn(&Evaluator<'_>, &[Item<'a>]) -> Item<'a>;

pub(crate) struct Function {
    /// As messages call it.
    pub(crate) name: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) call: Call,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// What a name is the name of.
pub(crate) enum Found {
    Function(&'static Function),
    /// The service has it, this does not.
    Refused,
    Nothing,
}

/// Functions of the service that are not served: those that need an index of words or shapes on a globe, and later ones of its reference.
const REFUSED: [&str; 26] = [
    "_FullTextWordCount",
    "Ago",
    "ARRAY_AVG",
    "ARRAY_MAX",
    "ARRAY_MEDIAN",
    "ARRAY_MIN",
    "ARRAY_SUM",
    "CONTAINS_ALL_CI",
    "CONTAINS_ALL_CS",
    "CONTAINS_ANY_CI",
    "CONTAINS_ANY_CS",
    "DateTimeFormat",
    "Day",
    "FullTextScore",
    "LASTINDEXOF",
    "LASTSUBSTRINGAFTER",
    "LASTSUBSTRINGBEFORE",
    "Month",
    "Now",
    "REGEXEXTRACT",
    "REGEXEXTRACTALL",
    "RRF",
    "ST_AREA",
    "SUBSTRINGAFTER",
    "SUBSTRINGBEFORE",
    "Year",
];

/// The function of a name, in whatever case it is written.
pub(crate) fn find(name: &str) -> Found {
    let tables = [
        arrays::FUNCTIONS,
        convert::FUNCTIONS,
        dates::FUNCTIONS,
        integers::FUNCTIONS,
        math::FUNCTIONS,
        spatial::FUNCTIONS,
        strings::FUNCTIONS,
        types::FUNCTIONS,
        vectors::FUNCTIONS,
    ];
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    match tables.into_iter().flatten().find(|function| is(function.name)) {
        Some(function) => Found::Function(function),
        None if REFUSED.into_iter().any(is) => Found::Refused,
        None => Found::Nothing,
    }
}

const fn function(name: &'static str, least: usize, most: usize, call: Call) -> Function {
    Function { name, least, most, call }
}

/// An argument that is there and defined.
fn argument<'v>(arguments: &'v [Item<'_>], index: usize) -> Option<&'v serde_json::Value> {
    arguments.get(index)?.as_deref()
}

fn text_of<'v>(arguments: &'v [Item<'_>], index: usize) -> Option<&'v str> {
    argument(arguments, index)?.as_str()
}

fn number_of(arguments: &[Item<'_>], index: usize) -> Option<f64> {
    argument(arguments, index)?.as_f64()
}

/// A number without a fraction; another is no number of characters or elements.
fn whole_of(arguments: &[Item<'_>], index: usize) -> Option<f64> {
    number_of(arguments, index).filter(|number| number.fract() == 0.0)
}

/// An argument that may be left out; undefined if it is there and no boolean.
fn flag_of(arguments: &[Item<'_>], index: usize) -> Option<bool> {
    if index < arguments.len() { argument(arguments, index)?.as_bool() } else { Some(false) }
}
