//! A datum in the plain form of Avro (unions without the name of their branch, times and money as numbers) as the JSON that travels.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contoso_handlers::domain::money::Money;
use serde_json::{Map, Value};
use time::{
    Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, format_description::well_known::Rfc3339,
    macros::format_description,
};

use super::{
    super::avro::{Definition, Field, Primitive, Schema, Type},
    money::is_money,
};

/// A datum does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ConvertError {
    path: String,
    problem: String,
}

fn wrong<T>(path: &str, problem: impl Into<String>) -> Result<T, ConvertError> {
    let path = if path.is_empty() { "the data" } else { path };
    Err(ConvertError { path: path.to_owned(), problem: problem.into() })
}

impl Schema {
    /// A datum as the JSON that travels.
    ///
    /// # Errors
    /// Where it does not fit the schema: the path and what was to be there.
    pub fn to_json(&self, datum: &Value) -> Result<Value, ConvertError> {
        value(self, &self.root, datum, "")
    }
}

impl Schema {
    /// A datum with the defaults of what it does not have, for writers that want every field.
    #[must_use]
    pub fn with_defaults(&self, datum: &Value) -> Value {
        filled(self, &self.root, datum)
    }
}

fn filled(schema: &Schema, kind: &Type, datum: &Value) -> Value {
    match (kind, datum) {
        (Type::Array(items), Value::Array(list)) => list.iter().map(|item| filled(schema, items, item)).collect(),
        (Type::Map(values), Value::Object(members)) => {
            members.iter().map(|(name, item)| (name.clone(), filled(schema, values, item))).collect()
        }
        (Type::Union(branches), _) => {
            let branch = branches.iter().find(|branch| value(schema, branch, datum, "").is_ok());
            branch.map_or_else(|| datum.clone(), |branch| filled(schema, branch, datum))
        }
        (Type::Named(name), Value::Object(members)) => match schema.named(name).map(|named| &named.definition) {
            Some(Definition::Record(fields)) => {
                let mut members = members.clone();
                for field in fields {
                    let given = members
                        .get(&field.name)
                        .or(field.default.as_ref())
                        .map(|datum| filled(schema, &field.kind, datum));
                    if let Some(given) = given {
                        members.insert(field.name.clone(), given);
                    }
                }
                Value::Object(members)
            }
            _ => datum.clone(),
        },
        (Type::Primitive(Primitive::Float | Primitive::Double), Value::Number(number)) => {
            number.as_f64().map_or_else(|| datum.clone(), Value::from)
        }
        _ => datum.clone(),
    }
}

/// A default of a schema as JSON; that of a union is of its first branch.
pub(super) fn default(schema: &Schema, kind: &Type, datum: &Value) -> Option<Value> {
    value(schema, kind, datum, "").ok()
}

fn value(schema: &Schema, kind: &Type, datum: &Value, path: &str) -> Result<Value, ConvertError> {
    match kind {
        Type::Primitive(primitive) => of_primitive(*primitive, datum, path),
        Type::Array(items) => match datum {
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, item)| value(schema, items, item, &below(path, &index.to_string())))
                .collect(),
            _ => wrong(path, "is no list"),
        },
        Type::Map(values) => match datum {
            Value::Object(members) => {
                let one = |(name, item): (&String, &Value)| {
                    Ok((name.clone(), value(schema, values, item, &below(path, name))?))
                };
                members.iter().map(one).collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            _ => wrong(path, "is no object"),
        },
        Type::Union(branches) => of_union(schema, branches, datum, path),
        Type::Logical { base, logical, scale } => of_logical(schema, base, logical, *scale, datum, path),
        Type::Named(name) => match schema.named(name).map(|named| &named.definition) {
            Some(Definition::Record(fields)) => of_record(schema, fields, datum, path),
            Some(Definition::Enum { symbols, .. }) => match datum.as_str() {
                Some(symbol) if symbols.iter().any(|known| known == symbol) => Ok(datum.clone()),
                _ => wrong(path, format!("is none of {}", symbols.join(", "))),
            },
            Some(Definition::Fixed(size)) => {
                let bytes = bytes(datum, path)?;
                if u64::try_from(bytes.len()) == Ok(*size) {
                    Ok(STANDARD.encode(bytes).into())
                } else {
                    wrong(path, format!("has not {size} bytes"))
                }
            }
            None => wrong(path, format!("is of the unknown type {name}")),
        },
    }
}

fn below(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
}

