//! Item keys: where an item stands in its container, by effective partition key and id, and which keys a request is about.

use std::{borrow::Borrow, ops::Bound, sync::Arc};

use contoso_cosmos_query::effective_partition_key::{self, KeyValue, PartitionKeyDefinition};
use serde_json::Value;

/// Stands after an effective partition key, which is hexadecimal digits: keys so sort by it, then by id.
const SEPARATOR: u8 = 0;

/// Bytes of a value of a partition key, and of one of a container whose key is of version 1.
const LONGEST: usize = 2048;
const LONGEST_OF_FIRST: usize = 101;

/// An item's key, unique in its container: effective partition key, separator, id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::cosmos) struct ItemKey(Arc<[u8]>);

impl ItemKey {
    pub(in crate::cosmos) fn new(effective: &str, id: &str) -> Self {
        Self([effective.as_bytes(), &[SEPARATOR], id.as_bytes()].concat().into())
    }

    /// The effective partition key.
    pub(in crate::cosmos) fn effective(&self) -> &str {
        self.parts().0
    }

    pub(in crate::cosmos) fn id(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        // Made of two texts, of which the first has no separator.
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        text.split_once(char::from(SEPARATOR)).unwrap_or_default()
    }
}

impl Borrow<[u8]> for ItemKey {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Where a part of an ordered map begins and ends.
pub(in crate::cosmos) type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// An interval of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Interval {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Interval {
    /// What has an effective partition key from `min` up to `max`, or `min` itself where they are the same.
    pub(in crate::cosmos) fn between(min: &str, max: &str) -> Self {
        if min == max {
            return Self {
                from: [min.as_bytes(), &[SEPARATOR]].concat(),
                to: [min.as_bytes(), &[SEPARATOR + 1]].concat(),
            };
        }
        Self { from: min.as_bytes().to_vec(), to: max.as_bytes().to_vec() }
    }

    /// What is in both.
    pub(in crate::cosmos) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    pub(in crate::cosmos) fn has(&self, key: &ItemKey) -> bool {
        *self.from <= *key.0 && *key.0 < *self.to
    }

    /// Whether it has all of `other`.
    pub(in crate::cosmos) fn covers(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Whether some key could be in both.
    pub(in crate::cosmos) fn meets(&self, other: &Self) -> bool {
        self.from.as_slice().max(&other.from) < self.to.as_slice().min(&other.to)
    }

    /// Where it is in an ordered map; none where nothing can be in it.
    pub(in crate::cosmos) fn bounds(&self) -> Option<Bounds<'_>> {
        (self.from < self.to).then_some((Bound::Included(&self.from), Bound::Excluded(&self.to)))
    }
}

/// The values of a partition key as the header `x-ms-documentdb-partitionkey` states them, a JSON array. `{}` stands for no
/// such property.
///
/// # Errors
/// What is wrong, as a sentence.
pub(in crate::cosmos) fn of_header(header: &str) -> Result<Vec<KeyValue>, String> {
    let values: Vec<Value> =
        contoso_json::from_str(header).map_err(|error| format!("The partition key is not a JSON array: {error}."))?;
    let is_none = |value: &&Value| match value {
        Value::Array(_) => true,
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_f64().is_none(),
        _ => false,
    };
    match values.iter().find(is_none) {
        Some(value) => Err(format!("{value} is no value of a partition key.")),
        None => Ok(values.iter().map(KeyValue::from).collect()),
    }
}

/// The values that a document has.
pub(in crate::cosmos) fn of_document(document: &Value, definition: &PartitionKeyDefinition) -> Vec<KeyValue> {
    definition.paths.iter().map(|path| KeyValue::of(document, path)).collect()
}

/// Whether a new item can have these values: "Azure Cosmos DB service quotas". Those that earlier versions took stay.
///
/// # Errors
/// What is wrong, as a sentence.
pub(in crate::cosmos) fn check_lengths(values: &[KeyValue], definition: &PartitionKeyDefinition) -> Result<(), String> {
    let most = if definition.version < 2 { LONGEST_OF_FIRST } else { LONGEST };
    let longest = values.iter().map(|value| if let KeyValue::String(text) = value { text.len() } else { 0 }).max();
    match longest {
        Some(length) if length > most => {
            Err(format!("Partition key value is too large: {length} bytes, of which it can have {most}."))
        }
        _ => Ok(()),
    }
}

/// The effective partition key of all values.
pub(in crate::cosmos) fn effective(definition: &PartitionKeyDefinition, values: &[KeyValue]) -> String {
    effective_partition_key::effective_partition_key(definition, values)
}

/// What has these values, or begins with them.
pub(in crate::cosmos) fn interval(definition: &PartitionKeyDefinition, values: &[KeyValue]) -> Interval {
    let (min, max) = effective_partition_key::range(definition, values);
    Interval::between(&min, &max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_key_has_one_meaning_however_it_is_spelled() {
        let definition = serde_json::from_str(r#"{"paths":["/pk","/n"],"kind":"MultiHash","version":2}"#).unwrap();
        let key = |header: &str| effective(&definition, &of_header(header).unwrap());
        assert_eq!(key(r#"["a/é",1]"#), key(r#"[ "a\/\u00e9", 1.0 ]"#));
        let document: Value = serde_json::from_str(r#"{"pk":"x"}"#).unwrap();
        assert_eq!(of_header(r#"["x",{}]"#).unwrap(), of_document(&document, &definition));
        for wrong in ["a", "{}", r#"[{"a":1}]"#, "[[]]", "[1e400]"] {
            assert!(of_header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_interval_has_the_keys_of_its_values_and_no_others() {
        let definition = serde_json::from_str(r#"{"paths":["/a","/b"],"kind":"MultiHash","version":2}"#).unwrap();
        let values = |header: &str| of_header(header).unwrap();
        let item = |header: &str| ItemKey::new(&effective(&definition, &values(header)), "i\u{0}d");
        let tenant = interval(&definition, &values(r#"["t"]"#));
        assert!(tenant.has(&item(r#"["t","u"]"#)) && tenant.has(&item(r#"["t",null]"#)));
        assert!(!tenant.has(&item(r#"["u","t"]"#)));
        let one = interval(&definition, &values(r#"["t","u"]"#));
        assert!(one.has(&item(r#"["t","u"]"#)) && !one.has(&item(r#"["t","v"]"#)));
        assert!(tenant.covers(&one) && Interval::between("", "FF").covers(&tenant) && !one.covers(&tenant));
        assert_eq!(item(r#"["t","u"]"#).id(), "i\u{0}d");
        let item_of_another = interval(&definition, &values(r#"["t","v"]"#));
        assert!(one.bounds().is_some() && one.and(item_of_another).bounds().is_none());
    }
}
