//! What a Bicep expression or property can be.
//!
//! The kinds are those of the compiler: literals are types of their own, a value that may be missing is a union with null,
//! and `any` stops all questions. Types of resources come from [`azure`], piece by piece as they are looked at.

pub(crate) mod assign;
pub(crate) mod azure;
pub(crate) mod body;
mod kinds;
mod raw;
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