fn of_primitive(primitive: Primitive, datum: &Value, path: &str) -> Result<Value, ConvertError> {
    let fits = match primitive {
        Primitive::Null => datum.is_null(),
        Primitive::Boolean => datum.is_boolean(),
        Primitive::Int => datum.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Primitive::Long => datum.is_i64(),
        Primitive::Float | Primitive::Double => datum.is_number(),
        Primitive::String => datum.is_string(),
        Primitive::Bytes => return Ok(STANDARD.encode(bytes(datum, path)?).into()),
    };
    if fits { Ok(datum.clone()) } else { wrong(path, format!("is no {}", primitive.word())) }
}

/// Bytes are text in Avro's JSON, a character a byte.
fn bytes(datum: &Value, path: &str) -> Result<Vec<u8>, ConvertError> {
    let text =
        datum.as_str().and_then(|text| text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect());
    text.map_or_else(|| wrong(path, "is no text of characters up to U+00FF, each a byte"), Ok)
}

fn of_union(schema: &Schema, branches: &[Type], datum: &Value, path: &str) -> Result<Value, ConvertError> {
    let mut first = None;
    for branch in branches {
        match value(schema, branch, datum, path) {
            Ok(value) => return Ok(value),
            // What is wrong with null says nothing.
            Err(error) if *branch != Type::Primitive(Primitive::Null) => {
                first.get_or_insert(error);
            }
            Err(_) => {}
        }
    }
    first.map_or_else(|| wrong(path, "is not null"), Err)
}

fn of_record(schema: &Schema, fields: &[Field], datum: &Value, path: &str) -> Result<Value, ConvertError> {
    let Value::Object(members) = datum else { return wrong(path, "is no object") };
    if let Some(unknown) = members.keys().find(|name| !fields.iter().any(|field| field.name == **name)) {
        return wrong(&below(path, unknown), "is no field of the record");
    }
    let of = |field: &Field| {
        let path = below(path, &field.name);
        match members.get(&field.name).or(field.default.as_ref()) {
            Some(datum) => value(schema, &field.kind, datum, &path),
            None => wrong(&path, "is missing, and has no default"),
        }
    };
    if is_money(fields) {
        for field in fields {
            of(field)?;
        }
        let (units, currency) =
            (members["minorUnits"].as_i64().unwrap_or_default(), members["currency"].as_str().unwrap_or_default());
        return match Money::from_minor_units(units, currency).map(serde_json::to_value) {
            Ok(Ok(money)) => Ok(money),
            Ok(Err(error)) => wrong(path, error.to_string()),
            Err(error) => wrong(path, error.to_string()),
        };
    }
    let mut written = Map::new();
    for field in fields {
        let value = of(field)?;
        if !(value.is_null() && field.kind.is_nullable()) {
            written.insert(field.name.clone(), value);
        }
    }
    Ok(Value::Object(written))
}

fn of_logical(
    schema: &Schema,
    base: &Type,
    logical: &str,
    scale: u64,
    datum: &Value,
    path: &str,
) -> Result<Value, ConvertError> {
    let plain = value(schema, base, datum, path)?;
    let number = datum.as_i64();
    let written = match (logical, number) {
        ("timestamp-millis", Some(number)) => moment(number, 1_000_000),
        ("timestamp-micros", Some(number)) => moment(number, 1_000),
        ("timestamp-nanos", Some(number)) => moment(number, 1),
        ("local-timestamp-millis", Some(number)) => local_moment(number, 1_000_000),
        ("local-timestamp-micros", Some(number)) => local_moment(number, 1_000),
        ("local-timestamp-nanos", Some(number)) => local_moment(number, 1),
        ("date", Some(number)) => date(number),
        ("time-millis", Some(number)) => time_of_day(number, 1_000_000),
        ("time-micros", Some(number)) => time_of_day(number, 1_000),
        ("decimal", _) => decimal(&bytes(datum, path)?, scale),
        _ => return Ok(plain),
    };
    written.map_or_else(|| wrong(path, format!("is no {logical}")), |text| Ok(Value::String(text)))
}

fn at(number: i64, nanos: i128) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(number) * nanos).ok()
}

fn moment(number: i64, nanos: i128) -> Option<String> {
    at(number, nanos)?.format(&Rfc3339).ok()
}

fn local_moment(number: i64, nanos: i128) -> Option<String> {
    let moment = at(number, nanos)?;
    let local = PrimitiveDateTime::new(moment.date(), moment.time());
    local.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:1+]")).ok()
}

