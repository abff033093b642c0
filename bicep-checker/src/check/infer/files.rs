//! Files that a Bicep file loads: their content is known before the deployment, and so is its type.

use std::{fs, path::PathBuf, rc::Rc};

use serde_json::Value;

use super::{Expression, Flags, Here, Object, Type};
use crate::Span;

impl<'a> Here<'_, 'a> {
    /// The file an argument names: a literal, or a variable that holds one.
    fn path(&self, argument: &'a Expression) -> Option<PathBuf> {
        let Type::TextIs(path) = self.type_of(argument) else {
            self.error("BCP032", argument.span, "The path must be known to the compiler: a literal.");
            return None;
        };
        let file = self.source().path.parent()?.join(&*path);
        if path.contains('\\') {
            self.error("BCP098", argument.span, "Folders are divided by `/`.");
            return None;
        }
        if !file.is_file() {
            self.error("BCP091", argument.span, format!("There is no file `{path}`."));
            return None;
        }
        self.all.loaded.borrow_mut().push(file.clone());
        Some(file)
    }

    pub(super) fn load_text(&self, arguments: &'a [Expression]) -> Type {
        if let Some(path) = arguments.first() {
            self.path(path);
        }
        Type::text()
    }

    /// `loadJsonContent('x.json', '$.a.b')`
    pub(super) fn load_json(&self, arguments: &'a [Expression], span: Span) -> Type {
        let Some(file) = arguments.first().and_then(|path| self.path(path)) else { return Type::Any };
        let text = fs::read(&file).unwrap_or_default();
        // Editors of Windows begin a file with a byte-order mark.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let Ok(value) = contoso_json::from_slice::<Value>(text) else {
            self.error("BCP186", span, "The file is not JSON.");
            return Type::Any;
        };
        let Some(filter) = arguments.get(1) else { return literal(&value) };
        let Type::TextIs(filter) = self.type_of(filter) else {
            self.error("BCP032", filter.span, "The JSONPath must be known to the compiler: a literal.");
            return Type::Any;
        };
        match select(&value, &filter) {
            Selected::One(value) => literal(value),
            Selected::None => {
                self.error("BCP235", span, format!("The file has nothing at `{filter}`."));
                Type::Any
            }
            Selected::Unknown => Type::Any,
        }
    }
}

enum Selected<'v> {
    One(&'v Value),
    None,
    /// The path uses more of JSONPath than is read here.
    Unknown,
}

/// The value at a path of names and numbers, `$.a.b[0]['c']`.
fn select<'v>(value: &'v Value, path: &str) -> Selected<'v> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut at = value;
    while !rest.is_empty() {
        let (step, after) = if let Some(inner) = rest.strip_prefix('[') {
            let Some((step, after)) = inner.split_once(']') else { return Selected::Unknown };
            (step, after)
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (&name[..end], &name[end..])
        };
        let quoted = step.strip_prefix(['\'', '"']).and_then(|step| step.strip_suffix(['\'', '"']));
        let plain = quoted.unwrap_or(step);
        if quoted.is_none() && (step.is_empty() || step.contains(['*', '?', '(', '@', ':', ','])) {
            return Selected::Unknown;
        }
        let next = match (at, plain.parse::<usize>()) {
            (Value::Array(items), Ok(number)) => items.get(number),
            (Value::Object(members), _) => members.get(plain),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Selected::None,
        }
        rest = after;
    }
    Selected::One(at)
}

/// The type of exactly this value.
fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(value) => Type::BoolIs(*value),
        Value::Number(number) => number.as_i64().map_or(Type::Any, Type::IntIs),
        Value::String(text) => Type::literal(text),
        Value::Array(items) => Type::Tuple(items.iter().map(literal).collect()),
        Value::Object(members) => {
            let mut object = Object { name: "object".to_owned(), ..Object::default() };
            let flags = Flags { required: true, ..Flags::default() };
            members.iter().for_each(|(name, value)| object.set(name, literal(value), flags));
            Type::Object(Rc::new(object))
        }
    }
}
