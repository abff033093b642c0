//! Amplification bounds: whether values of a registered schema stay in proportion to the bytes they are read from.
//!
//! Whoever may register a schema decides how its bodies are read. Two shapes let a few bytes cost everything: a record that
//! contains itself goes as deep as its body is long, which ends the stack; and items of an array that take no bytes come by
//! the million out of one count.

use std::collections::HashMap;

use apache_avro::{
    Schema,
    schema::{Name, NamespaceRef, RecordSchema},
};

/// A schema whose values may be out of all proportion.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbounded {
    /// A record contains itself.
    #[error("the record {0} contains itself")]
    Recursive(String),
    /// Items of an array take no bytes.
    #[error("an array has items that take no bytes")]
    EmptyItems,
}

/// Checks a parsed schema.
///
/// # Errors
/// What makes its values unbounded.
pub fn check(schema: &Schema) -> Result<(), Unbounded> {
    Widths::default().takes_bytes(schema, None).map(|_| ())
}

/// Named types met so far, and whether they take bytes; `None` for those around the place that is looked at.
#[derive(Default)]
struct Widths(HashMap<Name, Option<bool>>);

impl Widths {
    fn takes_bytes(&mut self, schema: &Schema, namespace: NamespaceRef<'_>) -> Result<bool, Unbounded> {
        match schema {
            Schema::Null => Ok(false),
            Schema::Array(array) => {
                if self.takes_bytes(&array.items, namespace)? {
                    Ok(true)
                } else {
                    Err(Unbounded::EmptyItems)
                }
            }
            Schema::Map(map) => self.takes_bytes(&map.types, namespace).map(|_| true),
            Schema::Union(union) => {
                for variant in union.variants() {
                    self.takes_bytes(variant, namespace)?;
                }
                Ok(true)
            }
            Schema::Record(record) => self.record(record, namespace),
            Schema::Fixed(fixed) | Schema::Duration(fixed) => {
                let takes_bytes = fixed.size > 0;
                self.0.insert(fixed.name.fully_qualified_name(namespace).into_owned(), Some(takes_bytes));
                Ok(takes_bytes)
            }
            Schema::Ref { name } => {
                let name = name.fully_qualified_name(namespace).into_owned();
                match self.0.get(&name) {
                    Some(Some(takes_bytes)) => Ok(*takes_bytes),
                    Some(None) => Err(Unbounded::Recursive(name.to_string())),
                    // Enumerations and the like, which are not kept here.
                    None => Ok(true),
                }
            }
            _ => Ok(true),
        }
    }

    fn record(&mut self, record: &RecordSchema, namespace: NamespaceRef<'_>) -> Result<bool, Unbounded> {
        let name = record.name.fully_qualified_name(namespace).into_owned();
        self.0.insert(name.clone(), None);
        let mut takes_bytes = false;
        for field in &record.fields {
            takes_bytes |= self.takes_bytes(&field.schema, name.namespace())?;
        }
        self.0.insert(name, Some(takes_bytes));
        Ok(takes_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), Unbounded> {
        check(&Schema::parse_str(text).expect("a schema"))
    }

    #[test]
    fn ordinary_schemas_pass() {
        let reused = r#"{"type":"record","name":"R","namespace":"n","fields":[
            {"name":"a","type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}},
            {"name":"b","type":{"type":"array","items":"P"}}, {"name":"c","type":["null","P"]},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["s"]}}, {"name":"f","type":{"type":"array","items":"E"}}]}"#;
        assert_eq!(checked(reused), Ok(()));
    }

    #[test]
    fn what_a_few_bytes_could_blow_up_is_refused() {
        let list =
            r#"{"type":"record","name":"List","namespace":"n","fields":[{"name":"next","type":["null","List"]}]}"#;
        assert_eq!(checked(list), Err(Unbounded::Recursive("n.List".to_owned())));
        for items in [
            r#""null""#,
            r#"{"type":"fixed","name":"F","size":0}"#,
            r#"{"type":"record","name":"Empty","fields":[{"name":"a","type":"null"}]}"#,
        ] {
            let array = format!(
                r#"{{"type":"record","name":"R","fields":[{{"name":"a","type":{{"type":"array","items":{items}}}}}]}}"#
            );
            assert_eq!(checked(&array), Err(Unbounded::EmptyItems), "{items}");
        }
    }
}
