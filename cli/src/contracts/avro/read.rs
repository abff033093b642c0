//! Reads a schema from its JSON text.

use serde_json::{Map, Value};

use super::{Definition, Field, Named, Primitive, Schema, SchemaError, Type};

/// Types in types in types; readers of other languages end earlier.
const DEEPEST: usize = 64;

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// With the path of what is wrong.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        schema(text)
    }
}

fn schema(text: &str) -> Result<Schema, SchemaError> {
    let value: Value =
        contoso_json::from_str(text).map_err(|error| wrong("the schema", format!("is no JSON: {error}")))?;
    let mut reader = Reader { named: Vec::new() };
    let root = reader.kind(&value, &Position { path: "the schema".to_owned(), namespace: String::new(), depth: 0 })?;
    Ok(Schema { root, named: reader.named })
}

fn wrong(path: &str, problem: impl Into<String>) -> SchemaError {
    SchemaError { path: path.to_owned(), problem: problem.into() }
}

/// Where something stands.
struct Position {
    path: String,
    namespace: String,
    depth: usize,
}

impl Position {
    fn below(&self, step: &str) -> Self {
        let path = if self.path == "the schema" { step.to_owned() } else { format!("{}.{step}", self.path) };
        Self { path, namespace: self.namespace.clone(), depth: self.depth + 1 }
    }
}

struct Reader {
    named: Vec<Named>,
}

impl Reader {
    fn kind(&mut self, value: &Value, at: &Position) -> Result<Type, SchemaError> {
        if at.depth > DEEPEST {
            return Err(wrong(&at.path, format!("is nested more than {DEEPEST} deep")));
        }
        match value {
            Value::String(name) => self.by_name(name, at),
            Value::Array(branches) => {
                let kinds =
                    branches.iter().enumerate().map(|(index, branch)| self.kind(branch, &at.below(&index.to_string())));
                let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
                if kinds.is_empty() {
                    return Err(wrong(&at.path, "is a union of nothing"));
                }
                Ok(Type::Union(kinds))
            }
            Value::Object(members) => self.complex(members, at),
            _ => Err(wrong(&at.path, "is neither a name, nor a union, nor an object")),
        }
    }

    fn by_name(&self, name: &str, at: &Position) -> Result<Type, SchemaError> {
        if let Some(primitive) = Primitive::of(name) {
            return Ok(Type::Primitive(primitive));
        }
        let full = full_name(name, &at.namespace);
        if self.named.iter().any(|named| named.name == full) {
            return Ok(Type::Named(full));
        }
        Err(wrong(&at.path, format!("is of type {name:?}, which is neither one of Avro's nor defined before")))
    }

    fn complex(&mut self, members: &Map<String, Value>, at: &Position) -> Result<Type, SchemaError> {
        let base = match members.get("type") {
            Some(Value::String(word)) => match word.as_str() {
                "record" | "error" | "enum" | "fixed" => self.define(word, members, at)?,
                "array" => Type::Array(Box::new(self.part(members, "items", at)?)),
                "map" => Type::Map(Box::new(self.part(members, "values", at)?)),
                name => self.by_name(name, at)?,
            },
            Some(inner) => self.kind(inner, &at.below("type"))?,
            None => return Err(wrong(&at.path, "has no type")),
        };
        let logical = members.get("logicalType").and_then(Value::as_str);
        Ok(match logical {
            Some(logical) => Type::Logical {
                base: Box::new(base),
                logical: logical.to_owned(),
                scale: members.get("scale").and_then(Value::as_u64).unwrap_or(0),
            },
            None => base,
        })
    }

    fn part(&mut self, members: &Map<String, Value>, name: &str, at: &Position) -> Result<Type, SchemaError> {
        let part = members.get(name).ok_or_else(|| wrong(&at.path, format!("has no {name}")))?;
        self.kind(part, &at.below(name))
    }

