//! The operators of advanced filters.
//!
//! Numbers are compared as decimals, as the service does, so that `0.1` is `0.1`; strings never by case. A missing key
//! (JSON null is the same) matches only `NumberNotIn`, `NumberNotInRange`, `StringNotIn` and `IsNullOrUndefined`: the
//! other Not-operators want a value to look at. `NumberNotInRange` is our choice by analogy, Azure leaves it open.

use std::ops::RangeInclusive;

use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// A checked operator with its values.
#[derive(Debug)]
pub(crate) enum Operator {
    Number { test: NumberTest, negated: bool },
    Text { test: TextTest, values: Vec<String>, negated: bool },
    Boolean(bool),
    Null { wanted: bool },
}

#[derive(Debug)]
pub(crate) enum NumberTest {
    In(Vec<Decimal>),
    InRange(Vec<RangeInclusive<Decimal>>),
    Less(Decimal),
    LessOrEqual(Decimal),
    Greater(Decimal),
    GreaterOrEqual(Decimal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    In,
    BeginsWith,
    EndsWith,
    Contains,
}

impl Operator {
    /// Reads operator `name`; the error completes the sentence "The advanced filter … ".
    pub(crate) fn parse(name: &str, value: Option<&Value>, values: Option<&Value>) -> Result<Self, String> {
        let number = |negated, test| Ok(Self::Number { test, negated });
        let text = |negated, test| {
            Ok(Self::Text { test, values: each(values, |value| value.as_str().map(str::to_lowercase))?, negated })
        };
        match name {
            "NumberIn" => number(false, NumberTest::In(each(values, decimal)?)),
            "NumberNotIn" => number(true, NumberTest::In(each(values, decimal)?)),
            "NumberInRange" => number(false, NumberTest::InRange(each(values, range)?)),
            "NumberNotInRange" => number(true, NumberTest::InRange(each(values, range)?)),
            "NumberLessThan" => number(false, NumberTest::Less(one(value, decimal)?)),
            "NumberLessThanOrEquals" => number(false, NumberTest::LessOrEqual(one(value, decimal)?)),
            "NumberGreaterThan" => number(false, NumberTest::Greater(one(value, decimal)?)),
            "NumberGreaterThanOrEquals" => number(false, NumberTest::GreaterOrEqual(one(value, decimal)?)),
            "BoolEquals" => Ok(Self::Boolean(one(value, Value::as_bool)?)),
            "StringIn" => text(false, TextTest::In),
            "StringNotIn" => text(true, TextTest::In),
            "StringBeginsWith" => text(false, TextTest::BeginsWith),
            "StringNotBeginsWith" => text(true, TextTest::BeginsWith),
            "StringEndsWith" => text(false, TextTest::EndsWith),
            "StringNotEndsWith" => text(true, TextTest::EndsWith),
            "StringContains" => text(false, TextTest::Contains),
            "StringNotContains" => text(true, TextTest::Contains),
            "IsNullOrUndefined" => Ok(Self::Null { wanted: true }),
            "IsNotNull" => Ok(Self::Null { wanted: false }),
            _ => Err("has an operator that does not exist".to_owned()),
        }
    }

    /// How much of the limit of 25 values this operator uses.
    pub(crate) fn value_count(&self) -> usize {
        match self {
            Self::Number { test, .. } => match test {
                NumberTest::In(values) => values.len(),
                NumberTest::InRange(ranges) => ranges.len(),
                _ => 1,
            },
            Self::Text { values, .. } => values.len(),
            Self::Boolean(_) => 1,
            Self::Null { .. } => 0,
        }
    }

    /// Characters of the longest string.
    pub(crate) fn longest_text(&self) -> usize {
        match self {
            Self::Text { values, .. } => values.iter().map(|value| value.chars().count()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether the value under the filter's key satisfies the operator; `None` is a missing key.
    pub(crate) fn matches(&self, value: Option<&Value>, on_arrays: bool) -> bool {
        let value = value.filter(|value| !value.is_null());
        if let Self::Null { wanted } = self {
            return value.is_none() == *wanted;
        }
        match value {
            None => self.matches_missing(),
            Some(Value::Array(elements)) if on_arrays => {
                // Elements of another type are ignored, so an array without a fitting one satisfies a Not-operator.
                let found = elements.iter().any(|element| self.test(element) == Some(true));
                found != self.negated()
            }
            // Without the switch an array is a value of another type, and those match nothing.
            Some(value) => self.test(value).is_some_and(|found| found != self.negated()),
        }
    }

    fn matches_missing(&self) -> bool {
        match self {
            Self::Number { negated, .. } => *negated,
            Self::Text { test, negated, .. } => *negated && *test == TextTest::In,
            Self::Boolean(_) | Self::Null { .. } => false,
        }
    }

    fn negated(&self) -> bool {
        match self {
            Self::Number { negated, .. } | Self::Text { negated, .. } => *negated,
            Self::Boolean(_) | Self::Null { .. } => false,
        }
    }

    /// The operator without its "Not" on one value; `None` where the value has another type.
    fn test(&self, value: &Value) -> Option<bool> {
        match self {
            Self::Number { test, .. } => decimal(value).map(|number| test.holds(number)),
            Self::Text { test, values, .. } => {
                let text = value.as_str()?.to_lowercase();
                Some(values.iter().any(|wanted| test.holds(&text, wanted)))
            }
            Self::Boolean(wanted) => value.as_bool().map(|value| value == *wanted),
            Self::Null { .. } => None,
        }
    }
}

impl NumberTest {
    fn holds(&self, number: Decimal) -> bool {
        match self {
            Self::In(values) => values.contains(&number),
            Self::InRange(ranges) => ranges.iter().any(|range| range.contains(&number)),
            Self::Less(bound) => number < *bound,
            Self::LessOrEqual(bound) => number <= *bound,
            Self::Greater(bound) => number > *bound,
            Self::GreaterOrEqual(bound) => number >= *bound,
        }
    }
}

impl TextTest {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::In => text == wanted,
            Self::BeginsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
            Self::Contains => text.contains(wanted),
        }
    }
}

fn one<T>(value: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Result<T, String> {
    value.and_then(read).ok_or_else(|| "needs one `value` of its type".to_owned())
}

fn each<T>(values: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, String> {
    values
        .and_then(Value::as_array)
        .filter(|values| !values.is_empty())
        .and_then(|values| values.iter().map(read).collect())
        .ok_or_else(|| "needs `values`, a non-empty array of its type".to_owned())
}

fn range(value: &Value) -> Option<RangeInclusive<Decimal>> {
    match value.as_array()?.as_slice() {
        [low, high] => Some(decimal(low)?..=decimal(high)?),
        _ => None,
    }
}

/// The number as written, not by way of a binary float; `None` for other types and for what a decimal cannot hold.
fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number().map(Number::to_string)?;
    Decimal::from_str_exact(&text).or_else(|_| text.parse()).or_else(|_| Decimal::from_scientific(&text)).ok()
}
