//! What a Bicep expression or property can be.
//!
//! The kinds are those of the compiler: literals are types of their own, a value that may be missing is a union with null,
//! and `any` stops all questions. Types of resources come from [`azure`], piece by piece as they are looked at.

pub(crate) mod assign;
pub(crate) mod azure;
pub(crate) mod body;
mod show;

use std::{
    cell::OnceCell,
    rc::{Rc, Weak},
};

pub(crate) use azure::Azure;

/// A type.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    /// `any`, and everything about which an error was already reported.
    Any,
    /// `null`
    Null,
    /// No value at all: the result of `fail`.
    Never,
    /// `bool`
    Bool,
    /// `true`, `false`
    BoolIs(bool),
    /// `int`, with its bounds.
    Int(Integers),
    /// A number.
    IntIs(i64),
    /// `string`
    Text(Text),
    /// A text.
    TextIs(Rc<str>),
    /// An array of which only the item is known.
    List(List),
    /// An array of which every item is known.
    Tuple(Rc<[Type]>),
    /// An object.
    Object(Rc<Object>),
    /// An object whose shape follows from the value of one property.
    Tagged(Rc<Tagged>),
    /// One of several; never nested, at least two.
    Union(Rc<[Type]>),
    /// A resource, by its symbolic name.
    Resource(Rc<Resource>),
    /// A module, by its symbolic name.
    Module(Rc<Object>),
    /// What `resourceGroup()`, `subscription()`, … give: a place to deploy to, with properties.
    Scope(Level, Rc<Object>),
    /// `x => …`, with the number of its parameters and its result.
    Lambda(usize, Rc<Type>),
    /// A type that is worked out when it is looked at, because it may contain itself.
    Later(Later),
}

/// Where the definition of a [`Type::Later`] stands.
#[derive(Clone, Debug)]
pub(crate) enum Later {
    /// In a file of resource types.
    Azure(azure::Place),
    /// In a `type` of a Bicep file that is being worked out.
    Alias(Weak<OnceCell<Type>>),
}

/// `int` with its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Integers {
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// Whether a literal type takes it without a word, as for a parameter that lists no values.
    pub loose: bool,
}

/// `string` with its length in UTF-16 units.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text {
    pub least: Option<u64>,
    pub most: Option<u64>,
    pub pattern: Option<Rc<str>>,
    pub secure: bool,
    /// As for [`Integers`].
    pub loose: bool,
}

/// An array of items of one type.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub item: Rc<Type>,
    pub least: Option<u64>,
    pub most: Option<u64>,
}

/// The shape of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    pub name: String,
    pub properties: Vec<Property>,
    /// The type of properties that are not named, where those are allowed.
    pub rest: Option<Rest>,
    /// Whether a wrong property is a warning, as deep inside a resource, whose published types have gaps.
    pub lenient: bool,
    pub secure: bool,
}

/// Properties that are not named.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub of: Type,
    /// Whether they are taken but discouraged, as in every object type without `*`.
    pub discouraged: bool,
}

/// A named property.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub name: String,
    pub of: Type,
    pub flags: Flags,
}

/// What may be done with a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub required: bool,
    pub read_only: bool,
    pub write_only: bool,
    /// Its value must be known before the deployment starts.
    pub constant: bool,
    /// It can be read before the deployment starts.
    pub known: bool,
    /// It belongs to the language, not to the service: a mistake is an error.
    pub system: bool,
    /// Not in the published type, accepted with a warning.
    pub fallback: bool,
    /// `null` may be given for it.
    pub null: bool,
}

/// An object with a property that tells which of several shapes it has.
#[derive(Clone, Debug)]
pub(crate) struct Tagged {
    pub name: String,
    pub tag: String,
    pub shapes: Vec<(String, Type)>,
    pub lenient: bool,
}

/// A resource as declared.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// `Microsoft.Storage/storageAccounts`
    pub kind: String,
    /// `2025-01-01`; empty where none is known.
    pub version: String,
    /// An object or a tagged one.
    pub body: Type,
    /// Where it can be deployed, as bits of [`Level`].
    pub writable: u8,
}

/// Where a template or resource is deployed, as the bit the type data uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Level {
    Tenant = 1,
    ManagementGroup = 2,
    Subscription = 4,
    ResourceGroup = 8,
    /// Another resource.
    Resource = 16,
}

impl Type {
    /// `string`
    pub(crate) fn text() -> Self {
        Type::Text(Text::default())
    }

    /// A text of certain lengths.
    pub(crate) fn text_of(least: u64, most: Option<u64>) -> Self {
        Type::Text(Text { least: (least > 0).then_some(least), most, ..Text::default() })
    }

    /// `int`
    pub(crate) fn int() -> Self {
        Type::Int(Integers::default())
    }

    /// `object`: anything may stand in it.
    pub(crate) fn object() -> Self {
        let rest = Some(Rest { of: Type::Any, discouraged: false });
        Type::Object(Rc::new(Object { name: "object".to_owned(), rest, ..Object::default() }))
    }

    /// An array of this.
    pub(crate) fn list(item: Type) -> Self {
        Type::List(List { item: Rc::new(item), least: None, most: None })
    }

    /// A literal.
    pub(crate) fn literal(text: &str) -> Self {
        Type::TextIs(text.into())
    }

