//! `Metadata`: the trigger's binding data, `sys`, and what is merged in from a body.

use std::{borrow::Cow, marker::PhantomData};

use serde_json::value::RawValue;
use time::macros::format_description;

use super::{
    encode::Value,
    instants::parse_date,
    json::{Compact, Dates},
    numbers::number_text,
};

/// One entry, in insertion order.
pub(crate) enum Entry<'a> {
    Value(Value<'a>),
    /// `sys`, made anew for each attempt.
    Sys,
}

/// Ordered entries; names are unique without regard to case.
#[derive(Default)]
pub(crate) struct Metadata<'a> {
    entries: Vec<(Cow<'a, str>, Entry<'a>)>,
}

impl<'a> Metadata<'a> {
    /// Adds an entry of the trigger. A name that ends in "trigger" does not reach the handler.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.set(name.into(), Entry::Value(value));
    }

    /// Adds an entry of the trigger where none has the name.
    pub(crate) fn add_unless_there(&mut self, name: &'static str, value: Value<'a>) {
        if !self.entries.iter().any(|(existing, _)| existing.eq_ignore_ascii_case(name)) {
            self.add(name, value);
        }
    }

    /// Adds an entry behind the trigger's own, which are closed already.
    pub(crate) fn add_before_sys(&mut self, name: &'a str, value: Value<'a>) {
        let sys = self.entries.iter().position(|(_, entry)| matches!(entry, Entry::Sys));
        if !name.to_lowercase().ends_with("trigger") {
            self.entries.insert(sys.unwrap_or(self.entries.len()), (name.into(), Entry::Value(value)));
        }
    }

    /// Closes the trigger's own entries with `sys`.
    pub(crate) fn add_sys(&mut self) {
        self.set("sys".into(), Entry::Sys);
    }

    /// Merges the top-level members of a body that is a JSON object, as the host does for single string triggers: they
    /// **overwrite** entries of the same name, `Offset` and `sys` included.
    pub(crate) fn merge_body(&mut self, body: &str) {
        let Ok(members) = contoso_json::from_str::<Members<Box<RawValue>>>(body) else {
            return;
        };
        for (name, member) in members.0 {
            let value = match member.get().as_bytes().first() {
                Some(b'[' | b'n') | None => continue,
                Some(b'{') => match Compact::owned(member.get().to_owned(), Dates::Rewritten) {
                    Ok(object) => Value::text(object),
                    Err(_) => continue,
                },
                Some(_) => Value::json(scalar_text(member.get())),
            };
            self.set(name.into(), Entry::Value(value));
        }
    }

    pub(crate) fn entries(&self) -> &[(Cow<'a, str>, Entry<'a>)] {
        &self.entries
    }

    fn set(&mut self, name: Cow<'a, str>, entry: Entry<'a>) {
        if name.to_lowercase().ends_with("trigger") {
            return;
        }
        match self.entries.iter_mut().find(|(existing, _)| existing.eq_ignore_ascii_case(&name)) {
            Some((_, existing)) => *existing = entry,
            None => self.entries.push((name, entry)),
        }
    }
}

/// How .NET turns a scalar into a string: `True`, numbers by their value, and dates in the invariant culture.
pub(super) fn scalar_text(scalar: &str) -> String {
    match scalar {
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        number if !number.starts_with('"') => number_text(number),
        quoted => {
            let text: String = contoso_json::from_str(quoted).unwrap_or_default();
            let date = parse_date(&text).and_then(|date| {
                let format = format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
                date.instant.to_offset(time::UtcOffset::UTC).format(format).ok()
            });
            date.unwrap_or(text)
        }
    }
}

/// An object's members in the order of the text.
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Members<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: serde::Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Members<T>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::encode;
    use super::*;

    #[test]
    fn a_body_overwrites_binding_data_and_keeps_the_spelling() {
        let mut metadata = Metadata::default();
        metadata.add("Offset", Value::json("1"));
        metadata.add("QueueTrigger", Value::json("dropped"));
        metadata.add_sys();
        metadata.merge_body(
            r#"{"offset":"mine","flag":true,"at":"2024-04-06T15:30:00Z","list":[1],"none":null,"inner":{"x":1,"b":1.50},"qty":2,"half":1.50}"#,
        );
        let written: Vec<(String, String)> = metadata
            .entries()
            .iter()
            .map(|(name, entry)| {
                let mut out = Vec::new();
                if let Entry::Value(value) = entry {
                    encode(value, &mut out).expect("encoded");
                }
                (name.to_string(), String::from_utf8(out).expect("UTF-8"))
            })
            .collect();
        let expected = [
            ("Offset", r#""\"mine\"""#),
            ("sys", ""),
            ("flag", r#""\"True\"""#),
            ("at", r#""\"04/06/2024 15:30:00\"""#),
            ("inner", r#"{"x":1,"b":1.5}"#),
            ("qty", r#""\"2\"""#),
            ("half", r#""\"1.5\"""#),
        ];
        assert_eq!(written, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