fn date(days: i64) -> Option<String> {
    let date = Date::from_calendar_date(1970, time::Month::January, 1).ok()?.checked_add(Duration::days(days))?;
    date.format(format_description!("[year]-[month]-[day]")).ok()
}

fn time_of_day(number: i64, nanos: i64) -> Option<String> {
    let nanos = number.checked_mul(nanos).filter(|nanos| (0..86_400_000_000_000).contains(nanos))?;
    let time = Time::MIDNIGHT + Duration::nanoseconds(nanos);
    time.format(format_description!("[hour]:[minute]:[second].[subsecond digits:1+]")).ok()
}

/// Two's complement, the highest byte first, as digits; of what 128 bits hold.
fn decimal(bytes: &[u8], scale: u64) -> Option<String> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    let number = i128::from_be_bytes(wide);
    let scale = usize::try_from(scale).ok().filter(|scale| *scale <= 38)?;
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn convert(kind: Value, datum: Value) -> Result<Value, String> {
        let text = json!({ "type": "record", "name": "R", "fields": [{ "name": "a", "type": kind }] });
        let schema = Schema::parse(&text.to_string()).expect("a schema");
        schema.to_json(&json!({ "a": datum })).map(|mut data| data["a"].take()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_type_has_its_form_in_json() {
        let logical = |base: &str, logical: &str| json!({ "type": base, "logicalType": logical });
        let decimal = json!({ "type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2 });
        let money = json!({ "type": "record", "name": "M", "fields": [{ "name": "minorUnits", "type": "long" }, { "name": "currency", "type": "string" }] });
        for (kind, datum, expected) in [
            (logical("long", "timestamp-millis"), json!(1_767_607_200_123_i64), json!("2026-01-05T10:00:00.123Z")),
            (logical("long", "timestamp-micros"), json!(-1), json!("1969-12-31T23:59:59.999999Z")),
            (logical("long", "local-timestamp-millis"), json!(0), json!("1970-01-01T00:00:00.0")),
            (logical("int", "date"), json!(20_000), json!("2024-10-04")),
            (logical("int", "time-millis"), json!(3_723_004), json!("01:02:03.004")),
            (logical("long", "unheard-of"), json!(7), json!(7)),
            (decimal.clone(), json!("\u{4}\u{d2}"), json!("12.34")),
            (decimal.clone(), json!("\u{ff}"), json!("-0.01")),
            (decimal, json!(""), json!("0.00")),
            (json!("bytes"), json!("\u{0}\u{ff}"), json!("AP8=")),
            (
                money.clone(),
                json!({ "minorUnits": 1999, "currency": "USD" }),
                json!({ "amount": "19.99", "currency": "USD" }),
            ),
            (money, json!({ "minorUnits": 1999, "currency": "JPY" }), json!({ "amount": "1999", "currency": "JPY" })),
            (
                json!({ "type": "map", "values": ["null", "long"] }),
                json!({ "x": 1, "y": null }),
                json!({ "x": 1, "y": null }),
            ),
            (json!(["null", { "type": "array", "items": ["string", "long"] }]), json!(["a", 7]), json!(["a", 7])),
        ] {
            assert_eq!(convert(kind.clone(), datum), Ok(expected), "{kind}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_path() {
        for (kind, datum, said) in [
            (json!("int"), json!(3_000_000_000_i64), "a: is no int"),
            (json!("long"), json!(1.5), "a: is no long"),
            (json!(["null", "long"]), json!("x"), "a: is no long"),
            (json!({ "type": "array", "items": "string" }), json!(["a", 1]), "a.1: is no string"),
            (json!({ "type": "enum", "name": "E", "symbols": ["A", "B"] }), json!("C"), "a: is none of A, B"),
            (json!({ "type": "fixed", "name": "F", "size": 2 }), json!("a"), "a: has not 2 bytes"),
            (
                json!({ "type": "long", "logicalType": "timestamp-millis" }),
                json!(i64::MAX),
                "a: is no timestamp-millis",
            ),
        ] {
            assert_eq!(convert(kind.clone(), datum).expect_err(said), said, "{kind}");
        }
        let schema = Schema::parse(
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":3},{"name":"b","type":["null","int"],"default":null}]}"#,
        );
        let schema = schema.expect("a schema");
        assert_eq!(schema.to_json(&json!({})), Ok(json!({ "a": 3 })));
        assert!(schema.to_json(&json!({ "c": 1 })).expect_err("unknown").to_string().contains("c: is no field"));
    }
}
