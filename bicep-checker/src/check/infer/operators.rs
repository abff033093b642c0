//! Operators.

use super::{Expression, Here, Integers, Type, assignable};
use crate::{
    Span,
    syntax::ast::{BinaryOperator, UnaryOperator},
};

impl<'a> Here<'_, 'a> {
    pub(super) fn binary(
        &self,
        operator: BinaryOperator,
        at: Span,
        left: &'a Expression,
        right: &'a Expression,
    ) -> Type {
        let (a, b) = (self.type_of(left), self.type_of(right));
        let both = |ty: &Type| assignable(&a, ty) && assignable(&b, ty);
        let (fits, gives) = match operator {
            BinaryOperator::Coalesce => {
                return match a.without_null() {
                    Some(rest) => Type::union([rest, b]),
                    None => a,
                };
            }
            BinaryOperator::Or | BinaryOperator::And => (both(&Type::Bool), Type::Bool),
            BinaryOperator::Equal | BinaryOperator::NotEqual => (true, Type::Bool),
            BinaryOperator::EqualIgnoringCase | BinaryOperator::NotEqualIgnoringCase => {
                (both(&Type::text()), Type::Bool)
            }
            BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual => (both(&Type::int()) || both(&Type::text()), Type::Bool),
            BinaryOperator::Add => (both(&Type::int()), number(&a, &b, i64::checked_add)),
            BinaryOperator::Subtract => (both(&Type::int()), number(&a, &b, i64::checked_sub)),
            BinaryOperator::Multiply => (both(&Type::int()), number(&a, &b, i64::checked_mul)),
            BinaryOperator::Divide => (both(&Type::int()), number(&a, &b, i64::checked_div)),
            BinaryOperator::Remainder => (both(&Type::int()), number(&a, &b, i64::checked_rem)),
        };
        if !fits {
            self.error("BCP045", left.span.to(right.span), format!("The operator cannot join {a} and {b}."));
            return Type::Any;
        }
        if matches!((operator, &b), (BinaryOperator::Divide | BinaryOperator::Remainder, Type::IntIs(0))) {
            self.error("BCP410", at, "This divides by zero.");
        }
        gives
    }

    pub(super) fn unary(&self, operator: UnaryOperator, operand: &'a Expression, span: Span) -> Type {
        // -9223372036854775808 is a literal whose digits alone are none.
        let ty = self.type_of(operand);
        let (wanted, gives) = match (operator, &ty) {
            (UnaryOperator::Not, Type::BoolIs(value)) => (Type::Bool, Type::BoolIs(!value)),
            (UnaryOperator::Not, _) => (Type::Bool, Type::Bool),
            (UnaryOperator::Minus, Type::IntIs(value)) => (Type::int(), Type::IntIs(value.wrapping_neg())),
            (UnaryOperator::Minus, _) => (Type::int(), Type::int()),
            (UnaryOperator::Plus, _) => return Type::Any,
        };
        if !assignable(&ty, &wanted) {
            self.error("BCP044", span, format!("The operator takes {wanted}, not {ty}."));
            return Type::Any;
        }
        gives
    }
}

fn number(a: &Type, b: &Type, operation: fn(i64, i64) -> Option<i64>) -> Type {
    match (a, b) {
        (Type::IntIs(a), Type::IntIs(b)) => operation(*a, *b).map_or_else(Type::int, Type::IntIs),
        _ => Type::Int(Integers::default()),
    }
}
