use super::{Expression, Name, Statement, StringLiteral};
use crate::Span;

/// `{ … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What stands in it, in order.
    pub items: Vec<ObjectItem>,
    /// With its braces.
    pub span: Span,
}

impl Object {
    /// Its properties, without spreads and nested resources.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.items.iter().filter_map(|item| match item {
            ObjectItem::Property(property) => Some(property),
            ObjectItem::Spread(..) | ObjectItem::Resource(_) | ObjectItem::Error(_) => None,
        })
    }

    /// The first property of that name; the case of letters counts.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties().find(|property| property.key.text() == Some(name))
    }
}

/// An item of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectItem {
    /// `key: value`
    Property(Property),
    /// `...value`, with the place of dots and value.
    Spread(Expression, Span),
    /// A resource below a resource.
    Resource(Statement),
    /// Neither; reported by the parser.
    Error(Span),
}

/// `key: value`
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// Before the colon.
    pub key: Key,
    /// After it.
    pub value: Expression,
    /// From key to value.
    pub span: Span,
}

/// The key of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// `key:`
    Name(Name),
    /// `'key':`, `'${x}':`
    String(StringLiteral),
}

impl Key {
    /// The name; `None` where it is interpolated.
    pub fn text(&self) -> Option<&str> {
        match self {
            Key::Name(name) => Some(&name.text),
            Key::String(string) => string.literal(),
        }
    }

    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Key::Name(name) => name.span,
            Key::String(string) => string.span,
        }
    }
}

/// An item of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayItem {
    /// A value.
    Value(Expression),
    /// `...value`, with the place of dots and value.
    Spread(Expression, Span),
}
