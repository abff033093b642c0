//! The files of a folder, and those they refer to.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::model::Source;
use crate::{
    files,
    syntax::{
        ast::{ExpressionKind, StatementKind, StringLiteral},
        parse_file, parse_params,
    },
};

/// Files in the order in which they were found: first those of the folder by name, then others that they refer to.
pub(super) struct Sources {
    pub all: Vec<Source>,
    places: HashMap<PathBuf, usize>,
    /// How many of them are in the folder.
    pub own: usize,
}

impl Sources {
    /// The place of the file that a path in the file at `from` names.
    pub(super) fn resolve(&self, from: usize, path: &StringLiteral) -> Option<usize> {
        let target = target(&self.all.get(from)?.path, path.literal()?)?;
        self.places.get(&target).copied()
    }
}

/// Reads a folder.
pub(super) fn load(folder: &Path) -> io::Result<Sources> {
    let folder = folder.canonicalize()?;
    let mut waiting = files::below(&folder)?;
    let own = waiting.len();
    let mut sources = Sources { all: Vec::new(), places: HashMap::new(), own };
    waiting.reverse();
    while let Some(path) = waiting.pop() {
        if sources.places.contains_key(&path) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let name = path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let is_params = path.extension().is_some_and(|extension| extension == "bicepparam");
        let parsed = if is_params { parse_params(&text) } else { parse_file(&text) };
        let source = Source { path: path.clone(), name, text, file: parsed.file, syntax: parsed.diagnostics };
        let others =
            paths(&source).into_iter().filter_map(|written| target(&path, written)).filter(|path| path.is_file());
        let others: Vec<PathBuf> = others.collect();
        // What the folder does not hold comes after what it holds.
        waiting.splice(0..0, others);
        sources.places.insert(path, sources.all.len());
        sources.all.push(source);
    }
    Ok(sources)
}

/// The Bicep files that a file names.
fn paths(source: &Source) -> Vec<&str> {
    let written = source.file.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Module { path, .. } | StatementKind::Import { path, .. } => path.literal(),
        StatementKind::Using { path, .. } | StatementKind::Extends { path } => match &path.kind {
            ExpressionKind::String(path) => path.literal(),
            _ => None,
        },
        _ => None,
    });
    written.filter(|path| path.ends_with(".bicep") || path.ends_with(".bicepparam")).collect()
}

/// The file that a path names, seen from the file it stands in.
fn target(from: &Path, path: &str) -> Option<PathBuf> {
    from.parent()?.join(path).canonicalize().ok()
}
