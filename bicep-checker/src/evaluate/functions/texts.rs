//! Functions of strings and numbers.

use super::{super::stand_in, Made, Value, number};

pub(super) const NAMES: [&str; 24] = [
    "base64",
    "concat",
    "contains",
    "empty",
    "endsWith",
    "guid",
    "indexOf",
    "int",
    "join",
    "json",
    "length",
    "max",
    "min",
    "padLeft",
    "replace",
    "skip",
    "split",
    "startsWith",
    "string",
    "substring",
    "take",
    "toLower",
    "toUpper",
    "uniqueString",
];

pub(super) fn call(name: &str, arguments: &[Value]) -> Made {
    Ok(match (name, arguments) {
        ("guid", values) => texts(values).map(|values| Value::Text(stand_in::guid(&values))),
        ("uniqueString", values) => texts(values).map(|values| Value::Text(stand_in::unique_string(&values))),
        ("concat", values @ [Value::Text(_), ..]) => texts(values).map(|values| Value::Text(values.concat())),
        ("string", [value]) => value.written().map(Value::Text),
        ("int", [Value::Integer(number)]) => Some(Value::Integer(*number)),
        ("int", [Value::Text(text)]) => match text.parse() {
            Ok(number) => Some(Value::Integer(number)),
            Err(_) => return Err(format!("'{text}' is no number")),
        },
        ("json", [Value::Text(text)]) => {
            let json: serde_json::Value = contoso_json::from_str(text).map_err(|error| error.to_string())?;
            Some(Value::from_json(&json))
        }
        ("min", values) => numbers(values).and_then(|values| values.into_iter().min()).map(Value::Integer),
        ("max", values) => numbers(values).and_then(|values| values.into_iter().max()).map(Value::Integer),
        ("length", [Value::Text(text)]) => Some(number(text.chars().count())),
        ("empty", [Value::Text(text)]) => Some(Value::Boolean(text.is_empty())),
        ("toLower", [Value::Text(text)]) => Some(Value::Text(text.to_lowercase())),
        ("toUpper", [Value::Text(text)]) => Some(Value::Text(text.to_uppercase())),
        ("contains", [Value::Text(text), Value::Text(part)]) => Some(Value::Boolean(text.contains(part.as_str()))),
        ("startsWith", [Value::Text(text), Value::Text(part)]) => {
            Some(Value::Boolean(text.to_lowercase().starts_with(&part.to_lowercase())))
        }
        ("endsWith", [Value::Text(text), Value::Text(part)]) => {
            Some(Value::Boolean(text.to_lowercase().ends_with(&part.to_lowercase())))
        }
        ("indexOf", [Value::Text(text), Value::Text(part)]) => {
            let found = text.to_lowercase().find(&part.to_lowercase());
            let characters = |bytes| text.get(..bytes).map_or(0, |before| before.chars().count());
            Some(found.map_or(Value::Integer(-1), |bytes| number(characters(bytes))))
        }
        ("replace", [Value::Text(text), Value::Text(old), Value::Text(new)]) => {
            Some(Value::Text(text.replace(old.as_str(), new)))
        }
        ("split", [Value::Text(text), Value::Text(between)]) => {
            Some(Value::Array(text.split(between.as_str()).map(Value::text).collect()))
        }
        ("take", [Value::Text(text), Value::Integer(count)]) => {
            Some(Value::Text(text.chars().take(usize::try_from(*count).unwrap_or(0)).collect()))
        }
        ("skip", [Value::Text(text), Value::Integer(count)]) => {
            Some(Value::Text(text.chars().skip(usize::try_from(*count).unwrap_or(0)).collect()))
        }
        ("substring", [Value::Text(text), Value::Integer(start), rest @ ..]) => {
            let start = usize::try_from(*start).map_err(|_| "it starts before the string".to_owned())?;
            let tail: Vec<char> = text.chars().skip(start).collect();
            match rest {
                [] => Some(Value::Text(tail.iter().collect())),
                [Value::Integer(count)] => match usize::try_from(*count).ok().and_then(|count| tail.get(..count)) {
                    Some(part) => Some(Value::Text(part.iter().collect())),
                    None => return Err("it ends behind the string".to_owned()),
                },
                _ => None,
            }
        }
        ("padLeft", [value, Value::Integer(width), rest @ ..]) => {
            let text = value.written().unwrap_or_default();
            let with = match rest {
                [Value::Text(with)] => with.chars().next().unwrap_or(' '),
                _ => ' ',
            };
            let missing = usize::try_from(*width).unwrap_or(0).saturating_sub(text.chars().count());
            Some(Value::Text(std::iter::repeat_n(with, missing).chain(text.chars()).collect()))
        }
        _ => None,
    })
}

fn texts(values: &[Value]) -> Option<Vec<String>> {
    values.iter().map(Value::written).collect()
}

/// Numbers, one by one or as an array.
fn numbers(values: &[Value]) -> Option<Vec<i64>> {
    let values = match values {
        [Value::Array(values)] => values,
        values => values,
    };
    values.iter().map(|value| if let Value::Integer(number) = value { Some(*number) } else { None }).collect()
}
