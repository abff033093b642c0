//! What of a schema is an amount of money.

use super::super::avro::{Field, Primitive, Type};

/// An amount of money is a record of whole minor units and a currency.
pub(super) fn is_money(fields: &[Field]) -> bool {
    let is = |name: &str, primitive| {
        fields.iter().any(|field| field.name == name && field.kind == Type::Primitive(primitive))
    };
    fields.len() == 2 && is("minorUnits", Primitive::Long) && is("currency", Primitive::String)
}
