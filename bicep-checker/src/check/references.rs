//! Files that name other files: whether they exist, refer to each other in a circle, and are reached at all.

use std::collections::BTreeSet;

use super::{
    infer::{Checker, Here},
    model::Model,
    sources::Sources,
};
use crate::{
    Diagnostic, Severity, Span,
    syntax::ast::{ExpressionKind, ImportItems, StatementKind, StringLiteral},
};

/// A file that another one names.
struct Reference {
    at: Span,
    file: Option<usize>,
}

/// Reports paths that lead nowhere.
pub(super) fn check(here: &Here<'_, '_>) {
    for module in &here.model.modules {
        check_path(here, module.path, module.file);
    }
    for statement in &here.source().file.statements {
        match &statement.kind {
            StatementKind::Import { items, path } => {
                let file = match items {
                    ImportItems::List(items, _) => {
                        let is_of = |import: &&super::model::Import<'_>| {
                            items.iter().any(|item| std::ptr::eq(item, import.item))
                        };
                        match here.model.imports.iter().find(is_of) {
                            Some(import) => import.file,
                            None => continue,
                        }
                    }
                    ImportItems::Wildcard(name) => {
                        here.model.wildcards.iter().find(|one| std::ptr::eq(one.name, name)).and_then(|one| one.file)
                    }
                    ImportItems::Error(_) => continue,
                };
                check_path(here, path, file);
            }
            StatementKind::Using { path, .. } => {
                if let ExpressionKind::String(path) = &path.kind {
                    check_path(here, path, here.model.using.and_then(|using| using.file));
                }
            }
            _ => {}
        }
    }
    for import in &here.model.imports {
        let Some(there) = import.file.and_then(|file| here.all.file(file)) else { continue };
        let name = &import.item.name;
        let is_exported = there.model.names.get(name.text.as_str()).is_some_and(|symbol| there.is_exported(*symbol));
        if !is_exported {
            let message = format!("{} exports no `{}`.", there.source().name, name.text);
            here.error("BCP360", name.span, message);
        }
    }
}

fn check_path(here: &Here<'_, '_>, path: &StringLiteral, file: Option<usize>) {
    let Some(text) = path.literal() else {
        return here.error("BCP092", path.span, "A path cannot be interpolated.");
    };
    if file == Some(here.at) {
        here.error("BCP094", path.span, "The file refers to itself.");
    } else if file.is_some() {
    } else if text.ends_with(".json") && here.source().path.parent().is_some_and(|folder| folder.join(text).is_file()) {
        // A template in JSON: what it takes and gives is not known here.
    } else if text.is_empty() {
        here.error("BCP050", path.span, "The path is empty.");
    } else if ["br:", "br/", "ts:", "ts/"].iter().any(|scheme| text.starts_with(scheme)) {
        here.error("BCP190", path.span, "A module of a registry cannot be checked here: it must be fetched first.");
    } else if text.contains('\\') {
        here.error("BCP098", path.span, "Folders are divided by `/`.");
    } else if text.starts_with('/') {
        here.error("BCP051", path.span, "The path is relative to this file.");
    } else {
        here.error("BCP091", path.span, format!("There is no file `{text}`."));
    }
}

fn references(model: &Model<'_>) -> Vec<Reference> {
    let modules = model.modules.iter().map(|module| Reference { at: module.path.span, file: module.file });
    let paths = |statement: &crate::syntax::ast::Statement| match &statement.kind {
        StatementKind::Import { path, .. } => Some(path.span),
        _ => None,
    };
    // Imports of one statement share its path: the nearest one behind the name.
    let spans: Vec<Span> = model.source.file.statements.iter().filter_map(paths).collect();
    let behind = |start: usize| spans.iter().copied().find(|span| span.start >= start).unwrap_or_default();
    let imports = model.imports.iter().map(|one| (one.item.name.span.start, one.file));
    let wildcards = model.wildcards.iter().map(|one| (one.name.span.start, one.file));
    let imports = imports.chain(wildcards).map(|(start, file)| Reference { at: behind(start), file });
    let using = model.using.iter().map(|using| Reference { at: using.path.span, file: using.file });
    modules.chain(imports).chain(using).collect()
}

/// Reports, in each file, the files it refers to that have errors (BCP104).
pub(super) fn cascade(checker: &Checker<'_>) {
    let is_error = |one: &Diagnostic| one.severity == Severity::Error && one.code.starts_with("BCP");
    let mut broken: BTreeSet<usize> =
        (0..checker.models.len()).filter(|at| checker.models[*at].found.borrow().iter().any(is_error)).collect();
    let mut told = BTreeSet::new();
    loop {
        let before = told.len();
        for (at, model) in checker.models.iter().enumerate() {
            for reference in references(model) {
                let Some(file) = reference.file.filter(|file| *file != at && broken.contains(file)) else { continue };
                if told.insert((at, reference.at)) {
                    let message = format!("{} has errors.", checker.models[file].source.name);
                    model.report(Diagnostic::error("BCP104", reference.at, message));
                    broken.insert(at);
                }
            }
        }
        if told.len() == before {
            return;
        }
    }
}

/// `.bicep` files of the folder that its `main.bicep` does not reach.
pub(super) fn unreached(checker: &Checker<'_>, sources: &Sources) -> Vec<String> {
    let Some(main) = checker.models.iter().position(|model| model.source.name == "main.bicep") else {
        return Vec::new();
    };
    let mut reached = BTreeSet::from([main]);
    let mut open = vec![main];
    while let Some(at) = open.pop() {
        let next = references(&checker.models[at]).into_iter().filter_map(|reference| reference.file);
        open.extend(next.filter(|file| reached.insert(*file)));
    }
    let own = checker.models.iter().enumerate().take(sources.own);
    own.filter(|(at, model)| !reached.contains(at) && !model.source.is_params())
        .map(|(_, model)| model.source.name.clone())
        .collect()
}