    fn define(&mut self, word: &str, members: &Map<String, Value>, at: &Position) -> Result<Type, SchemaError> {
        let name = members
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| wrong(&at.path, format!("is a {word} without a name")))?;
        let namespace = members.get("namespace").and_then(Value::as_str).unwrap_or(&at.namespace);
        let full = full_name(name, namespace);
        if !full.split('.').all(is_name) {
            return Err(wrong(
                &at.path,
                format!("is called {full:?}: names are letters, digits and _, and begin with no digit"),
            ));
        }
        if self.named.iter().any(|named| named.name == full) {
            return Err(wrong(&at.path, format!("defines {full} once more")));
        }
        let doc = text(members, "doc");
        // Its own fields may name it.
        let index = self.named.len();
        self.named.push(Named { name: full.clone(), doc, definition: Definition::Fixed(0) });
        let namespace = full.rsplit_once('.').map(|(namespace, _)| namespace.to_owned()).unwrap_or_default();
        let inside = Position { namespace, path: at.path.clone(), depth: at.depth };
        let definition = match word {
            "enum" => Self::symbols(members, at)?,
            "fixed" => Definition::Fixed(
                members
                    .get("size")
                    .and_then(Value::as_u64)
                    .ok_or_else(|| wrong(&at.path, "is a fixed without a size"))?,
            ),
            _ => Definition::Record(self.fields(members, &inside)?),
        };
        if let Some(named) = self.named.get_mut(index) {
            named.definition = definition;
        }
        Ok(Type::Named(full))
    }

    fn symbols(members: &Map<String, Value>, at: &Position) -> Result<Definition, SchemaError> {
        let symbols = members
            .get("symbols")
            .and_then(Value::as_array)
            .ok_or_else(|| wrong(&at.path, "is an enum without symbols"))?;
        let symbols = symbols.iter().map(|symbol| {
            let name = symbol.as_str().filter(|name| is_name(name));
            name.map(str::to_owned).ok_or_else(|| wrong(&at.path, format!("has the symbol {symbol}, which is no name")))
        });
        Ok(Definition::Enum { symbols: symbols.collect::<Result<_, _>>()?, default: text(members, "default") })
    }

    fn fields(&mut self, members: &Map<String, Value>, at: &Position) -> Result<Vec<Field>, SchemaError> {
        let fields = members
            .get("fields")
            .and_then(Value::as_array)
            .ok_or_else(|| wrong(&at.path, "is a record without fields"))?;
        let mut read: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            let members = field.as_object().ok_or_else(|| wrong(&at.path, "has a field that is no object"))?;
            let name = text(members, "name").filter(|name| is_name(name));
            let name = name.ok_or_else(|| wrong(&at.path, "has a field without a name of letters, digits and _"))?;
            if read.iter().any(|other| other.name == name) {
                return Err(wrong(&at.path, format!("has two fields called {name}")));
            }
            let kind = self.part(members, "type", &at.below(&name)).map_err(|error| {
                let path = error.path.replacen(".type", "", 1);
                SchemaError { path, ..error }
            })?;
            read.push(Field { doc: text(members, "doc"), default: members.get("default").cloned(), kind, name });
        }
        Ok(read)
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.trim_start_matches('.').to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_full_and_what_a_schema_says_of_itself_is_kept() {
        let text = json!({ "type": "record", "name": "Tree", "namespace": "a.b", "doc": "A tree.\nOf leaves.", "fields": [
            { "name": "left", "type": ["null", "Tree"], "default": null },
            { "name": "colour", "type": { "type": "enum", "name": "c.Colour", "symbols": ["RED"], "default": "RED" } },
            { "name": "again", "type": { "type": "array", "items": "c.Colour" }, "default": [] },
            { "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
            { "name": "hash", "type": { "type": "map", "values": { "type": "fixed", "name": "Hash", "size": 16 } } },
        ] });
        let schema = Schema::parse(&text.to_string()).expect("a schema");
        let names: Vec<_> = schema.named.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["a.b.Tree", "c.Colour", "a.b.Hash"]);
        let Some(Named { doc, definition: Definition::Record(fields), .. }) = schema.named("a.b.Tree") else {
            panic!()
        };
        assert_eq!(doc.as_deref(), Some("A tree.\nOf leaves."));
        let words: Vec<_> = fields.iter().map(|field| schema.words(&field.kind)).collect();
        let expected = [
            "null or record Tree",
            "enum Colour",
            "array of enum Colour",
            "timestamp-millis, as long",
            "map of fixed Hash",
        ];
        assert_eq!(words, expected);
        // Null is a default, and none is none.
        assert_eq!((&fields[0].default, &fields[1].default), (&Some(Value::Null), &None));
    }

    #[test]
    fn what_is_no_schema_is_refused_with_its_path() {
        let record = |kind: Value| json!({ "type": "record", "name": "R", "fields": [{ "name": "a", "type": kind }] });
        for (schema, said) in [
            (json!(7), "neither a name"),
            (json!("text"), "\"text\""),
            (record(json!("Later")), "a is of type \"Later\""),
            (record(json!({ "type": "array" })), "a has no items"),
            (record(json!([])), "a is a union of nothing"),
            (record(json!({ "type": "enum", "name": "E", "symbols": ["a-b"] })), "\"a-b\""),
            (record(json!({ "type": "record", "name": "R", "fields": [] })), "once more"),
            (json!({ "type": "record", "name": "1", "fields": [] }), "\"1\""),
            (json!({ "type": "record", "name": "R", "fields": [{ "name": "</b>", "type": "int" }] }), "without a name"),
        ] {
            let error = Schema::parse(&schema.to_string()).expect_err(said).to_string();
            assert!(error.contains(said), "{schema}: {error}");
        }
        let deep = (0..100).fold(json!("int"), |inner, _| json!({ "type": "array", "items": inner }));
        assert!(Schema::parse(&deep.to_string()).is_err());
        assert!(Schema::parse("{").expect_err("no JSON").to_string().contains("no JSON"));
    }
}
