//! Avro schemas, read for documents: names in full, descriptions and defaults kept, in the order in which they stand.
//!
//! The codec reads schemas to encode by them and keeps less. What is no schema is refused here as well, with its path.

mod read;

use serde_json::Value;

/// A schema: the type of the whole, and every named type in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// What a datum is.
    pub root: Type,
    /// Each where it was first seen from the top, so that a record stands before what it is made of.
    pub named: Vec<Named>,
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// One of the eight without parts.
    Primitive(Primitive),
    /// A list.
    Array(Box<Type>),
    /// Values by text.
    Map(Box<Type>),
    /// One of several.
    Union(Vec<Type>),
    /// A record, an enum or a fixed, by its full name.
    Named(String),
    /// A type that stands for something: its logical type and, of a decimal, precision and scale.
    Logical {
        /// What it is stored as.
        base: Box<Type>,
        /// What it stands for, as `timestamp-millis`.
        logical: String,
        /// Decimal places of a decimal.
        scale: u64,
    },
}

/// A type without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// Nothing.
    Null,
    /// True or false.
    Boolean,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// 32 bits, floating.
    Float,
    /// 64 bits, floating.
    Double,
    /// Bytes.
    Bytes,
    /// Text.
    String,
}

/// A record, an enum or a fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Namespace and name.
    pub name: String,
    /// What it says of itself.
    pub doc: Option<String>,
    /// What it is.
    pub definition: Definition,
}

/// What a named type is.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// Fields, in order.
    Record(Vec<Field>),
    /// One of some names, and the one that stands for those that a reader does not have.
    Enum {
        /// Its names.
        symbols: Vec<String>,
        /// The one for unknown ones.
        default: Option<String>,
    },
    /// So many bytes.
    Fixed(u64),
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub doc: Option<String>,
    /// Its type.
    pub kind: Type,
    /// What a reader takes where a writer did not have it; null is a default as well.
    pub default: Option<Value>,
}

/// A text is no schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct SchemaError {
    path: String,
    problem: String,
}

impl Schema {
    /// A named type.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Named> {
        self.named.iter().find(|named| named.name == name)
    }

    /// The name of the whole, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.root {
            Type::Named(name) => Some(name),
            _ => None,
        }
    }

    /// The type in words, as `null or string`, `array of com.contoso.product.FieldChange`; short names where they are enough.
    #[must_use]
    pub fn words(&self, kind: &Type) -> String {
        match kind {
            Type::Primitive(primitive) => primitive.word().to_owned(),
            Type::Array(items) => format!("array of {}", self.grouped(items)),
            Type::Map(values) => format!("map of {}", self.grouped(values)),
            Type::Union(branches) => branches.iter().map(|branch| self.words(branch)).collect::<Vec<_>>().join(" or "),
            Type::Logical { base, logical, scale } if logical == "decimal" => {
                format!("decimal with {scale} places, as {}", self.words(base))
            }
            Type::Logical { base, logical, .. } => format!("{logical}, as {}", self.words(base)),
            Type::Named(name) => {
                let short = short(name);
                let kind = match self.named(name).map(|named| &named.definition) {
                    Some(Definition::Record(_)) => "record",
                    Some(Definition::Enum { .. }) => "enum",
                    Some(Definition::Fixed(_)) => "fixed",
                    None => "type",
                };
                format!("{kind} {short}")
            }
        }
    }

    fn grouped(&self, kind: &Type) -> String {
        let words = self.words(kind);
        if matches!(kind, Type::Union(_)) { format!("({words})") } else { words }
    }
}

impl Type {
    /// Whether null is one of its values.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        match self {
            Self::Primitive(Primitive::Null) => true,
            Self::Union(branches) => branches.contains(&Self::Primitive(Primitive::Null)),
            _ => false,
        }
    }
}

impl Primitive {
    /// All of them.
    const ALL: [Self; 8] =
        [Self::Null, Self::Boolean, Self::Int, Self::Long, Self::Float, Self::Double, Self::Bytes, Self::String];

    /// Its word in a schema.
    #[must_use]
    pub fn word(self) -> &'static str {
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

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.word() == word)
    }
}

/// A name without its namespace.
#[must_use]
pub fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
