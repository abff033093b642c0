//! What parameters are in one environment: by its parameters file, and by what modules hand on to each other.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    context::{Context, join},
    evaluate::Evaluator,
    scope::Scope,
    value::Value,
};
use crate::{
    files::below,
    syntax::{
        ast::{ExpressionKind, File, StatementKind},
        parse_file, parse_params,
    },
};

/// How deep modules lie in each other, at most, for what is handed from one to the next to be known.
const DEPTH: usize = 6;

impl Context {
    /// The `.bicep` files below a folder, with the parameters of a `.bicepparam` file in it, if one is named.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read(folder: &Path, parameters: Option<&str>) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let is_template = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "bicep");
        for path in below(folder)?.into_iter().filter(is_template) {
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
}
