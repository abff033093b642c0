//! The names that an expression sees.

use super::value::Value;
use crate::syntax::ast::Name;

/// The names that an expression sees: those of its file, and before them items of loops, and parameters of lambdas and functions.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub path: String,
    names: Vec<(String, Value)>,
}

impl Scope {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), names: Vec::new() }
    }

    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let mut scope = self.clone();
        scope.names.push((name.to_owned(), value));
        scope
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.names.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
    /// With an item of a loop, which stands for itself.
    pub(super) fn with_item(&self, name: &Name) -> Self {
        self.with(&name.text, Value::named(&name.text))
    }
}
