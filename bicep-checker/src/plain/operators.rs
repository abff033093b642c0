//! Operators, as far as both sides are known.

use super::value::Value;
use crate::syntax::ast::BinaryOperator;

/// The value of an operator between two values.
pub(super) fn binary(operator: BinaryOperator, left: Value, right: Value) -> Value {
    use BinaryOperator as Op;
    let known = |value: Option<bool>| value.map_or(Value::Computed, Value::Boolean);
    match (operator, &left, &right) {
        (Op::Coalesce, Value::Null, _) => right,
        (Op::Coalesce, ..) if left.is_literal() => left,
        (Op::And, Value::Boolean(false), _) | (Op::And, _, Value::Boolean(false)) => Value::Boolean(false),
        (Op::And, Value::Boolean(true), _) => right,
        (Op::And, _, Value::Boolean(true)) => left,
        (Op::Or, Value::Boolean(true), _) | (Op::Or, _, Value::Boolean(true)) => Value::Boolean(true),
        (Op::Or, Value::Boolean(false), _) => right,
        (Op::Or, _, Value::Boolean(false)) => left,
        (Op::Equal, ..) => known(left.equals(&right)),
        (Op::NotEqual, ..) => known(left.equals(&right).map(|equal| !equal)),
        (_, Value::Integer(left), Value::Integer(right)) => match operator {
            Op::Less => Value::Boolean(left < right),
            Op::LessOrEqual => Value::Boolean(left <= right),
            Op::Greater => Value::Boolean(left > right),
            Op::GreaterOrEqual => Value::Boolean(left >= right),
            Op::Add => left.checked_add(*right).map_or(Value::Computed, Value::Integer),
            Op::Subtract => left.checked_sub(*right).map_or(Value::Computed, Value::Integer),
            Op::Multiply => left.checked_mul(*right).map_or(Value::Computed, Value::Integer),
            Op::Divide => left.checked_div(*right).map_or(Value::Computed, Value::Integer),
            Op::Remainder => left.checked_rem(*right).map_or(Value::Computed, Value::Integer),
            _ => Value::Computed,
        },
        _ => Value::Computed,
    }
}
