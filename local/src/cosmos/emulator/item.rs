//! Items: their identity and versions, and what the bridge reads of a document: id, time to live, partition key.

use std::sync::Arc;

use azure_data_cosmos_driver::binary_json;
use bytes::Bytes;
use contoso_json::Plain;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

/// Longest time to live, in seconds.
const LONGEST: i64 = i32::MAX as i64;

/// An item's identity inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::cosmos) struct ItemKey {
    /// The partition key as a JSON array in canonical form.
    pub(in crate::cosmos) partition_key: String,
    pub(in crate::cosmos) id: String,
}

impl ItemKey {
    /// The partition key as its header, in ASCII.
    pub(in crate::cosmos) fn header(&self) -> HeaderValue {
        let mut ascii = String::with_capacity(self.partition_key.len());
        for character in self.partition_key.chars() {
            if (' '..='~').contains(&character) {
                ascii.push(character);
            } else {
                let mut units = [0; 2];
                ascii.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
        HeaderValue::try_from(ascii).unwrap_or(HeaderValue::from_static("[]"))
    }
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct ItemChange {
    pub(in crate::cosmos) key: Arc<ItemKey>,
    /// None where it was deleted.
    pub(in crate::cosmos) state: Option<ItemState>,
}

/// An item as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct ItemState {
    pub(in crate::cosmos) etag: String,
    /// The document in text or binary JSON, without system properties.
    pub(in crate::cosmos) body: Bytes,
    /// Its own time to live, if it states one.
    pub(in crate::cosmos) ttl: Option<i64>,
}

/// A version of an item: the LSN of its range at which it was written, and its number among the items of that write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct ItemVersion {
    pub(in crate::cosmos) lsn: u64,
    pub(in crate::cosmos) index: u16,
}

/// What the bridge reads of a document or definition.
#[derive(Default, Deserialize)]
pub(in crate::cosmos) struct Summary {
    pub(in crate::cosmos) id: Option<String>,
    #[serde(default)]
    ttl: Option<Plain>,
}

impl Summary {
    /// Of a body in text or Cosmos' binary JSON; none where it is neither, or its id is no string.
    pub(in crate::cosmos) fn of(body: &[u8]) -> Option<Self> {
        if binary_json::is_binary(body) {
            return binary_json::from_slice(body).ok();
        }
        contoso_json::from_slice(body).ok()
    }

    /// The time to live it states.
    ///
    /// # Errors
    /// The service's message, where it is none.
    pub(in crate::cosmos) fn ttl(&self) -> Result<Option<i64>, String> {
        parse_ttl(self.ttl.as_ref().map(|Plain(ttl)| ttl))
    }
}

/// The time to live that a document or definition states.
///
/// # Errors
/// The service's message, where it is none.
pub(in crate::cosmos) fn parse_ttl(value: Option<&Value>) -> Result<Option<i64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .filter(|ttl| *ttl == -1 || (1..=LONGEST).contains(ttl))
            .map(Some)
            .ok_or_else(|| {
                format!(
                    "The input ttl '{value}' is invalid. Ensure to provide a nonzero positive integer less than or equal \
                     to '{LONGEST}' or -1 which means never expire."
                )
            }),
    }
}

/// The partition key header in one spelling per value: clients differ in spaces, escapes and number forms.
pub(in crate::cosmos) fn canonical_partition_key(header: &str) -> Option<String> {
    let mut components: Vec<Value> = contoso_json::from_str(header).ok()?;
    for component in &mut components {
        if let Some(number) = component.as_f64() {
            // Cosmos numbers are doubles; `1` and `1.0` are one key.
            *component = serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number);
        }
    }
    serde_json::to_string(&components).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partition_key_has_one_spelling() {
        for spelling in [r#"["a/é",1]"#, r#"[ "a\/\u00e9", 1.0 ]"#] {
            assert_eq!(canonical_partition_key(spelling).as_deref(), Some(r#"["a/é",1.0]"#));
        }
        assert_eq!(canonical_partition_key("[{}]").as_deref(), Some("[{}]"));
        assert_eq!(canonical_partition_key("a"), None);
        let key = canonical_partition_key(r#"["é\u007f😀\u0001\"x"]"#).unwrap();
        let header = ItemKey { partition_key: key.clone(), id: String::new() }.header();
        assert_eq!(
            canonical_partition_key(header.to_str().unwrap()),
            Some(key),
            "whatever a key holds, its header is one"
        );
    }

    #[test]
    fn a_ttl_is_a_positive_whole_number_or_minus_one() {
        assert_eq!(parse_ttl(Some(&json!(-1))), Ok(Some(-1)));
        assert_eq!(parse_ttl(Some(&json!(2_147_483_647))), Ok(Some(2_147_483_647)));
        assert_eq!(parse_ttl(Some(&Value::Null)), Ok(None));
        for wrong in [json!(0), json!(-2), json!(1.5), json!("60"), json!(2_147_483_648_i64)] {
            assert!(parse_ttl(Some(&wrong)).unwrap_err().contains("is invalid"));
        }
    }
}
