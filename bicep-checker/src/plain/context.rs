//! The files around a file, and what their parameters are in one environment.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    evaluate::{Evaluator, Scope},
    value::Value,
};
use crate::syntax::{
    ast::{ExpressionKind, File, ImportItems, Statement, StatementKind},
    parse_file, parse_params,
};

/// How deep modules lie in each other, at most, for what is handed from one to the next to be known.
const DEPTH: usize = 6;

/// The files that one file is seen among, by their paths from a common folder, and what is known of their parameters.
#[derive(Clone, Debug, Default)]
pub struct Context {
    files: BTreeMap<String, File>,
    values: BTreeMap<(String, String), Value>,
}

impl Context {
    /// Files by their paths from a common folder, with `/`. Nothing is known of parameters.
    pub fn new(files: impl IntoIterator<Item = (String, File)>) -> Self {
        Self { files: files.into_iter().collect(), values: BTreeMap::new() }
    }

    /// The `.bicep` files below a folder, with the parameters of a `.bicepparam` file in it, if one is named.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read(folder: &Path, parameters: Option<&str>) -> io::Result<Self> {
        let mut paths = Vec::new();
        walk(folder, &mut paths)?;
        let mut files = BTreeMap::new();
        for path in paths {
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.insert(name, parse_file(&fs::read_to_string(&path)?).file);
        }
        let context = Self::new(files);
        match parameters {
            Some(path) => Ok(context.in_environment(path, &parse_params(&fs::read_to_string(folder.join(path))?).file)),
            None => Ok(context),
        }
    }

    /// The same with the values that the parameters file of that path assigns, and with what follows from them for modules.
    ///
    /// A value that is the same wherever a module is used is that of the module's parameter.
    #[must_use]
    pub fn in_environment(mut self, path: &str, parameters: &File) -> Self {
        let using = parameters.statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::Using { path: used, .. } => match &used.kind {
                ExpressionKind::String(text) => join(path, text.literal()?),
                _ => None,
            },
            _ => None,
        });
        let Some(root) = using else { return self };
        let mut assigned = BTreeMap::new();
        let evaluator = Evaluator::new(&self);
        for statement in &parameters.statements {
            if let StatementKind::ParameterAssignment { name, value } = &statement.kind {
                let value = evaluator.value(value, &Scope::new(path)).abroad();
                if value != Value::Computed {
                    assigned.insert((root.clone(), name.text.clone()), value);
                }
            }
        }
        self.values = assigned.clone();
        for _ in 0..DEPTH {
            let mut values = self.handed_on(&root);
            values.extend(assigned.clone());
            if values == self.values {
                break;
            }
            self.values = values;
        }
        self
    }

    /// What the modules get, by what is known so far.
    fn handed_on(&self, root: &str) -> BTreeMap<(String, String), Value> {
        let evaluator = Evaluator::new(self);
        let mut given: BTreeMap<(String, String), Value> = BTreeMap::new();
        for (path, file) in &self.files {
            for (target, name, value) in file.statements.iter().flat_map(|one| evaluator.arguments(path, one)) {
                if target != root {
                    let value = value.abroad();
                    let kept = given.entry((target, name)).or_insert_with(|| value.clone());
                    if *kept != value {
                        *kept = Value::Computed;
                    }
                }
            }
        }
        // A parameter of which nothing is known is better called by its name.
        given.retain(|_, value| *value != Value::Computed);
        given
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

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "bicep") {
            found.push(path);
        }
    }
    Ok(())
}
