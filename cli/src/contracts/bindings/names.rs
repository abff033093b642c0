//! Names of types that are free in a language.

use std::collections::BTreeSet;

use super::{super::json_form::Form, model::Bindings};

/// The name of each shape, of each root, and of each root's event, in their order.
pub(super) struct Names {
    pub(super) shapes: Vec<String>,
    pub(super) roots: Vec<String>,
    pub(super) events: Vec<Option<String>>,
}

impl Names {
    /// No two alike, and none for which `is_reserved` says so.
    pub(super) fn of(bindings: &Bindings, is_reserved: impl Fn(&str) -> bool) -> Self {
        let mut taken = BTreeSet::new();
        let mut free = |name: &str| {
            let mut name = name.to_owned();
            while is_reserved(&name) || !taken.insert(name.to_ascii_lowercase()) {
                name.push('_');
            }
            name
        };
        let shapes: Vec<_> = bindings.forms.shapes.iter().map(|shape| free(&shape.name)).collect();
        let mut roots = Vec::with_capacity(bindings.roots.len());
        let mut events = Vec::with_capacity(bindings.roots.len());
        for root in &bindings.roots {
            let name = match root.form {
                Form::Shape(index) => shapes.get(index).cloned().unwrap_or_default(),
                _ => free(&identifier(&root.name)),
            };
            events.push(root.event_type.as_ref().map(|_| free(&format!("{}Event", name.trim_end_matches('_')))));
            roots.push(name);
        }
        Self { shapes, roots, events }
    }
}

/// Some text as a name: letters, digits and `_`, the first letter of each word in upper case.
fn identifier(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    if name.bytes().next().is_none_or(|first| first.is_ascii_digit()) { format!("Type{name}") } else { name }
}

/// `ProductChanged` as `product_changed`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        before = letter;
    }
    snake
}
