//! What becomes of a schema's data where it travels as JSON: to partners and operators through Event Grid.
//!
//! The names of the fields stay. Amounts of money become `{"amount":"19.99","currency":"USD"}`, times RFC 3339, bytes base64, decimals their
//! digits. A field that may be null or has a default may be absent, since what is null is left out. Names of an enum are open: a later version may have
//! more of them.

mod build;
mod convert;
mod money;
mod schema;

use serde_json::Value;

use super::avro::Named;

pub use self::{convert::ConvertError, schema::Definitions};

/// The JSON of several schemas; what they share stands there once.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// Objects and enums, each under a name of its own, a whole before its parts.
    pub shapes: Vec<Shape>,
}

/// An object or an enum.
#[derive(Clone, Debug)]
pub struct Shape {
    /// A name that no other shape has: the record's without its namespace, where that is enough.
    pub name: String,
    /// The full name of what it is made of.
    pub full_name: String,
    /// What it says of itself.
    pub doc: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// The schema that it is made of with all that is in it, descriptions left out.
    origin: Vec<Named>,
}

/// What a shape is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// An object of these members; it may have others, which readers pass over.
    Object(Vec<Member>),
    /// A text, one of these or one that is not known yet.
    Names(Vec<String>),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub doc: Option<String>,
    /// Its value.
    pub form: Form,
    /// Whether it is always there.
    pub is_required: bool,
    /// The schema's default, as JSON.
    pub default: Option<Value>,
}

/// A value of JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Anything.
    Any,
    /// Null.
    Null,
    /// True or false.
    Boolean,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// A number.
    Number,
    /// A text.
    Text(Text),
    /// A list.
    List(Box<Form>),
    /// An object whose names are data.
    Map(Box<Form>),
    /// One of several.
    Union(Vec<Form>),
    /// The shape at that index.
    Shape(usize),
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Itself.
    Plain,
    /// A moment, RFC 3339.
    Moment,
    /// Date and time of day of no zone.
    LocalMoment,
    /// A date.
    Date,
    /// A time of day.
    TimeOfDay,
    /// A UUID.
    Uuid,
    /// A decimal number, exact.
    Decimal,
    /// An amount of money: digits, with as many decimal places as the currency has.
    Amount,
    /// Bytes.
    Base64,
}

impl Text {
    /// A pattern that such a text has, as regular expressions of JavaScript and Python both read it.
    #[must_use]
    pub fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Moment => {
                "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
            }
            Self::LocalMoment => {
                "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?$"
            }
            Self::Date => "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            Self::TimeOfDay => "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?$",
            Self::Uuid => "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
            Self::Decimal => "^-?[0-9]+([.][0-9]+)?$",
            Self::Amount => "^[0-9]+([.][0-9]+)?$",
            Self::Base64 => "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        })
    }

    /// What it is in words, for descriptions and messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "text",
            Self::Moment => "a time in RFC 3339",
            Self::LocalMoment => "date and time without a zone",
            Self::Date => "a date, YYYY-MM-DD",
            Self::TimeOfDay => "a time of day, HH:MM:SS",
            Self::Uuid => "a UUID",
            Self::Decimal => "a decimal number as text",
            Self::Amount => "an amount as text, digits with a decimal point",
            Self::Base64 => "bytes in base64",
        }
    }
}
