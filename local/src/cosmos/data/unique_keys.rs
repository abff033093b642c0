//! Unique keys: sets of paths whose values no two items of a logical partition share (`uniqueKeyPolicy`).

use serde::Deserialize;
use serde_json::Value;

use crate::cosmos::data::item_key::ItemKey;

/// The policy of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cosmos) struct UniqueKeys {
    #[serde(default)]
    unique_keys: Vec<UniqueKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct UniqueKey {
    paths: Vec<String>,
}

/// The values of a document at the paths of one key, as one text that two documents of a partition may not share.
pub(in crate::cosmos) type Entry = String;

impl UniqueKeys {
    pub(in crate::cosmos) fn is_empty(&self) -> bool {
        self.unique_keys.is_empty()
    }

    /// What the item at `key` occupies with `document`. What is missing counts as null.
    pub(in crate::cosmos) fn entries(&self, key: &ItemKey, document: &Value) -> Vec<Entry> {
        let entry = |(number, unique): (usize, &UniqueKey)| {
            let values: Vec<Value> = unique.paths.iter().map(|path| comparable(document.pointer(path))).collect();
            format!("{}\n{number}\n{}", key.effective(), Value::Array(values))
        };
        self.unique_keys.iter().enumerate().map(entry).collect()
    }
}

/// Numbers are doubles, so `1` and `1.0` are the same.
fn comparable(value: Option<&Value>) -> Value {
    match value {
        None => Value::Null,
        Some(Value::Number(number)) => {
            number.as_f64().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number)
        }
        Some(value) => value.clone(),
    }
}
