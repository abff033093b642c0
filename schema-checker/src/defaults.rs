//! Defaults: whether one fits its type, and whether two are one.

use std::collections::HashSet;

use serde_json::{Number, Value};

use crate::{
    finding::Reader,
    model::{Field, Logical, NamedId, NamedKind, Primitive, Schema, Type, branches},
};

/// Greatest whole number that a program with doubles alone tells from its neighbours.
const EXACT_IN_A_DOUBLE: i64 = (1 << 53) - 1;

pub(crate) enum Fit {
    Fits,
    /// It fits this branch of a union, and not the first one.
    LaterBranch(usize),
    /// Why it does not fit.
    No(String),
}

/// Whether every parser takes the default.
pub(crate) fn fit(schema: &Schema, of: &Type, value: &Value) -> Fit {
    let Type::Union(branches) = of else {
        return wrong(schema, of, value).map_or(Fit::Fits, Fit::No);
    };
    let fitting = branches.iter().position(|branch| wrong(schema, branch, value).is_none());
    match fitting {
        Some(0) => Fit::Fits,
        Some(index) => Fit::LaterBranch(index),
        None => Fit::No(format!("{} has no branch for it", schema.shown(of))),
    }
}

/// Whether some reader can make use of the default of an old text: also of one for a later branch, as Avro 1.12 allows.
pub(crate) fn is_usable(schema: &Schema, field: &Field) -> bool {
    let Some(value) = &field.default else { return false };
    branches(&field.of).iter().any(|branch| wrong(schema, branch, value).is_none())
}

/// Whether Python makes use of the default of an old text, where some reader does: it must fit the first branch of a union.
pub(crate) fn is_usable_to_python(schema: &Schema, field: &Field) -> bool {
    let Some(value) = &field.default else { return false };
    let is_later = matches!(fit(schema, &field.of, value), Fit::LaterBranch(_));
    !is_later && quirk_of_python(schema, &field.of, value, &mut HashSet::new()).is_none()
}

/// Why one library cannot make use of a default that fits.
pub(crate) struct Quirk {
    pub(crate) reader: Reader,
    pub(crate) what: String,
    pub(crate) mend: String,
}

/// What a library does with a default that fits: Python takes a whole number for no `double`, and the letters of bytes for UTF-8, also
/// where a record's default leaves out a field whose own default is such a one; avsc fills in what a record's default leaves out, and then
/// refuses some of what it filled in.
pub(crate) fn quirk(schema: &Schema, of: &Type, value: &Value) -> Option<Quirk> {
    quirk_of_python(schema, of, value, &mut HashSet::new()).or_else(|| quirk_of_javascript(schema, of, value))
}

