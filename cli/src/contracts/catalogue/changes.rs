//! What differs between two versions of a schema, path by path.

use serde_json::Value;

use super::super::avro::{Definition, Field, Schema, Type};

/// The differences, each a sentence; none where only the order of members of its JSON differs.
pub(super) fn changes(old: &Schema, new: &Schema) -> Vec<String> {
    let mut found = Changes { old, new, seen: Vec::new(), said: Vec::new() };
    found.kind(&old.root, &new.root, "the data");
    found.said
}

struct Changes<'a> {
    old: &'a Schema,
    new: &'a Schema,
    /// Named types that were compared: one may be in itself, and need not be told twice.
    seen: Vec<(String, String)>,
    said: Vec<String>,
}

impl Changes<'_> {
    fn kind(&mut self, old: &Type, new: &Type, path: &str) {
        match (old, new) {
            (Type::Array(old), Type::Array(new)) | (Type::Map(old), Type::Map(new)) => {
                self.kind(old, new, &format!("{path}[]"))
            }
            (Type::Named(old), Type::Named(new)) => self.named(old, new, path),
            (Type::Union(olds), Type::Union(news)) if olds.len() == news.len() => {
                // Branches that moved are told of as a whole.
                let are_alike = olds.iter().zip(news).all(|(old, new)| self.old.words(old) == self.new.words(new));
                if are_alike {
                    olds.iter().zip(news).for_each(|(old, new)| self.kind(old, new, path));
                } else {
                    self.differs(old, new, path);
                }
            }
            _ if old == new => {}
            _ => self.differs(old, new, path),
        }
    }

    fn differs(&mut self, old: &Type, new: &Type, path: &str) {
        self.said.push(format!("{path}: was {}, is {}", self.old.words(old), self.new.words(new)));
    }

    fn named(&mut self, old: &str, new: &str, path: &str) {
        if old != new {
            self.said.push(format!("{path}: was called {old}, is called {new}"));
        }
        let pair = (old.to_owned(), new.to_owned());
        if self.seen.contains(&pair) {
            return;
        }
        self.seen.push(pair);
        let (Some(before), Some(after)) = (self.old.named(old).cloned(), self.new.named(new).cloned()) else { return };
        if before.doc != after.doc {
            self.said.push(format!("{path}: its description is new"));
        }
        match (before.definition, after.definition) {
            (Definition::Record(olds), Definition::Record(news)) => self.fields(&olds, &news, path),
            (Definition::Enum { symbols: olds, default: old }, Definition::Enum { symbols: news, default: new }) => {
                self.symbols(&olds, &news, path);
                if old != new {
                    let name = |default: Option<String>| default.unwrap_or_else(|| "none".to_owned());
                    self.said.push(format!("{path}: the name for unknown ones was {}, is {}", name(old), name(new)));
                }
            }
            (Definition::Fixed(old), Definition::Fixed(new)) if old != new => {
                self.said.push(format!("{path}: had {old} bytes, has {new}"));
            }
            (Definition::Fixed(_), Definition::Fixed(_)) => {}
            _ => self.said.push(format!("{path}: is of another kind")),
        }
    }

    fn symbols(&mut self, olds: &[String], news: &[String], path: &str) {
        for symbol in news.iter().filter(|symbol| !olds.contains(symbol)) {
            self.said.push(format!("{path}: may be {symbol} now"));
        }
        for symbol in olds.iter().filter(|symbol| !news.contains(symbol)) {
            self.said.push(format!("{path}: is {symbol} no longer"));
        }
    }

    fn fields(&mut self, olds: &[Field], news: &[Field], path: &str) {
        let below = |name: &str| if path == "the data" { name.to_owned() } else { format!("{path}.{name}") };
        for field in news {
            let at = below(&field.name);
            let Some(old) = olds.iter().find(|old| old.name == field.name) else {
                let default = default(field.default.as_ref());
                self.said.push(format!("{at}: added, {}, {default}", self.new.words(&field.kind)));
                continue;
            };
            self.kind(&old.kind, &field.kind, &at);
            if old.default != field.default {
                let (was, is) = (default(old.default.as_ref()), default(field.default.as_ref()));
                self.said.push(format!("{at}: had {was}, has {is}"));
            }
            if old.doc != field.doc {
                self.said.push(format!("{at}: its description is new"));
            }
        }
        for field in olds.iter().filter(|old| !news.iter().any(|new| new.name == old.name)) {
            self.said.push(format!("{}: removed", below(&field.name)));
        }
    }
}

pub(super) fn default(default: Option<&Value>) -> String {
    default.map_or_else(|| "no default".to_owned(), |value| format!("default {value}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_has_its_path() {
        let inner = |symbols: Value, more: Value| {
            let mut fields =
                vec![json!({ "name": "kind", "type": { "type": "enum", "name": "K", "symbols": symbols } })];
            fields.extend(more.as_array().expect("a list").iter().cloned());
            json!({ "type": "array", "items": ["null", { "type": "record", "name": "I", "fields": fields }] })
        };
        let of = |fields: Value| {
            let schema = json!({ "type": "record", "name": "R", "fields": fields });
            Schema::parse(&schema.to_string()).expect("a schema")
        };
        let old = of(
            json!([{ "name": "a", "type": "int", "doc": "old" }, { "name": "b", "type": "string", "default": "x" }, { "name": "gone", "type": "int" },
            { "name": "list", "type": inner(json!(["A", "B"]), json!([])) }]),
        );
        let new = of(
            json!([{ "name": "list", "type": inner(json!(["A", "C"]), json!([{ "name": "n", "type": ["null", "R"], "default": null }])) },
            { "name": "a", "type": "long", "doc": "new" }, { "name": "b", "type": "string", "default": "y" }]),
        );
        let said = changes(&old, &new);
        let expected = [
            "list[].kind: may be C now",
            "list[].kind: is B no longer",
            "list[].n: added, null or record R, default null",
            "a: was int, is long",
            "a: its description is new",
            "b: had default \"x\", has default \"y\"",
            "gone: removed",
        ];
        assert_eq!(said, expected);
        assert!(changes(&old, &old.clone()).is_empty());
    }
}
