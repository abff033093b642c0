//! A schema as a tree: every field with its type, whether it must be there, its default, and what it says of itself.

use super::{
    super::avro::{Definition, Field, Schema, Type},
    changes::default,
    html::{Node, code, el, text},
};

pub(super) fn tree(schema: &Schema) -> Node {
    let mut shown = Vec::new();
    match &schema.root {
        Type::Named(name) => named(schema, name, &mut shown).unwrap_or_else(|| el("ul", "tree", Vec::new())),
        root => el("p", "", vec![text(schema.words(root))]),
    }
}

/// The parts of a named type, the first time that it comes.
fn named(schema: &Schema, name: &str, shown: &mut Vec<String>) -> Option<Node> {
    if shown.iter().any(|known| known == name) {
        return None;
    }
    shown.push(name.to_owned());
    match &schema.named(name)?.definition {
        Definition::Record(fields) => {
            Some(el("ul", "tree", fields.iter().map(|one| field(schema, one, shown)).collect()))
        }
        Definition::Enum { .. } | Definition::Fixed(_) => None,
    }
}

fn field(schema: &Schema, field: &Field, shown: &mut Vec<String>) -> Node {
    let mut head = vec![code(field.name.as_str()), el("span", "kind", vec![text(schema.words(&field.kind))])];
    head.push(match &field.default {
        None => el("span", "required", vec![text("required")]),
        some => el("span", "kind", vec![text(default(some.as_ref()))]),
    });
    let mut parts = vec![el("div", "field", head)];
    parts.extend(doc(field.doc.as_deref()));
    let mut names = Vec::new();
    named_in(&field.kind, &mut names);
    for name in names {
        parts.extend(of_named(schema, name, shown));
    }
    el("li", "", parts)
}

/// What a named type in a field's type says of itself, and its parts.
fn of_named(schema: &Schema, name: &str, shown: &mut Vec<String>) -> Vec<Node> {
    let Some(known) = schema.named(name) else { return Vec::new() };
    let is_again = shown.iter().any(|known| known == name);
    let mut parts = Vec::new();
    match &known.definition {
        Definition::Enum { symbols, default } => {
            let mut line = vec![text("One of ")];
            for (index, symbol) in symbols.iter().enumerate() {
                if index > 0 {
                    line.push(text(", "));
                }
                line.push(code(symbol.as_str()));
            }
            line.push(text(match default {
                Some(default) => format!("; {default} stands for names that a reader does not know."),
                None => ".".to_owned(),
            }));
            parts.push(el("p", "", line));
        }
        Definition::Fixed(size) => parts.push(el("p", "", vec![text(format!("{size} bytes."))])),
        Definition::Record(_) if is_again => {
            parts.push(el("p", "kind", vec![text(format!("Its fields are those of the record {name} above."))]));
        }
        Definition::Record(_) => {}
    }
    if !is_again {
        parts.extend(doc(known.doc.as_deref()));
        parts.extend(named(schema, name, shown));
    }
    parts
}

fn named_in<'a>(kind: &'a Type, names: &mut Vec<&'a str>) {
    match kind {
        Type::Primitive(_) => {}
        Type::Array(inner) | Type::Map(inner) | Type::Logical { base: inner, .. } => named_in(inner, names),
        Type::Union(branches) => branches.iter().for_each(|branch| named_in(branch, names)),
        Type::Named(name) => names.push(name),
    }
}

/// A description, its lines kept.
pub(super) fn doc(doc: Option<&str>) -> Option<Node> {
    doc.filter(|doc| !doc.trim().is_empty()).map(|doc| el("p", "doc", vec![text(doc)]))
}
