//! Members of a body, read one by one. What is wrong with any of them is said at once, each by its path, with what was wanted and what came.

use std::{fmt::Display, ops::RangeInclusive};

use axum::{body::Body, http::HeaderMap};
use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::body;
use crate::{
    domain::{
        mismatch::{mismatch, whole},
        product_body::FieldError,
    },
    http::Problem,
};

/// The longest name of an unknown member that is repeated.
const LONGEST_NAME: usize = 60;

/// The members that are left to be read, and what is wrong with those that were.
pub(in crate::functions) struct Members {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
    /// Whether one is of another form than wanted: 400, where a value that is out of bounds is 422.
    is_malformed: bool,
}

impl Members {
    /// Of a body that there must be.
    pub(in crate::functions) async fn of(headers: &HeaderMap, body: Body, known: &[&str]) -> Result<Self, Problem> {
        Ok(Self::new(body::object(headers, body).await?, known))
    }

    /// Of a body that may be absent, as nothing in it is required.
    pub(in crate::functions) async fn of_any(headers: &HeaderMap, body: Body, known: &[&str]) -> Result<Self, Problem> {
        Ok(Self::new(body::object_or_empty(headers, body).await?, known))
    }

    fn new(object: Map<String, Value>, known: &[&str]) -> Self {
        let errors = unknown(&object, known);
        let is_malformed = !errors.is_empty();
        Self { object, errors, is_malformed }
    }

    /// Says what is wrong with a value that has the right form.
    pub(in crate::functions) fn refuse(&mut self, name: &str, message: impl Display) {
        self.errors.push(FieldError::new(name, message));
    }

    fn malformed(&mut self, name: impl Into<String>, message: impl Display) {
        self.errors.push(FieldError::new(name, message));
        self.is_malformed = true;
    }

    /// A member; null is absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn read<T>(&mut self, name: &str, wanted: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.take(name)?;
        let found = read(&value);
        if found.is_none() {
            self.malformed(name, mismatch(wanted, &value));
        }
        found
    }

    /// Says that a member is missing where it is.
    pub(in crate::functions) fn require(&mut self, name: &str, wanted: &str) {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.malformed(name, format!("is required, and {wanted}"));
        }
    }

    pub(in crate::functions) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "must be a string", |value| value.as_str().map(str::to_owned))
    }

    /// A string that says what it must be where it is not.
    pub(in crate::functions) fn parsed<T: TryFrom<String, Error: Display>>(&mut self, name: &str) -> Option<T> {
        match T::try_from(self.text(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.malformed(name, error);
                None
            }
        }
    }

    pub(in crate::functions) fn texts(&mut self, name: &str) -> Vec<String> {
        let items = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.malformed(name, mismatch("must be a list of strings", &other));
                return Vec::new();
            }
        };
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_string()) {
            self.malformed(format!("{name}[{index}]"), mismatch("must be a string", item));
        }
        // Where one is none, the places of the others must not move.
        let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        texts.unwrap_or_default()
    }

    /// A whole number, also written as `5.0`.
    pub(in crate::functions) fn whole(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let wanted = format!("must be a whole number from {} to {}", range.start(), range.end());
        let value = self.take(name)?;
        let number = whole(&value);
        match number.filter(|number| range.contains(number)) {
            Some(number) => return Some(number),
            None if number.is_some() => self.refuse(name, mismatch(&wanted, &value)),
            None => self.malformed(name, mismatch(&wanted, &value)),
        }
        None
    }

    /// A time, in UTC as all are stored, of a year that can be written again.
    pub(in crate::functions) fn time(&mut self, name: &str) -> Option<OffsetDateTime> {
        self.read(name, "must be a time, RFC 3339, as 2027-03-04T10:00:00Z", |value| {
            let at = OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
            (1..=9999).contains(&at.year()).then_some(at)
        })
    }

    pub(in crate::functions) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.read(name, "must be an object", |value| value.as_object().cloned())
    }

    /// What stands for one of some words.
    pub(in crate::functions) fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.read(name, &format!("must be {}", known.join(" or ")), |value| {
            words.iter().find(|(word, _)| value.as_str() == Some(word)).map(|(_, meaning)| *meaning)
        })
    }

    /// Says everything that was found wrong.
    pub(in crate::functions) fn end(self) -> Result<(), Problem> {
        match self {
            Self { errors, .. } if errors.is_empty() => Ok(()),
            Self { errors, is_malformed: true, .. } => Err(Problem::fields(errors)),
            Self { errors, .. } => Err(Problem::unprocessable(errors)),
        }
    }
}