/// What is wrong with a default in Python. `met` are the left out fields that were looked at.
fn quirk_of_python(schema: &Schema, of: &Type, value: &Value, met: &mut HashSet<(NamedId, usize)>) -> Option<Quirk> {
    match (of, value) {
        (Type::Union(branches), value) => branches.first().and_then(|first| quirk_of_python(schema, first, value, met)),
        (Type::Primitive(primitive @ (Primitive::Float | Primitive::Double), _), Value::Number(number))
            if !number.is_f64() =>
        {
            let of = primitive.name();
            Some(Quirk {
                reader: Reader::Python,
                what: format!("the default {number} of a {of} has no fraction, and Python fails where it needs it"),
                mend: format!("write {number}.0"),
            })
        }
        (Type::Primitive(Primitive::Bytes, _), Value::String(text)) if !text.is_ascii() => python_bytes(),
        (Type::Array(items), Value::Array(values)) => {
            values.iter().find_map(|value| quirk_of_python(schema, items, value, met))
        }
        (Type::Map(inner), Value::Object(values)) => {
            values.values().find_map(|value| quirk_of_python(schema, inner, value, met))
        }
        (Type::Named(id), value) => match (&schema.get(*id).kind, value) {
            (NamedKind::Fixed { .. }, Value::String(text)) if !text.is_ascii() => python_bytes(),
            (NamedKind::Record(fields), Value::Object(values)) => {
                fields.iter().enumerate().find_map(|(place, field)| {
                    if let Some(value) = values.get(&field.name) {
                        return quirk_of_python(schema, &field.of, value, met);
                    }
                    let default = field.default.as_ref().filter(|_| met.insert((*id, place)))?;
                    let quirk = quirk_of_python(schema, &field.of, default, met)?;
                    Some(Quirk { mend: format!("{}, in the default of {}", quirk.mend, field.name), ..quirk })
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// What is wrong with a default in JavaScript.
fn quirk_of_javascript(schema: &Schema, of: &Type, value: &Value) -> Option<Quirk> {
    match (of, value) {
        (Type::Union(branches), value) => branches.first().and_then(|first| quirk_of_javascript(schema, first, value)),
        (Type::Array(items), Value::Array(values)) => {
            values.iter().find_map(|value| quirk_of_javascript(schema, items, value))
        }
        (Type::Map(inner), Value::Object(values)) => {
            values.values().find_map(|value| quirk_of_javascript(schema, inner, value))
        }
        (Type::Named(id), Value::Object(values)) => {
            let NamedKind::Record(fields) = &schema.get(*id).kind else { return None };
            fields.iter().find_map(|field| {
                if let Some(value) = values.get(&field.name) {
                    return quirk_of_javascript(schema, &field.of, value);
                }
                let default = field.default.as_ref()?;
                is_spelt_otherwise(schema, &field.of, default, &mut HashSet::new()).then(|| Quirk {
                    reader: Reader::JavaScript,
                    what: format!(
                        "the default leaves out {}, and JavaScript refuses what it fills in there",
                        field.name
                    ),
                    mend: format!("write it out: \"{}\": {default}", field.name),
                })
            })
        }
        _ => None,
    }
}

fn python_bytes() -> Option<Quirk> {
    Some(Quirk {
        reader: Reader::Python,
        what: "the default has bytes above 0x7f, of each of which Python makes two".to_owned(),
        mend: "keep to bytes below 0x80, or make it [\"null\", …] with \"default\": null".to_owned(),
    })
}

/// Whether avsc holds a default otherwise than the schema spells it: bytes, and values of unions whose branches it cannot tell apart.
/// `met` are the left out fields whose defaults were looked at: a default may lead to itself, or twice to another one.
fn is_spelt_otherwise(schema: &Schema, of: &Type, value: &Value, met: &mut HashSet<(NamedId, usize)>) -> bool {
    match (of, value) {
        (_, Value::Null) => false,
        (Type::Union(branches), value) => branches.first().is_some_and(|first| {
            let alike = branches.iter().filter(|other| form(schema, other) == form(schema, first)).count();
            alike > 1 || is_spelt_otherwise(schema, first, value, met)
        }),
        (Type::Primitive(Primitive::Bytes, _), _) => true,
        (Type::Array(items), Value::Array(values)) => {
            values.iter().any(|value| is_spelt_otherwise(schema, items, value, met))
        }
        (Type::Map(inner), Value::Object(values)) => {
            values.values().any(|value| is_spelt_otherwise(schema, inner, value, met))
        }
        (Type::Named(id), value) => match (&schema.get(*id).kind, value) {
            (NamedKind::Fixed { .. }, _) => true,
            (NamedKind::Record(fields), Value::Object(values)) => fields.iter().enumerate().any(|(place, field)| {
                let left_out = || field.default.as_ref().filter(|_| met.insert((*id, place)));
                let value = values.get(&field.name).or_else(left_out);
                value.is_some_and(|value| is_spelt_otherwise(schema, &field.of, value, met))
            }),
            _ => false,
        },
        _ => false,
    }
}

/// What values of a type are in JavaScript.
fn form(schema: &Schema, of: &Type) -> &'static str {
    match of {
        Type::Primitive(Primitive::Int | Primitive::Long | Primitive::Float | Primitive::Double, _) => "number",
        Type::Primitive(primitive, _) => primitive.name(),
        Type::Array(_) => "array",
        Type::Map(_) => "object",
        Type::Named(id) => match schema.get(*id).kind {
            NamedKind::Enum { .. } => "string",
            NamedKind::Fixed { .. } => "bytes",
            NamedKind::Record(_) => "object",
            NamedKind::Missing => "unknown",
        },
        Type::Union(_) | Type::Unknown => "unknown",
    }
}

/// Why a value does not fit a type, inside of which unions take it by their first branch.
fn wrong(schema: &Schema, of: &Type, value: &Value) -> Option<String> {
    let is_right = match (of, value) {
        (Type::Unknown, _) => true,
        (Type::Union(branches), value) => return branches.first().and_then(|first| wrong(schema, first, value)),
        (Type::Primitive(primitive, logical), value) => return wrong_primitive(*primitive, logical.as_ref(), value),
        (Type::Array(items), Value::Array(values)) => {
            return values.iter().find_map(|value| wrong(schema, items, value));
        }
        (Type::Map(inner), Value::Object(values)) => {
            return values.values().find_map(|value| wrong(schema, inner, value));
        }
        (Type::Named(id), value) => {
            let named = schema.get(*id);
            match (&named.kind, value) {
                (NamedKind::Missing, _) => true,
                (NamedKind::Record(fields), Value::Object(values)) => {
                    let unknown = values.keys().find(|name| !fields.iter().any(|field| field.name == **name));
                    if let Some(unknown) = unknown {
                        return Some(format!("{} has no field {unknown}", named.name));
                    }
                    return fields.iter().find_map(|field| match values.get(&field.name) {
                        Some(value) => wrong(schema, &field.of, value).map(|why| format!("{}: {why}", field.name)),
                        None if field.default.is_some() => None,
                        None => Some(format!("the field {} is missing", field.name)),
                    });
                }
                (NamedKind::Enum { symbols, .. }, Value::String(symbol)) => symbols.contains(symbol),
                (NamedKind::Fixed { size, .. }, Value::String(text)) => {
                    is_bytes(text) && u64::try_from(text.chars().count()) == Ok(*size)
                }
                _ => false,
            }
        }
        _ => false,
    };
    (!is_right).then(|| format!("it is no {}", schema.shown(of)))
}

fn wrong_primitive(primitive: Primitive, logical: Option<&Logical>, value: &Value) -> Option<String> {
    let is_right = match (primitive, value) {
        (Primitive::Null, Value::Null) | (Primitive::Boolean, Value::Bool(_)) => true,
        (Primitive::Int, Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        (Primitive::Long, Value::Number(number)) => {
            // JavaScript's parser refuses what it cannot tell from its neighbours.
            number.as_i64().is_some_and(|number| number.unsigned_abs() <= EXACT_IN_A_DOUBLE.unsigned_abs())
        }
        (Primitive::Float | Primitive::Double, Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        (Primitive::Bytes, Value::String(text)) => is_bytes(text),
        (Primitive::String, Value::String(text)) => {
            logical.is_none_or(|logical| logical.name() != "uuid") || is_uuid(text)
        }
        _ => false,
    };
    let named = logical.map_or_else(String::new, |logical| format!(" ({})", logical.name()));
    (!is_right).then(|| format!("it is no {}{named}", primitive.name()))
}

/// Bytes stand in JSON as the characters of their numbers.
fn is_bytes(text: &str) -> bool {
    text.chars().all(|letter| u32::from(letter) <= 0xff)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether two defaults are one value: numbers by their amount, all else as JSON.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    are_alike(one, other, &is_same_number)
}

/// Whether every library takes two defaults alike: the same value, and numbers of both with a fraction or of both without one.
pub(crate) fn is_same_to_all(one: &Value, other: &Value) -> bool {
    are_alike(one, other, &|one, other| one.is_f64() == other.is_f64() && is_same_number(one, other))
}

fn are_alike(one: &Value, other: &Value, numbers: &impl Fn(&Number, &Number) -> bool) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => numbers(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_alike(one, other, numbers))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| are_alike(value, other, numbers))
            };
            one.len() == other.len() && one.iter().all(is_there)
        }
        _ => one == other,
    }
}

fn is_same_number(one: &Number, other: &Number) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}
