//! Parsing: the text of a schema as a [`Schema`], and what is wrong with it.
//!
//! The same reading serves both sides of a comparison. A new text must please every parser, so each fault counts; an old text is there
//! already, so its faults are passed over, and what nobody understands in it is [`Type::Unknown`].

mod faults;
mod logical;
mod named;
mod names;

use std::collections::{BTreeMap, HashMap};

use contoso_json::UniqueError;
use serde_json::{Map, Value};

use self::faults::Faults;
pub(crate) use self::{
    faults::shown,
    names::{is_name, namespace, short},
};
use crate::{
    finding::Finding,
    model::{NamedId, NamedKind, Primitive, Schema, Type},
};

/// Bytes of a schema that Azure's registry takes.
const MAX_TEXT: usize = 1 << 20;

/// A text is not JSON that parsers read, so there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum NotJson {
    /// RFC 8259 §8.1 forbids the mark, and most parsers refuse it.
    #[error("it begins with a byte order mark, which JSON must not have: save it as UTF-8 without one")]
    Marked,
    /// `serde_json`, and with it the Avro library of the app, stops at 128 levels.
    #[error("it nests deeper than the 128 levels that the app's parser reads: take it apart into named types")]
    Deep,
    /// Anything else; the text says at which line and column.
    #[error(transparent)]
    Json(serde_json::Error),
}

impl NotJson {
    fn new(text: &str, error: serde_json::Error) -> Self {
        if text.starts_with('\u{feff}') {
            Self::Marked
        } else if error.to_string().starts_with("recursion limit exceeded") {
            Self::Deep
        } else {
            Self::Json(error)
        }
    }
}

/// A new text, judged strictly: the schema, and everything that a parser or reader would not take.
///
/// # Errors
/// If it is not JSON.
pub fn strict(text: &str) -> Result<(Schema, Vec<Finding>), NotJson> {
    let (json, twice) = match contoso_json::unique(text.as_bytes()) {
        Ok(json) => (json, None),
        Err(UniqueError::Json(error)) => return Err(NotJson::new(text, error)),
        Err(UniqueError::Twice(name)) => (read(text)?, Some(name)),
    };
    let mut parser = Parser::default();
    if text.len() > MAX_TEXT {
        let what = format!("the text has {} bytes, and registries take {MAX_TEXT}", text.len());
        parser.faults.invalid("", what, None, "make it smaller");
    }
    if let Some(name) = twice {
        parser.faults.invalid(
            "",
            format!("an object has two members {name:?}, and parsers take one or the other"),
            None,
            "keep one",
        );
    }
    let (schema, faults) = parser.read(&json);
    Ok((schema, faults))
}

/// An old text, with its faults passed over.
///
/// # Errors
/// If it is not JSON.
pub fn tolerant(text: &str) -> Result<Schema, NotJson> {
    Ok(Parser::default().read(&read(text)?).0)
}

fn read(text: &str) -> Result<Value, NotJson> {
    contoso_json::from_str(text).map_err(|error| NotJson::new(text, error))
}

#[derive(Default)]
struct Parser {
    named: Vec<crate::model::Named>,
    by_name: HashMap<String, NamedId>,
    /// Uses of names that were not defined before: the name's place, the name and where it stands.
    early: Vec<(NamedId, String)>,
    faults: Faults,
}

impl Parser {
    fn read(mut self, json: &Value) -> (Schema, Vec<Finding>) {
        let root = self.of(json, "", "");
        let schema = Schema { root, named: self.named };
        for (id, path) in self.early {
            let named = schema.get(id);
            let name = &named.name;
            match named.kind {
                NamedKind::Missing => self.faults.invalid(
                    &path,
                    format!("no type {name} is defined"),
                    Some(Value::from(name.as_str())),
                    "define it where it is first used, or write its full name",
                ),
                _ => self.faults.invalid(
                    &path,
                    format!("{name} is used before it is defined"),
                    Some(Value::from(name.as_str())),
                    "move the definition to the first use",
                ),
            }
        }
        self.faults.of_defaults(&schema);
        self.faults.of_aliases(&schema);
        self.faults.of_records_without_end(&schema);
        (schema, self.faults.found)
    }

    fn of(&mut self, json: &Value, space: &str, path: &str) -> Type {
        match json {
            Value::String(name) => self.reference(name, space, path),
            Value::Array(branches) => self.union(branches, space, path),
            Value::Object(members) => self.object(members, space, path),
            _ => self.unknown(path, "a type is a name, an object or an array of types", json),
        }
    }

    fn unknown(&mut self, path: &str, what: &str, json: &Value) -> Type {
        self.faults.invalid(path, what.to_owned(), Some(json.clone()), "");
        Type::Unknown
    }