/// The members that nobody knows.
pub(super) fn unknown(object: &Map<String, Value>, known: &[&str]) -> Vec<FieldError> {
    let message = match known {
        [] => "is unknown; there are no members here".to_owned(),
        _ => format!("is unknown; known are {}", known.join(", ")),
    };
    let unknown = object.keys().filter(|name| !known.contains(&name.as_str()));
    unknown.map(|name| FieldError::new(name.chars().take(LONGEST_NAME).collect::<String>(), &message)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::partner::api_key::KeyId;

    fn read<T>(body: Value, read: impl FnOnce(&mut Members) -> T) -> Result<T, String> {
        let Value::Object(object) = body else { panic!("an object") };
        let mut members = Members::new(object, &["scope", "max", "expires", "label", "receipts", "set", "supersedes"]);
        let found = read(&mut members);
        members.end().map(|()| found).map_err(|problem| format!("{} {problem:?}", problem.status().as_u16()))
    }

    #[test]
    fn each_mismatch_has_a_path_what_was_wanted_and_what_came() {
        let scope = |members: &mut Members| members.one_of("scope", &[("read", 1), ("write", 2)]).map(drop);
        let max = |members: &mut Members| members.whole("max", 1..=32).map(drop);
        let expires = |members: &mut Members| members.time("expires").map(drop);
        let label = |members: &mut Members| members.text("label").map(drop);
        let receipts = |members: &mut Members| (!members.texts("receipts").is_empty()).then_some(());
        let set = |members: &mut Members| members.object("set").map(drop);
        let key = |members: &mut Members| members.parsed::<KeyId>("supersedes").map(drop);
        type Read<'a> = &'a dyn Fn(&mut Members) -> Option<()>;
        let reads: [(Value, Read<'_>, &[&str]); 14] = [
            (json!({"scope": "admin"}), &scope, &["400", "scope", "must be read or write; it is the string", "admin"]),
            (json!({"scope": 1}), &scope, &["400", "must be read or write; it is the number 1"]),
            (json!({"max": "5"}), &max, &["400", "max", "must be a whole number from 1 to 32; it is the string"]),
            (json!({"max": 5.5}), &max, &["400", "it is the number 5.5"]),
            (json!({"max": 33.0}), &max, &["422", "must be a whole number from 1 to 32; it is the number 33.0"]),
            (json!({"max": 0, "wait": 1}), &max, &["400", "wait is unknown; known are scope, max", "number 0"]),
            (json!({"expires": "tomorrow"}), &expires, &["400", "expires", "RFC 3339", "tomorrow"]),
            (json!({"expires": "0000-01-01T00:00:00+01:00"}), &expires, &["400", "must be a time"]),
            (json!({"expires": 5}), &expires, &["it is the number 5"]),
            (json!({"label": ["x"]}), &label, &["label must be a string; it is a list"]),
            (json!({"receipts": "x"}), &receipts, &["receipts must be a list of strings"]),
            (
                json!({"receipts": ["x", 1, null]}),
                &receipts,
                &["receipts[1]", "receipts[2] must be a string; it is null"],
            ),
            (json!({"set": []}), &set, &["set must be an object; it is an empty list"]),
            (json!({"supersedes": "x"}), &key, &["400", "supersedes is no id of a key"]),
        ];
        for (body, reader, said) in reads {
            let problem = read(body.clone(), reader).expect_err("refused");
            for said in said {
                assert!(problem.contains(said), "{body}: {said}: {problem}");
            }
        }
    }

    #[test]
    fn what_is_right_is_read_and_null_is_absent() {
        assert_eq!(read(json!({"max": 5.0}), |members| members.whole("max", 1..=32)), Ok(Some(5)));
        assert_eq!(read(json!({"max": null, "label": null}), |members| members.whole("max", 1..=32)), Ok(None));
        let receipts = read(json!({"receipts": ["a", "b"]}), |members| members.texts("receipts"));
        assert_eq!(receipts, Ok(vec!["a".to_owned(), "b".to_owned()]));
        let at = read(json!({"expires": "2027-03-04T12:00:00+02:00"}), |members| members.time("expires"));
        assert_eq!(at, Ok(Some(time::macros::datetime!(2027-03-04 10:00 UTC))));
        let missing = read(json!({"receipts": null}), |members| members.require("receipts", "must be a list"));
        assert!(missing.is_err_and(|said| said.contains("receipts is required, and must be a list")));
    }
}
