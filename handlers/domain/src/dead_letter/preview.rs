//! What is shown of bytes and values of strangers: never more than eyes and browsers bear.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::beginning;

/// Bytes that a preview shows.
pub const LONGEST_PREVIEW: usize = 8 << 10;

/// The greatest integer that a browser keeps exactly, 2^53 - 1.
const EXACT: u64 = (1 << 53) - 1;

/// The beginning of some bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The beginning, as text or as hex.
    pub content: String,
    /// Whether it is hex, as what is no text is shown.
    pub is_hex: bool,
    /// Bytes of all of it.
    pub size: usize,
    /// Whether this is not all.
    pub is_cut: bool,
}

impl Preview {
    /// The beginning of a text, cut between two characters.
    pub fn of_text(text: &str) -> Self {
        let shown = beginning(text, LONGEST_PREVIEW);
        Self { content: shown.to_owned(), is_hex: false, size: text.len(), is_cut: shown.len() < text.len() }
    }

    /// The beginning of bytes: as text, if all of them are one that can be shown, else as hex.
    pub fn of(bytes: &[u8]) -> Self {
        let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        match std::str::from_utf8(bytes) {
            Ok(text) if text.chars().all(is_shown) => Self::of_text(text),
            _ => Self::hex(bytes),
        }
    }

    /// The beginning of bytes as hex.
    pub fn hex(bytes: &[u8]) -> Self {
        let shown = &bytes[..bytes.len().min(LONGEST_PREVIEW)];
        let content = shown.iter().fold(String::with_capacity(2 * shown.len()), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        });
        Self { content, is_hex: true, size: bytes.len(), is_cut: shown.len() < bytes.len() }
    }

    /// The beginning of a value as text, in which every number is as it was.
    pub fn of_value(value: &Value) -> Self {
        // A value always serialises.
        Self::of_text(&serde_json::to_string_pretty(value).unwrap_or_default())
    }
}

/// The same value for readers that know only numbers of 64-bit floating point: integers that those would round become texts.
pub fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let large = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64()).is_some_and(|it| it > EXACT);
            if large { Value::String(number.to_string()) } else { Value::Number(number) }
        }
        Value::Array(items) => items.into_iter().map(exact).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, exact(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_preview_is_a_beginning(text in "(\\PC{0,3}){0,3000}", tail in prop::collection::vec(any::<u8>(), 0..4)) {
            let mut bytes = text.clone().into_bytes();
            bytes.extend(&tail);
            let preview = Preview::of(&bytes);
            prop_assert_eq!(preview.size, bytes.len());
            if preview.is_hex {
                prop_assert!(preview.content.len() <= 2 * LONGEST_PREVIEW);
                prop_assert_eq!(preview.is_cut, bytes.len() > LONGEST_PREVIEW);
            } else {
                prop_assert!(bytes.starts_with(preview.content.as_bytes()));
                prop_assert!(preview.content.len() <= LONGEST_PREVIEW);
                prop_assert!(!preview.is_cut || preview.content.len() > LONGEST_PREVIEW - 4);
            }
        }
    }

    #[test]
    fn large_numbers_are_texts() {
        let value =
            json!({ "sequence": 202_201_180_000_000_014_i64, "n": [-9_007_199_254_740_992_i64, 7, 1.5, u64::MAX] });
        let expected =
            json!({ "sequence": "202201180000000014", "n": ["-9007199254740992", 7, 1.5, "18446744073709551615"] });
        assert_eq!(exact(value.clone()), expected);
        assert!(Preview::of_value(&value).content.contains(": 202201180000000014"));
    }

    #[test]
    fn bytes_that_are_no_text_are_hex() {
        assert_eq!(Preview::of(b"\x00\xff").content, "00ff");
        assert!(Preview::of(b"a\x07").is_hex);
        assert!(!Preview::of("Fjällräven\n".as_bytes()).is_hex);
    }
}
