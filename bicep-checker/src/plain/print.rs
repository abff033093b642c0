//! Values as text that scanners read.

use super::value::{Piece, Value, literal};

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Printer {
    pub text: String,
}

impl Printer {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A statement, and its value behind ` = `.
    pub(super) fn statement(&mut self, head: &str, value: Option<&Value>) {
        self.text.push_str(head);
        if let Some(value) = value {
            self.text.push_str(" = ");
            self.value(value, 0);
        }
        self.text.push('\n');
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::List(list) if !list.items.is_empty() => {
                self.text.push_str("[\n");
                for item in &list.items {
                    self.indent(depth + 1);
                    self.value(item, depth + 1);
                    self.text.push('\n');
                }
                self.indent(depth);
                self.text.push(']');
            }
            Value::Object(object) if !object.entries.is_empty() => {
                self.text.push_str("{\n");
                for (name, value) in &object.entries {
                    self.indent(depth + 1);
                    self.text.push_str(&key(name));
                    self.text.push_str(": ");
                    self.value(value, depth + 1);
                    self.text.push('\n');
                }
                self.indent(depth);
                self.text.push('}');
            }
            Value::Choice { condition, then, otherwise } => {
                self.text.push_str(&name_of(condition));
                self.text.push_str(" ? ");
                self.branch(then, depth);
                self.text.push_str(" : ");
                self.branch(otherwise, depth);
            }
            value => self.text.push_str(&inline(value)),
        }
    }

    fn branch(&mut self, value: &Value, depth: usize) {
        if matches!(value, Value::Choice { .. }) {
            self.text.push('(');
            self.value(value, depth);
            self.text.push(')');
        } else {
            self.value(value, depth);
        }
    }

    fn indent(&mut self, depth: usize) {
        self.text.push_str(&"  ".repeat(depth));
    }
}

/// A value on one line; one that takes several lines is not known there.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(pieces) => quoted(pieces),
        Value::List(list) if list.items.is_empty() => "[]".to_owned(),
        Value::Object(object) if object.entries.is_empty() => "{}".to_owned(),
        Value::Call { name, arguments } => {
            let arguments: Vec<String> = arguments.iter().map(inline).collect();
            format!("{name}({})", arguments.join(", "))
        }
        value => name_of(value),
    }
}

fn name_of(value: &Value) -> String {
    match value {
        Value::Reference(reference) => reference.path.clone(),
        _ => "computed".to_owned(),
    }
}

fn key(pieces: &[Piece]) -> String {
    let is_name = |text: &&str| {
        let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        starts && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
    };
    literal(pieces).filter(is_name).map_or_else(|| quoted(pieces), str::to_owned)
}

fn quoted(pieces: &[Piece]) -> String {
    let mut text = String::from("'");
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(&escaped(plain)),
            Piece::Value(value) => {
                text.push_str("${");
                text.push_str(&name_of(value));
                text.push('}');
            }
        }
    }
    text.push('\'');
    text
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace("${", "\\${");
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}
