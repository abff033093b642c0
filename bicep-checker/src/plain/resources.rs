//! The resources of a file, nested ones among them.

use std::collections::BTreeSet;

use super::context::Context;
use crate::syntax::ast::{Expression, ExpressionKind, File, Name, ObjectItem, Resource, StatementKind};

/// A resource as a file declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    /// Its symbolic name. Where that of a nested resource is taken in the file, its parent's stands before it, with `_`.
    pub symbol: String,
    /// The whole type, that of its parents included.
    pub ty: String,
    /// The API version; that of the parent where a nested resource states none.
    pub version: String,
    /// Whether it is only referred to.
    pub existing: bool,
}

/// A resource with what stands around it.
pub(super) struct Found<'a> {
    pub declared: Declared,
    pub resource: &'a Resource,
    /// The resource that it is nested in: its symbol, and the names of all that is nested there with their symbols.
    pub parent: Option<Parent<'a>>,
}

/// What a nested resource sees of where it stands.
#[derive(Clone)]
pub(super) struct Parent<'a> {
    pub symbol: String,
    /// Loops of the parents, whose items it may use.
    pub items: Vec<&'a Name>,
    /// Nested resources by their names: those beside it, and those around it.
    pub siblings: Vec<(&'a str, String)>,
}

/// All resources of a file, in the order of the text, a parent before what is nested in it.
pub fn resources(file: &File) -> Vec<Declared> {
    every(file).into_iter().map(|found| found.declared).collect()
}

/// A resource and all that is nested in it.
pub(super) fn all<'a>(context: &'a Context, path: &str, resource: &'a Resource) -> Vec<Found<'a>> {
    let found = context.file(path).map(every).unwrap_or_default();
    let own =
        |found: &Found<'_>| resource.ty.span.start <= found.resource.ty.span.start && within(resource, found.resource);
    found.into_iter().filter(own).collect()
}

fn within(outer: &Resource, inner: &Resource) -> bool {
    std::ptr::eq(outer, inner)
        || outer.value.span.start <= inner.ty.span.start && inner.ty.span.end <= outer.value.span.end
}

fn every(file: &File) -> Vec<Found<'_>> {
    let top = file.statements.iter().filter_map(|statement| match &statement.kind {
        StatementKind::Resource(resource) => Some(resource),
        _ => None,
    });
    let top: Vec<&Resource> = top.collect();
    let mut names = Names { taken: top.iter().map(|resource| resource.name.text.clone()).collect() };
    let mut found = Vec::new();
    for resource in top {
        let (ty, version) = parts(resource);
        let existing = resource.existing.is_some();
        let declared = Declared { symbol: resource.name.text.clone(), ty, version, existing };
        below(resource, declared, None, &mut names, &mut found);
    }
    found
}

fn below<'a>(
    resource: &'a Resource,
    declared: Declared,
    parent: Option<Parent<'a>>,
    names: &mut Names,
    found: &mut Vec<Found<'a>>,
) {
    let items = resource.body().map(|body| body.items.as_slice()).unwrap_or_default();
    let nested = items.iter().filter_map(|item| match item {
        ObjectItem::Resource(statement) => match &statement.kind {
            StatementKind::Resource(resource) => Some(resource),
            _ => None,
        },
        _ => None,
    });
    let nested: Vec<(&Resource, String)> =
        nested.map(|child| (child, names.free(&declared.symbol, &child.name.text))).collect();
    let mut here = Parent { symbol: declared.symbol.clone(), items: Vec::new(), siblings: Vec::new() };
    here.siblings.extend(nested.iter().map(|(child, symbol)| (child.name.text.as_str(), symbol.clone())));
    if let Some(parent) = &parent {
        here.siblings.extend(parent.siblings.iter().cloned());
        here.items.extend(&parent.items);
    }
    here.items.extend(loop_names(&resource.value));
    let (outer, outer_version) = (declared.ty.clone(), declared.version.clone());
    found.push(Found { declared, resource, parent });
    for (child, symbol) in nested {
        let (ty, version) = parts(child);
        // Below a resource a type may also be written whole.
        let ty = if ty.starts_with(&format!("{outer}/")) { ty } else { format!("{outer}/{ty}") };
        let version = if version.is_empty() { outer_version.clone() } else { version };
        let declared = Declared { symbol, ty, version, existing: child.existing.is_some() };
        below(child, declared, Some(here.clone()), names, found);
    }
}

/// Type and version; the latter is empty where none is written.
fn parts(resource: &Resource) -> (String, String) {
    let written = resource.ty.literal().unwrap_or_default();
    let (ty, version) = written.split_once('@').unwrap_or((written, ""));
    (ty.to_owned(), version.to_owned())
}

struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    fn free(&mut self, parent: &str, name: &str) -> String {
        let mut symbol = name.to_owned();
        while !self.taken.insert(symbol.clone()) {
            symbol = format!("{parent}_{symbol}");
        }
        symbol
    }
}

/// The symbol of the resource of that name that is nested in the one of that symbol.
pub(super) fn nested(file: &File, parent: &str, name: &str) -> Option<String> {
    let is_it = |found: &Found<'_>| {
        found.resource.name.text == name && found.parent.as_ref().is_some_and(|above| above.symbol == parent)
    };
    every(file).into_iter().find(is_it).map(|found| found.declared.symbol)
}

/// The names that the loop of a resource or module has for item and index.
pub(super) fn loop_names(value: &Expression) -> Vec<&Name> {
    match &value.kind {
        ExpressionKind::For(each) => std::iter::once(&each.item).chain(&each.index).collect(),
        _ => Vec::new(),
    }
}
