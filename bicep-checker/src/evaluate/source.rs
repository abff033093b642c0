use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use super::error::{EvaluateError, Location};
use crate::{
    Span,
    diagnostic::line_and_column,
    syntax::{
        FileKind,
        ast::{File, ImportItems, Statement, StatementKind},
        parse_file, parse_params,
    },
};

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) file: File,
    /// Statements that have a name other statements know, by that name.
    declarations: BTreeMap<String, usize>,
    /// Names from other files: the file, and the name there.
    pub(super) imports: BTreeMap<String, (PathBuf, String)>,
    /// Names that stand for another file (`import * as`).
    pub(super) wildcards: BTreeMap<String, PathBuf>,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, EvaluateError> {
        let text = fs::read_to_string(path).map_err(|error| EvaluateError::of_file(path, error))?;
        let parsed = match FileKind::of(path) {
            FileKind::Bicep => parse_file(&text),
            FileKind::Parameters => parse_params(&text),
        };
        if let Some(fault) = parsed.diagnostics.first() {
            let at = Some(line_and_column(&text, fault.span.start));
            let message = format!("{}: {}", fault.code, fault.message);
            return Err(EvaluateError { location: Location { file: path.to_owned(), at }, message });
        }
        let mut source = Self {
            path: path.to_owned(),
            text,
            file: parsed.file,
            declarations: BTreeMap::new(),
            imports: BTreeMap::new(),
            wildcards: BTreeMap::new(),
        };
        source.declare();
        Ok(source)
    }

    fn declare(&mut self) {
        for (index, statement) in self.file.statements.iter().enumerate() {
            match &statement.kind {
                StatementKind::Parameter { name, .. }
                | StatementKind::Variable { name, .. }
                | StatementKind::Module { name, .. }
                | StatementKind::Function { name, .. } => {
                    self.declarations.insert(name.text.clone(), index);
                }
                StatementKind::Resource(resource) => {
                    self.declarations.insert(resource.name.text.clone(), index);
                }
                StatementKind::Import { items, path } => {
                    let from = beside(&self.path, path.literal().unwrap_or_default());
                    match items {
                        ImportItems::List(items, _) => self.imports.extend(
                            items
                                .iter()
                                .map(|item| (item.local().text.clone(), (from.clone(), item.name.text.clone()))),
                        ),
                        ImportItems::Wildcard(alias) => {
                            self.wildcards.insert(alias.text.clone(), from);
                        }
                        ImportItems::Error(_) => {}
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn declaration(&self, name: &str) -> Option<&Statement> {
        self.declarations.get(name).and_then(|index| self.file.statements.get(*index))
    }

    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> EvaluateError {
        EvaluateError::new(&self.path, &self.text, span, message)
    }
}

/// The path of a file that another one names, without `.` and `..`, so that a file has one path only.
pub(super) fn beside(file: &Path, name: &str) -> PathBuf {
    let mut path = file.parent().map(Path::to_owned).unwrap_or_default();
    for component in Path::new(name).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}