    /// An object of these properties, all readable and none required.
    pub(crate) fn record<const N: usize>(name: &str, properties: [(&str, Type); N]) -> Rc<Object> {
        let property = |(name, of): (&str, Type)| Property { name: name.to_owned(), of, flags: Flags::default() };
        let properties = properties.into_iter().map(property).collect();
        Rc::new(Object { name: name.to_owned(), properties, ..Object::default() })
    }

    /// One of these: unions opened, equal members once, `any` takes all.
    pub(crate) fn union(members: impl IntoIterator<Item = Type>) -> Self {
        let mut flat: Vec<Type> = Vec::new();
        for member in members {
            match member.now() {
                Type::Any => return Type::Any,
                Type::Never => {}
                Type::Union(inner) => inner.iter().for_each(|one| add(&mut flat, one.clone())),
                one => add(&mut flat, one),
            }
        }
        match flat.len() {
            0 => Type::Never,
            1 => flat.remove(0),
            _ => Type::Union(flat.into()),
        }
    }

    /// This or null.
    pub(crate) fn or_null(self) -> Self {
        Type::union([self, Type::Null])
    }

    /// The type itself, where it is one that is worked out later.
    pub(crate) fn now(&self) -> Type {
        let mut now = self.clone();
        // Each step looks up one definition; a definition that is only itself was refused where it was read.
        for _ in 0..64 {
            now = match now {
                Type::Later(Later::Azure(place)) => place.read(),
                Type::Later(Later::Alias(cell)) => {
                    cell.upgrade().and_then(|cell| cell.get().cloned()).unwrap_or(Type::Any)
                }
                done => return done,
            };
        }
        Type::Any
    }

    /// Its members: itself, where it is no union.
    pub(crate) fn members(&self) -> Vec<Type> {
        match self.now() {
            Type::Union(members) => members.to_vec(),
            one => vec![one],
        }
    }

    /// What remains without null; `None` where null is not among it.
    pub(crate) fn without_null(&self) -> Option<Type> {
        let members = self.members();
        let left: Vec<Type> = members.iter().filter(|one| !matches!(one, Type::Null)).cloned().collect();
        (left.len() < members.len()).then(|| Type::union(left))
    }

    /// Whether null is among its values.
    pub(crate) fn is_nullable(&self) -> bool {
        self.without_null().is_some()
    }

    /// Whether it or, without `below`, anything in it is marked `@secure()`.
    pub(crate) fn is_secret(&self, below: bool) -> bool {
        self.secret_at(below, 0)
    }

    fn secret_at(&self, below: bool, depth: usize) -> bool {
        // Types may contain themselves; nothing secret lies deeper than this.
        if depth > 8 {
            return false;
        }
        match self.now() {
            Type::Text(text) => text.secure,
            Type::Union(members) => members.iter().any(|one| one.secret_at(below, depth + 1)),
            Type::Object(object) => {
                object.secure
                    || below
                        && (object.properties.iter().any(|property| property.of.secret_at(true, depth + 1))
                            || object.rest.as_ref().is_some_and(|rest| rest.of.secret_at(true, depth + 1)))
            }
            Type::Tuple(items) => below && items.iter().any(|item| item.secret_at(true, depth + 1)),
            Type::List(list) => below && list.item.secret_at(true, depth + 1),
            _ => false,
        }
    }

    /// The type of an array's items; `None` where it is no array.
    pub(crate) fn item(&self) -> Option<Type> {
        match self.now() {
            Type::Any => Some(Type::Any),
            Type::List(list) => Some(list.item.now()),
            Type::Tuple(items) => Some(match items.len() {
                0 => Type::Any,
                _ => Type::union(items.iter().cloned()),
            }),
            Type::Union(members) => {
                members.iter().map(Type::item).collect::<Option<Vec<_>>>().map(|items| Type::union(items))
            }
            _ => None,
        }
    }
}

impl Object {
    /// The property of that name; the case of letters counts.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Adds a property or takes the place of the one of that name.
    pub(crate) fn set(&mut self, name: &str, of: Type, flags: Flags) {
        let property = Property { name: name.to_owned(), of, flags };
        match self.properties.iter_mut().find(|one| one.name == name) {
            Some(old) => *old = property,
            None => self.properties.push(property),
        }
    }
}

fn add(to: &mut Vec<Type>, one: Type) {
    if !to.iter().any(|other| same(other, &one)) {
        to.push(one);
    }
}

/// Whether two types are certainly the same; objects are compared by identity.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Null, Type::Null) | (Type::Bool, Type::Bool) => true,
        (Type::BoolIs(a), Type::BoolIs(b)) => a == b,
        (Type::Int(a), Type::Int(b)) => a == b,
        (Type::IntIs(a), Type::IntIs(b)) => a == b,
        (Type::Text(a), Type::Text(b)) => a == b,
        (Type::TextIs(a), Type::TextIs(b)) => a == b,
        (Type::Object(a), Type::Object(b)) | (Type::Module(a), Type::Module(b)) => Rc::ptr_eq(a, b),
        (Type::Resource(a), Type::Resource(b)) => Rc::ptr_eq(a, b),
        (Type::Tagged(a), Type::Tagged(b)) => Rc::ptr_eq(a, b),
        (Type::List(a), Type::List(b)) => (a.least, a.most) == (b.least, b.most) && same(&a.item.now(), &b.item.now()),
        _ => false,
    }
}
