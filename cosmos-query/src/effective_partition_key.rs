//! Effective partition keys: where the values of a partition key stand among the ranges that a container is divided into.

use serde::Deserialize;
use serde_json::Value;

use crate::murmur::{murmur3_32, murmur3_128};

/// Before every effective partition key.
pub const MIN: &str = "";
/// After every effective partition key.
pub const MAX: &str = "FF";

/// Of a longer string, version 1 knows this many UTF-16 units.
const V1_STRING: usize = 100;

/// How a container is divided: `partitionKey` of its definition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PartitionKeyDefinition {
    /// Such as `/customer/id`; none where a container is not divided.
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub kind: Kind,
    /// 1 or 2; containers of old and definitions without a version have 1.
    #[serde(default = "first")]
    pub version: u8,
}

fn first() -> u8 {
    1
}

/// Whether one hash is of all values or each value has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Kind {
    #[default]
    Hash,
    /// Hierarchical keys, whose beginnings are ranges.
    MultiHash,
    /// Of long ago; its keys sort as their values.
    Range,
}

/// One value of a partition key.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyValue {
    /// The document has no such property, or one that is an object or an array.
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(String),
}

impl From<&Value> for KeyValue {
    fn from(value: &Value) -> KeyValue {
        match value {
            Value::Null => KeyValue::Null,
            Value::Bool(bool) => KeyValue::Bool(*bool),
            // Both zeros are one key.
            Value::Number(number) => KeyValue::Number(number.as_f64().unwrap_or(0.0) + 0.0),
            Value::String(string) => KeyValue::String(string.clone()),
            Value::Array(_) | Value::Object(_) => KeyValue::Undefined,
        }
    }
}

impl KeyValue {
    /// What a document has at a path of a partition key, such as `/customer/id` or `/"a/b"`.
    pub fn of(document: &Value, path: &str) -> KeyValue {
        let mut value = Some(document);
        for name in segments(path) {
            value = value.and_then(|value| value.get(name.as_str()));
        }
        value.map_or(KeyValue::Undefined, KeyValue::from)
    }

    /// The bytes that are hashed; a string has one more at its end.
    pub(crate) fn hashed(&self, end: Option<u8>, longest: Option<usize>, into: &mut Vec<u8>) {
        match self {
            KeyValue::Undefined => into.push(0),
            KeyValue::Null => into.push(1),
            KeyValue::Bool(false) => into.push(2),
            KeyValue::Bool(true) => into.push(3),
            KeyValue::Number(number) => {
                into.push(5);
                into.extend(number.to_le_bytes());
            }
            KeyValue::String(string) => {
                into.push(8);
                match longest {
                    Some(longest) => into.extend(shortened(string, longest).bytes()),
                    None => into.extend(string.bytes()),
                }
                into.extend(end);
            }
        }
    }

    /// The form that sorts, of version 1.
    fn sorted(&self, into: &mut Vec<u8>) {
        match self {
            KeyValue::String(string) => {
                into.push(8);
                let text = shortened(string, V1_STRING);
                into.extend(text.bytes().take(V1_STRING + 1).map(|byte| byte.wrapping_add(1)));
                if text.len() <= V1_STRING {
                    into.push(0);
                }
            }
            KeyValue::Number(number) => sorted_number(*number, into),
            _ => self.hashed(None, None, into),
        }
    }
}

/// The names of a path: parts between slashes, of which some may stand in quotes.
pub fn segments(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (name, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => rest.split_once('/').map_or((rest, ""), |(name, after)| (name, after)),
        };
        names.push(name.to_owned());
        rest = after.strip_prefix('/').unwrap_or(after);
    }
    names
}

/// The hash of several values together, version 1: 32 bits.
pub fn hash_v1(values: &[KeyValue]) -> u32 {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| value.hashed(Some(0), Some(V1_STRING), &mut bytes));
    murmur3_32(&bytes, 0)
}

/// The hash of several values together, version 2: 128 bits, low half first.
pub fn hash_v2(values: &[KeyValue]) -> [u8; 16] {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| value.hashed(Some(0xff), None, &mut bytes));
    let (low, high) = murmur3_128(&bytes, (0, 0));
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// The effective partition key of values, in hexadecimal digits. Fewer values than paths are the beginning of a hierarchical key.
pub fn effective_partition_key(definition: &PartitionKeyDefinition, values: &[KeyValue]) -> String {
    let mut bytes = Vec::new();
    match (definition.kind, definition.version) {
        (Kind::MultiHash, _) => values.iter().for_each(|value| bytes.extend(component(std::slice::from_ref(value)))),
        _ if values.is_empty() => {}
        (Kind::Hash, 2..) => bytes.extend(component(values)),
        (Kind::Hash, _) => {
            sorted_number(f64::from(hash_v1(values)), &mut bytes);
            values.iter().for_each(|value| value.sorted(&mut bytes));
        }
        (Kind::Range, _) => values.iter().for_each(|value| value.sorted(&mut bytes)),
    }
    hexadecimal(&bytes)
}

