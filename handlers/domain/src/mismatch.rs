//! Mismatches: what is said where a JSON value is not what was wanted.

use serde_json::Value;

/// The longest string that is repeated to who sent it, in characters. Keys, secrets and most addresses are longer.
const LONGEST: usize = 40;

/// What was wanted, and what came.
pub fn mismatch(wanted: &str, came: &Value) -> String {
    format!("{wanted}; it is {}", shown(came))
}

/// A value in a few words. A string that could be a credential, an address or another line is told by its length.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) if is_plain(text) => format!("the string \"{text}\""),
        Value::String(text) => format!("a string of {} characters", text.chars().count()),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" .,_:+-".contains(&byte);
    text.len() <= LONGEST && text.bytes().all(allowed)
}

/// A whole number from 0 on. JSON has no integers: `5.0` is one too, to JSON Schema and to clients that are made from a schema.
pub fn whole(value: &Value) -> Option<u32> {
    let fits = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    value.as_f64().filter(fits).map(|number| number as u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_is_shown_in_a_few_words_and_no_credential_is_repeated() {
        for (value, said) in [
            (json!(null), "null"),
            (json!(true), "true"),
            (json!(5.5), "the number 5.5"),
            (json!("admin"), "the string \"admin\""),
            (json!(""), "an empty string"),
            (json!("2027-03-04T10:00:00Z"), "the string \"2027-03-04T10:00:00Z\""),
            (json!("https://ok.example/s3cr3t"), "a string of 25 characters"),
            (json!("a\nb"), "a string of 3 characters"),
            (json!("x".repeat(41)), "a string of 41 characters"),
            (json!([]), "an empty list"),
            (json!([1]), "a list"),
            (json!({}), "an object"),
        ] {
            assert_eq!(mismatch("must be this", &value), format!("must be this; it is {said}"));
        }
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        for (value, number) in [
            (json!(5), Some(5)),
            (json!(5.0), Some(5)),
            (json!(-0.0), Some(0)),
            (json!(u32::MAX), Some(u32::MAX)),
            (json!(5.5), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("5"), None),
            (json!(null), None),
        ] {
            assert_eq!(whole(&value), number, "{value}");
        }
    }
}
