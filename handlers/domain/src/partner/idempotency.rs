//! Idempotency keys: what a caller writes as `Idempotency-Key`, and by what a repeated request is known.
//!
//! The IETF draft writes the key as a quoted string, most callers write it bare: both mean the same.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// The longest key, in characters.
pub const LONGEST: usize = 255;

/// A key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one key of 1 to {LONGEST} visible characters of ASCII, with or without quotes around, and with a comma only within quotes"
)]
pub struct NoIdempotencyKey;

impl IdempotencyKey {
    /// Reads a header's value.
    ///
    /// # Errors
    /// If it is empty, too long, or has other characters.
    pub fn parse(value: &str) -> Result<Self, NoIdempotencyKey> {
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let bare = quoted.unwrap_or(value);
        // A header that came twice may have been made one on its way, with a comma between (RFC 9110 §5.3): that is no key.
        let is_one = !bare.contains('"') && (quoted.is_some() || !bare.contains(','));
        let is_visible = bare.bytes().all(|byte| (0x20..0x7F).contains(&byte));
        let fits = (1..=LONGEST).contains(&bare.len()) && is_one && is_visible;
        if fits { Ok(Self(bare.to_owned())) } else { Err(NoIdempotencyKey) }
    }

    /// The id of the document that keeps the answer: of the key, the method and the path, within the partner's partition. Without the
    /// path, the same key on two paths would be one request.
    pub fn document(&self, method: &str, path: &str) -> String {
        let mut hash = Sha256::new();
        for part in [method, path, &self.0] {
            // With its length, so that no two lists of parts are written alike.
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }
}

/// What a body says, whatever its spacing and the order of its members; numbers count by their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// That of a body; `None` is a request without one.
    pub fn of(body: Option<&Value>) -> Self {
        let mut text = String::new();
        if let Some(body) = body {
            write(body, &mut text);
        }
        Self(hex(&Sha256::digest(text)))
    }
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, value) in members {
                _ = write!(text, "{}:", Value::String(name.clone()));
                write(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write(value, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Number(number) => text.push_str(&plain(number)),
        other => _ = write!(text, "{other}"),
    }
}

/// A number without a fraction as an integer: JSON Schema takes `5.0` for one, and so do callers' libraries.
fn plain(number: &Number) -> String {
    /// Up to here each integer is a number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() <= EXACT => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_are_not_of_the_key() {
        let key = IdempotencyKey::parse("k-1").unwrap();
        assert_eq!(IdempotencyKey::parse("\"k-1\""), Ok(key.clone()));
        assert!(IdempotencyKey::parse(&"k".repeat(LONGEST)).is_ok());
        assert!(IdempotencyKey::parse("\"a,b\"").is_ok());
        for wrong in ["", "\"\"", "ü", "a\tb", "a, b", "\"a\", \"b\"", &"k".repeat(LONGEST + 1)] {
            assert_eq!(IdempotencyKey::parse(wrong), Err(NoIdempotencyKey), "{wrong:?}");
        }
        assert_ne!(key.document("POST", "/a"), key.document("POST", "/b"));
    }

    #[test]
    fn the_same_said_otherwise_is_the_same() {
        let of = |value: Value| Fingerprint::of(Some(&value));
        let one: Value = serde_json::from_str(r#"{"a": 5, "b": ["x", null]}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":["x",null],"a":5.0}"#).unwrap();
        assert_eq!(of(one.clone()), of(other));
        for different in [json!({"a": 5.5, "b": ["x", null]}), json!({"a": "5", "b": ["x", null]}), json!({"a": 5})] {
            assert_ne!(of(different.clone()), of(one.clone()), "{different}");
        }
        assert_ne!(Fingerprint::of(None), of(json!(null)));
        assert_ne!(of(json!(["a", "b"])), of(json!(["a,b"])));
    }
}
