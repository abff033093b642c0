//! What is to be written in a language: shapes, and what each is part of.

use super::super::json_form::{Form, Forms};

/// What is to be written.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// The shapes of all of it.
    pub forms: Forms,
    /// What is received, each a type.
    pub roots: Vec<Root>,
}

/// Something that is received.
#[derive(Clone, Debug)]
pub struct Root {
    /// What it is called where it has no name of its own.
    pub name: String,
    /// Its JSON.
    pub form: Form,
    /// The type of the event whose data it is, if it is.
    pub event_type: Option<String>,
}

/// The attributes of an event beside `type` and `data`: name, whether it is always there, and what it is.
pub(super) const ATTRIBUTES: [(&str, bool, Attribute, &str); 14] = [
    ("specversion", true, Attribute::Version, "Version of CloudEvents."),
    ("id", true, Attribute::Text, "The same in each delivery of the event: with the source it tells a repeat."),
    ("source", true, Attribute::Text, "Who tells it."),
    ("subject", false, Attribute::Text, "What it is about, as the id of a product."),
    ("time", false, Attribute::Text, "When it happened, RFC 3339."),
    ("datacontenttype", false, Attribute::Text, "application/json"),
    ("dataschema", false, Attribute::Text, "Where its schema is registered."),
    ("audience", false, Attribute::Text, "Whom it is for: all, a partner, or one subscription of a partner."),
    ("partitionkey", false, Attribute::Text, "What orders it among others."),
    (
        "sequence",
        false,
        Attribute::Text,
        "Of one subject the higher is the later: digits, as text, since a double would round them.",
    ),
    ("redelivery", false, Attribute::Text, "The job that sent it once more."),
    ("test", false, Attribute::Flag, "An example that was asked for: nothing happened."),
    ("traceparent", false, Attribute::Text, "The span that caused it (W3C Trace Context)."),
    ("tracestate", false, Attribute::Text, "Goes with traceparent."),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Version,
    Text,
    Flag,
}

/// The lines of a description as a comment may have them: no control characters, and none that change the direction of text.
pub(super) fn lines(doc: &str) -> impl Iterator<Item = String> {
    let separators = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let shown = |letter: char| {
        let is_hidden =
            letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if is_hidden { ' ' } else { letter }
    };
    let lines: Vec<String> =
        doc.split(separators).map(|line| line.chars().map(shown).collect::<String>().trim_end().to_owned()).collect();
    lines.into_iter().filter(|line| !line.is_empty())
}
