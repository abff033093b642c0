//! The files around a file, and what names in them stand for.

use std::collections::BTreeMap;

use super::value::Value;
use crate::syntax::ast::{File, ImportItems, Statement, StatementKind};

/// The files that one file is seen among, by their paths from a common folder, and what is known of their parameters.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub(super) files: BTreeMap<String, File>,
    /// Parameters, by file and name.
    pub(super) values: BTreeMap<(String, String), Value>,
}

impl Context {
    /// Files by their paths from a common folder, with `/`. Nothing is known of parameters.
    pub fn new(files: impl IntoIterator<Item = (String, File)>) -> Self {
        Self { files: files.into_iter().collect(), values: BTreeMap::new() }
    }

    /// The paths of the files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The tree of the file of that path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// What a parameter is, where that is known.
    pub(super) fn parameter(&self, path: &str, name: &str) -> Option<&Value> {
        self.values.get(&(path.to_owned(), name.to_owned()))
    }

    /// The statement that a name in a file comes from, there or in the file that it is imported from, with the path of that file.
    pub(super) fn find(&self, path: &str, name: &str) -> Option<(String, &Statement)> {
        let statements = &self.files.get(path)?.statements;
        if let Some(statement) = statements.iter().find(|statement| declares(statement) == Some(name)) {
            return Some((path.to_owned(), statement));
        }
        statements.iter().find_map(|statement| {
            let StatementKind::Import { items: ImportItems::List(items, _), path: from } = &statement.kind else {
                return None;
            };
            let item = items.iter().find(|item| item.local().text == name)?;
            self.exported(&join(path, from.literal()?)?, &item.name.text)
        })
    }

    /// The statement of a file that declares a name, without what that file imports itself.
    fn exported(&self, path: &str, name: &str) -> Option<(String, &Statement)> {
        let statements = &self.files.get(path)?.statements;
        let found = statements.iter().find(|statement| declares(statement) == Some(name));
        found.map(|statement| (path.to_owned(), statement))
    }

    /// The same for `alias.name` after `import * as alias`.
    pub(super) fn find_in(&self, path: &str, alias: &str, name: &str) -> Option<(String, &Statement)> {
        self.files.get(path)?.statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::Import { items: ImportItems::Wildcard(known), path: from } if known.text == alias => {
                self.exported(&join(path, from.literal()?)?, name)
            }
            _ => None,
        })
    }
}

/// The name that a statement declares, where it stands for a value, a type or a function.
fn declares(statement: &Statement) -> Option<&str> {
    match &statement.kind {
        StatementKind::Parameter { name, .. }
        | StatementKind::Variable { name, .. }
        | StatementKind::Module { name, .. }
        | StatementKind::Type { name, .. }
        | StatementKind::Function { name, .. } => Some(&name.text),
        StatementKind::Resource(resource) => Some(&resource.name.text),
        _ => None,
    }
}

/// The path that `written` means in the file at `from`; `None` where it leaves the common folder.
pub(super) fn join(from: &str, written: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