/// The range of effective partition keys that begin with these values; the second is outside it unless it equals the first.
pub fn range(definition: &PartitionKeyDefinition, values: &[KeyValue]) -> (String, String) {
    let min = effective_partition_key(definition, values);
    if definition.kind == Kind::MultiHash && values.len() < definition.paths.len() {
        let max = format!("{min}FF");
        return (min, max);
    }
    (min.clone(), min)
}

/// High byte first, without the two highest bits, so that `FF` is after all.
fn component(values: &[KeyValue]) -> [u8; 16] {
    let mut hash = hash_v2(values);
    hash.reverse();
    hash[0] &= 0x3f;
    hash
}

fn shortened(text: &str, units: usize) -> &str {
    let mut length = 0;
    for (at, character) in text.char_indices() {
        length += character.len_utf16();
        if length > units {
            return &text[..at];
        }
    }
    text
}

/// A number as bytes that sort like it: seven bits to a byte, the lowest bit says that more follow.
fn sorted_number(number: f64, into: &mut Vec<u8>) {
    let bits = number.to_bits();
    let ordered = if bits < 1 << 63 { bits ^ 1 << 63 } else { !bits + 1 };
    into.extend([5, (ordered >> 56) as u8]);
    let mut rest = ordered << 8;
    loop {
        let byte = (rest >> 56) as u8;
        rest <<= 7;
        if rest == 0 {
            into.push(byte & 0xfe);
            return;
        }
        into.push(byte | 1);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(kind: &str, version: u8, paths: &[&str]) -> PartitionKeyDefinition {
        serde_json::from_value(json!({"kind": kind, "version": version, "paths": paths})).expect("a definition")
    }

    /// As the service has them; the driver for Rust tests the same values.
    #[test]
    fn keys_stand_where_the_service_puts_them() {
        let text = |text: &str| KeyValue::String(text.into());
        let cases = [
            (text(""), "05C1CF33970FF80800", "32E9366E637A71B4E710384B2F4970A0"),
            (text("partitionKey"), "05C1E1B3D9CD2608716273756A756A706F4C667A00", "013AEFCF77FA271571CF665A58C933F1"),
            (KeyValue::Null, "05C1ED45D7475601", "378867E4430E67857ACE5C908374FE16"),
            (KeyValue::Bool(true), "05C1D7C5A903D803", "0E711127C5B5A8E4726AC6DD306A3E59"),
            (KeyValue::Bool(false), "05C1DB857D857C02", "2FE1BE91E90A3439635E0E9E37361EF2"),
            (KeyValue::Number(-128.0), "05C1D73349F54C053FA0", "01DAEDABF913540367FE219B2AD06148"),
            (KeyValue::Number(f64::MAX), "05C1CBE367C53005FFEFFFFFFFFFFFFFFE", "31424D996457102634591FF245DBCC4D"),
        ];
        for (value, first, second) in cases {
            let keys = [1, 2].map(|version| {
                effective_partition_key(&definition("Hash", version, &["/a"]), std::slice::from_ref(&value))
            });
            assert_eq!(keys, [first, second], "{value:?}");
        }
        let long = effective_partition_key(&definition("Hash", 1, &["/a"]), &[text(&"a".repeat(1024))]);
        assert_eq!(long, format!("05C1EB5921F70608{}00", "62".repeat(100)));
    }

    #[test]
    fn the_beginning_of_a_hierarchical_key_is_a_range() {
        let hierarchy = definition("MultiHash", 2, &["/a", "/b"]);
        let (min, max) = range(&hierarchy, &[KeyValue::Bool(true)]);
        assert_eq!(
            (min.as_str(), max.as_str()),
            ("0E711127C5B5A8E4726AC6DD306A3E59", "0E711127C5B5A8E4726AC6DD306A3E59FF")
        );
        let whole = effective_partition_key(&hierarchy, &[KeyValue::Bool(true), KeyValue::Null]);
        assert_eq!(whole, format!("{min}378867E4430E67857ACE5C908374FE16"));
        assert!(min < whole && whole < max);
    }

    #[test]
    fn a_document_has_the_key_at_its_paths() {
        let document = json!({"a": {"b/c": 1}, "x": [1], "n": null});
        assert_eq!(KeyValue::of(&document, "/a/\"b/c\""), KeyValue::Number(1.0));
        assert_eq!(KeyValue::of(&document, "/n"), KeyValue::Null);
        assert_eq!(KeyValue::of(&document, "/x"), KeyValue::Undefined);
        assert_eq!(KeyValue::of(&document, "/none/deep"), KeyValue::Undefined);
    }
}
