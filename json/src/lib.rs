//! Reads JSON of strangers with `serde_json`, with a bottom.
//!
//! `serde_json` talks to itself through members of reserved names. With its feature `raw_value`, an object whose first member is
//! `$serde_json::private::RawValue` and is read as a [`Value`] is replaced by what the *text* of that member means, read with a fresh
//! limit of 128 levels; texts in texts so nest without any limit, until building, writing or dropping the value ends the stack and with
//! it the process. `$serde_json::private::Number` (feature `arbitrary_precision`) becomes a number. Both features are on wherever a
//! dependency asks for them, whatever a package of ours says.
//!
//! No honest body has such a member, so [`from_str`] and [`from_slice`] refuse a text that has one, at any place, before `serde_json`
//! sees it. What they return therefore has at most 128 levels, whatever its type and however it came about (`flatten`, untagged
//! enumerations, [`serde_json::from_value`]). Three doors are beside them:
//!
//! - [`parts`] takes a text apart without reading what is in the parts, so that one bad record spoils no other.
//! - [`unique`] also refuses an object with two members of one name.
//! - [`plain()`] takes reserved names for names like any other; so does [`Plain`], for values that somebody else's code parses, such as a
//!   client's.
//!
//! [`Object`] is for structures that are read from an object only, and not from an array too.
//!
//! A test below finds what is read past this module.

mod object;
mod plain;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use memchr::memmem;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Error as _},
};
use serde_json::{Deserializer, Error, Result, Value, value::RawValue};

use self::plain::Build;
pub use self::{object::Object, plain::Plain};

/// Names that `serde_json` keeps for itself.
const RESERVED: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Bytes of the longest way to write such a name: each character as `\u0024`, and the quotes.
const LONGEST: usize = 6 * RESERVED[0].len() + 2;

/// Reads JSON text.
///
/// # Errors
/// As [`serde_json::from_str`], and if a member has a reserved name.
pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    check(text.as_bytes())?;
    serde_json::from_str(text)
}

/// Reads JSON text from its bytes.
///
/// # Errors
/// As [`serde_json::from_slice`], and if a member has a reserved name.
pub fn from_slice<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T> {
    check(text)?;
    serde_json::from_slice(text)
}

/// Why a text is not JSON in which every name is unique.
#[derive(Debug)]
pub enum UniqueError {
    /// This name comes twice in one object.
    Twice(String),
    /// It is not JSON, too deep, or has a reserved name.
    Json(Error),
}

/// Reads JSON in which no object has two members of one name. RFC 8259 §4 leaves to each reader which of them it takes; where that
/// matters, neither is right.
///
/// # Errors
/// As [`from_slice`], and if a name comes twice.
pub fn unique(text: &[u8]) -> std::result::Result<Value, UniqueError> {
    check(text).map_err(UniqueError::Json)?;
    let twice = RefCell::new(None);
    let mut deserializer = Deserializer::from_slice(text);
    let value = Build(Some(&twice)).deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| twice.take().map_or(UniqueError::Json(error), UniqueError::Twice))
}

/// Reads JSON in which any name may stand, to show it or look something up in it; see [`Plain`].
///
/// # Errors
/// As [`serde_json::from_slice`].
pub fn plain(text: &[u8]) -> Result<Value> {
    serde_json::from_slice::<Plain>(text).map(|Plain(value)| value)
}

/// Takes JSON text apart. Reserved names pass: they are the business of who reads the parts.
///
/// # Errors
/// As [`serde_json::from_slice`].
pub fn parts<'a, T: Parts<'a>>(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<T> {
    serde_json::from_slice(text.as_ref())
}

/// Types that keep as text, in a [`RawValue`], whatever they do not know the form of: reading them builds nothing that could be deep.
/// Whoever implements it promises that.
pub trait Parts<'a>: Deserialize<'a> {}

impl<'a> Parts<'a> for &'a RawValue {}
impl Parts<'_> for Box<RawValue> {}
impl Parts<'_> for i64 {}
impl<'a, T: Parts<'a>> Parts<'a> for Vec<T> {}

/// Refuses a text in which a member has a reserved name, however it is written. Whether the rest is JSON is not looked at.
///
/// # Errors
/// The name.
pub fn check(text: &[u8]) -> Result<()> {
    // The name begins with a dollar sign, for which JSON has two forms.
    let begins = memmem::find_iter(text, b"\"$").chain(memmem::find_iter(text, br#""\u0024"#));
    match begins.into_iter().find_map(|quote| reserved(&text[quote..])) {
        Some(name) => Err(Error::custom(format!("the member name \"{name}\" is reserved; no object may have it"))),
        None => Ok(()),
    }
}

/// Whether a text must not be the name of a member.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The reserved name with which `text` begins, if that is the name of a member.
fn reserved(text: &[u8]) -> Option<&'static str> {
    let mut end = 1;
    while *text.get(end).filter(|_| end < LONGEST)? != b'"' {
        end += if text[end] == b'\\' { 2 } else { 1 };
    }
    let (name, rest) = text.split_at(end + 1);
    if !rest.trim_ascii_start().starts_with(b":") {
        return None;
    }
    let name: String = serde_json::from_slice(name).ok()?;
    RESERVED.into_iter().find(|reserved| *reserved == name)
}
