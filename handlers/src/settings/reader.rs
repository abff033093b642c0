//! Settings by name: what is missing or malformed is noted, so that all of it can be said at once.

use std::{fmt, str::FromStr};

/// Reads settings; an empty value counts as absent.
pub(super) struct Reader<F> {
    lookup: F,
    /// What was wrong so far.
    pub(super) problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn new(lookup: F) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    pub(super) fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.required(name)
    }

    pub(super) fn required<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str) -> Option<T> {
        match self.value(name) {
            Some(value) => self.parsed(name, &value),
            None => {
                self.problems.push(format!("{name} is not set"));
                None
            }
        }
    }

    pub(super) fn optional<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.value(name)?;
        self.parsed(name, &value)
    }

    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str, value: &str) -> Option<T> {
        value.parse().map_err(|error| self.problems.push(format!("{name} is malformed: {error}"))).ok()
    }
}
