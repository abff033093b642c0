//! Model: a parsed schema. Named types lie in a list, and are referred to by their place in it, so that a type may contain itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A parsed schema.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) root: Type,
    pub(crate) named: Vec<Named>,
}

/// A type at its place.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Primitive(Primitive, Option<Logical>),
    Named(NamedId),
    Array(Box<Self>),
    Map(Box<Self>),
    Union(Vec<Self>),
    /// Not understood: an old text that no parser of today would take.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NamedId(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

/// A logical type that readers obey. Others, and those on a type that they do not belong to, are ignored by readers and are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Logical {
    Decimal { precision: u64, scale: u64 },
    Other(String),
}

/// A record, an enumeration or a fixed.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Full name.
    pub(crate) name: String,
    /// Full names.
    pub(crate) aliases: Vec<String>,
    pub(crate) kind: NamedKind,
    /// Where it is defined.
    pub(crate) path: String,
    /// Whatever else the text says of it.
    pub(crate) more: BTreeMap<String, Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum NamedKind {
    Record(Vec<Field>),
    Enum {
        symbols: Vec<String>,
        default: Option<String>,
    },
    Fixed {
        size: u64,
        logical: Option<Logical>,
    },
    /// Used, and defined later or not at all.
    Missing,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) of: Type,
    /// An explicit `null` is a default like any other.
    pub(crate) default: Option<Value>,
    pub(crate) more: BTreeMap<String, Value>,
}

impl Primitive {
    pub(crate) const ALL: [Self; 8] =
        [Self::Null, Self::Boolean, Self::Int, Self::Long, Self::Float, Self::Double, Self::Bytes, Self::String];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.name() == name)
    }
}

impl Logical {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Decimal { .. } => "decimal",
            Self::Other(name) => name,
        }
    }

    fn write(&self, into: &mut Map<String, Value>) {
        into.insert("logicalType".to_owned(), json!(self.name()));
        if let Self::Decimal { precision, scale } = self {
            into.insert("precision".to_owned(), json!(precision));
            into.insert("scale".to_owned(), json!(scale));
        }
    }
}

impl NamedKind {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Record(_) => "record",
            Self::Enum { .. } => "enum",
            Self::Fixed { .. } => "fixed",
            Self::Missing => "undefined",
        }
    }
}

impl Schema {
    pub(crate) fn get(&self, id: NamedId) -> &Named {
        &self.named[id.0]
    }

    /// Full name of the record that the schema is, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.root {
            Type::Named(id) if matches!(self.get(*id).kind, NamedKind::Record(_)) => Some(&self.get(*id).name),
            _ => None,
        }
    }

    /// Every full name that it defines.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|named| named.name.as_str())
    }

    /// The word for the kind of a type, as `type` says it.
    pub(crate) fn kind(&self, of: &Type) -> &'static str {
        match of {
            Type::Primitive(primitive, _) => primitive.name(),
            Type::Named(id) => self.get(*id).kind.word(),
            Type::Array(_) => "array",
            Type::Map(_) => "map",
            Type::Union(_) => "union",
            Type::Unknown => "unknown",
        }
    }

    /// A type as people name it.
    pub(crate) fn shown(&self, of: &Type) -> String {
        match of {
            Type::Primitive(primitive, None) => primitive.name().to_owned(),
            Type::Primitive(primitive, Some(logical)) => format!("{} ({})", primitive.name(), logical.name()),
            Type::Named(id) => {
                let named = self.get(*id);
                format!("{} {}", named.kind.word(), named.name)
            }
            Type::Array(items) => format!("array<{}>", self.shown(items)),
            Type::Map(values) => format!("map<{}>", self.shown(values)),
            Type::Union(branches) => {
                let branches: Vec<_> = branches.iter().map(|branch| self.shown(branch)).collect();
                format!("[{}]", branches.join(", "))
            }
            Type::Unknown => "a type that nobody knows".to_owned(),
        }
    }

    /// A type as a part of a schema's text. Records are named, and so are others unless `whole`.
    pub(crate) fn fragment(&self, of: &Type, whole: bool) -> Value {
        match of {
            Type::Primitive(primitive, None) => json!(primitive.name()),
            Type::Primitive(primitive, Some(logical)) => {
                let mut members = Map::from_iter([("type".to_owned(), json!(primitive.name()))]);
                logical.write(&mut members);
                Value::Object(members)
            }
            Type::Named(id) if whole => self.definition(*id),
            Type::Named(id) => json!(self.get(*id).name),
            Type::Array(items) => json!({ "type": "array", "items": self.fragment(items, whole) }),
            Type::Map(values) => json!({ "type": "map", "values": self.fragment(values, whole) }),
            Type::Union(branches) => branches.iter().map(|branch| self.fragment(branch, whole)).collect(),
            Type::Unknown => json!("unknown"),
        }
    }

    fn definition(&self, id: NamedId) -> Value {
        let named = self.get(id);
        let mut members =
            Map::from_iter([("type".to_owned(), json!(named.kind.word())), ("name".to_owned(), json!(named.name))]);
        match &named.kind {
            NamedKind::Record(fields) => {
                let fields = fields.iter().map(|field| self.field_fragment(field, false)).collect();
                members.insert("fields".to_owned(), fields);
            }
            NamedKind::Enum { symbols, default } => {
                members.insert("symbols".to_owned(), json!(symbols));
                if let Some(default) = default {
                    members.insert("default".to_owned(), json!(default));
                }
            }
            NamedKind::Fixed { size, logical } => {
                members.insert("size".to_owned(), json!(size));
                if let Some(logical) = logical {
                    logical.write(&mut members);
                }
            }
            NamedKind::Missing => {}
        }
        if !named.aliases.is_empty() {
            members.insert("aliases".to_owned(), json!(named.aliases));
        }
        Value::Object(members)
    }

    /// A field as a part of a schema's text.
    pub(crate) fn field_fragment(&self, field: &Field, whole: bool) -> Value {
        let mut members = Map::from_iter([
            ("name".to_owned(), json!(field.name)),
            ("type".to_owned(), self.fragment(&field.of, whole)),
        ]);
        if let Some(default) = &field.default {
            members.insert("default".to_owned(), default.clone());
        }
        if !field.aliases.is_empty() {
            members.insert("aliases".to_owned(), json!(field.aliases));
        }
        Value::Object(members)
    }
}

/// The branches of a union, or the type itself as the only one.
pub(crate) fn branches(of: &Type) -> &[Type] {
    match of {
        Type::Union(branches) => branches,
        one => std::slice::from_ref(one),
    }
}

/// A field's path below another's.
pub(crate) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