    fn reference(&mut self, name: &str, space: &str, path: &str) -> Type {
        if let Some(primitive) = Primitive::of(name) {
            return Type::Primitive(primitive, None);
        }
        let full = names::full(name, None, space);
        if let Some(id) = self.by_name.get(&full) {
            if matches!(self.named[id.0].kind, NamedKind::Missing) {
                self.early.push((*id, path.to_owned()));
            }
            return Type::Named(*id);
        }
        // Some parsers find a name without a namespace from everywhere. Official ones do not.
        if let Some(id) = self.by_name.get(name).copied() {
            let what = format!("{name} has no namespace, and here means {full}, which is not defined");
            self.faults.invalid(path, what, Some(Value::from(name)), "give the type a namespace");
            return Type::Named(id);
        }
        let id = self.add(&full, path);
        self.early.push((id, path.to_owned()));
        Type::Named(id)
    }

    /// A place for the type of a name.
    fn add(&mut self, name: &str, path: &str) -> NamedId {
        let id = NamedId(self.named.len());
        self.named.push(crate::model::Named {
            name: name.to_owned(),
            aliases: Vec::new(),
            kind: NamedKind::Missing,
            path: path.to_owned(),
            more: BTreeMap::new(),
        });
        self.by_name.insert(name.to_owned(), id);
        id
    }

    fn union(&mut self, branches: &[Value], space: &str, path: &str) -> Type {
        if branches.is_empty() {
            return self.unknown(path, "a union has no branch", &Value::Array(Vec::new()));
        }
        let types: Vec<Type> = branches.iter().map(|branch| self.of(branch, space, path)).collect();
        for (index, branch) in types.iter().enumerate() {
            let json = || Some(branches[index].clone());
            if matches!(branch, Type::Union(_)) {
                self.faults.invalid(
                    path,
                    "a union is directly in a union".to_owned(),
                    json(),
                    "put its branches into the outer one",
                );
            } else if types[..index].iter().any(|earlier| self.are_one_branch(earlier, branch)) {
                let what = format!("a union has two branches {}", self.label(branch));
                self.faults.invalid(path, what, json(), "keep one");
            }
        }
        Type::Union(types)
    }

    /// Whether a union must not have both: only named types may come more than once, under names of their own.
    fn are_one_branch(&self, one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::Primitive(one, _), Type::Primitive(other, _)) => one == other,
            (Type::Named(one), Type::Named(other)) => one == other,
            (Type::Array(_), Type::Array(_)) | (Type::Map(_), Type::Map(_)) => true,
            _ => false,
        }
    }

    fn label(&self, of: &Type) -> String {
        match of {
            Type::Primitive(primitive, _) => primitive.name().to_owned(),
            Type::Named(id) => self.named[id.0].name.clone(),
            Type::Array(_) => "array".to_owned(),
            Type::Map(_) => "map".to_owned(),
            Type::Union(_) | Type::Unknown => "union".to_owned(),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, space: &str, path: &str) -> Type {
        let json = || Value::Object(members.clone());
        let Some(Value::String(kind)) = members.get("type") else {
            let what = if members.contains_key("type") {
                "the `type` of a type is a word, such as \"record\""
            } else {
                "a type has no `type`"
            };
            let whole = json();
            let inner =
                members.get("type").filter(|inner| !inner.is_null() && !inner.is_boolean() && !inner.is_number());
            let Some(inner) = inner else { return self.unknown(path, what, &whole) };
            // Some parsers take one type wrapped in another.
            self.faults.invalid(path, what.to_owned(), Some(whole), "write the inner type in its place");
            return self.of(inner, space, path);
        };
        match kind.as_str() {
            "record" | "error" | "enum" | "fixed" => self.definition(kind, members, space, path),
            "array" => match members.get("items") {
                Some(items) => Type::Array(Box::new(self.of(items, space, &format!("{path}[]")))),
                None => self.unknown(path, "an array has no `items`", &json()),
            },
            "map" => match members.get("values") {
                Some(values) => Type::Map(Box::new(self.of(values, space, &format!("{path}{{}}")))),
                None => self.unknown(path, "a map has no `values`", &json()),
            },
            kind => match Primitive::of(kind) {
                Some(primitive) => {
                    let logical = logical::read(members, primitive.name(), None, path, &mut self.faults);
                    Type::Primitive(primitive, logical)
                }
                None => {
                    let what = format!("no kind of type is called {kind}");
                    self.faults.invalid(path, what, Some(json()), "a type that is defined is named by its name alone");
                    self.reference(kind, space, path)
                }
            },
        }
    }
}
