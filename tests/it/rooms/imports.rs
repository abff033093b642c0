//! Which file of a package uses which: every path that the code mentions, followed to the file that defines what it names.
//!
//! Re-exports are followed, so a parent that only declares and re-exports its children is used by nobody. An import of a
//! module counts by what is taken from it; one with a visibility of its own counts only if the file mentions it too.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    ImplItem, Item, Lit,
    visit::{self, Visit},
};

use super::package::{Meaning, Module, Package, attributes, of_tests};

/// For each file the files it uses, each with a path by which it does.
pub(crate) type Uses = BTreeMap<String, BTreeMap<String, String>>;

pub(crate) fn uses(package: &Package) -> Uses {
    let mut uses = Uses::new();
    for (index, module) in package.modules.iter().enumerate() {
        let imported = module.imports.iter().filter(|import| !import.exported && !import.glob);
        let imported = imported.map(|import| import.path.clone());
        for path in imported.chain(mentioned(module)) {
            if let Some(Found::Item(owner)) = package.resolve(index, &path, &mut Vec::new()) {
                let file = &package.modules[owner].file;
                if *file != module.file {
                    let entry = uses.entry(module.file.clone()).or_default().entry(file.clone());
                    entry.or_insert_with(|| path.join("::"));
                }
            }
        }
    }
    uses
}

/// What a path leads to.
enum Found {
    /// Something that this module defines.
    Item(usize),
    Module(usize),
}

impl Package {
    /// `open` are the names being resolved, since a name may be imported from a module of the same name.
    fn resolve(&self, from: usize, path: &[String], open: &mut Vec<(usize, String)>) -> Option<Found> {
        let first = path.first()?;
        if first == "crate" {
            return self.walk(self.modules[from].root, &path[1..], open);
        }
        if let Some(found) = self.walk(from, path, open) {
            return Some(found);
        }
        // The library, from the binary beside it.
        if first == self.name { self.walk(0, &path[1..], open) } else { None }
    }

    fn walk(&self, module: usize, path: &[String], open: &mut Vec<(usize, String)>) -> Option<Found> {
        let Some((first, rest)) = path.split_first() else { return Some(Found::Module(module)) };
        match first.as_str() {
            "self" => return self.walk(module, rest, open),
            "super" => return self.walk(self.modules[module].parent?, rest, open),
            _ => {}
        }
        if open.iter().any(|(at, name)| *at == module && name == first) {
            return None;
        }
        open.push((module, first.clone()));
        let found = self.named(module, path, rest, open);
        open.pop();
        found
    }

    fn named(&self, module: usize, path: &[String], rest: &[String], open: &mut Vec<(usize, String)>) -> Option<Found> {
        let meanings = self.modules[module].names.get(&path[0]).map_or(&[][..], Vec::as_slice);
        let mut item = None;
        for meaning in meanings {
            let found = match meaning {
                Meaning::Module(child) => self.walk(*child, rest, open),
                Meaning::Import(import) => match self.resolve(module, import, open) {
                    Some(Found::Module(found)) => self.walk(found, rest, open),
                    found => found,
                },
                Meaning::Item => Some(Found::Item(module)),
            };
            match found {
                // A function may have a module's name; a path of more steps means the module.
                Some(Found::Item(owner)) => item = item.or(Some(owner)),
                Some(found) if rest.is_empty() && meanings.len() == 1 => return Some(found),
                Some(found) if item.is_none() => return Some(found),
                _ => {}
            }
        }
        if item.is_some() {
            return item.map(Found::Item);
        }
        let globs = self.modules[module].imports.iter().filter(|import| import.glob);
        globs.into_iter().find_map(|glob| match self.resolve(module, &glob.path, open)? {
            Found::Module(found) => self.walk(found, path, open),
            Found::Item(_) => None,
        })
    }
}

/// Every path in a module's code, those in macros and attributes included.
fn mentioned(module: &Module) -> Vec<Vec<String>> {
    let mut paths = Mentions::default();
    for item in &module.items {
        paths.visit_item(item);
    }
    paths.0
}

#[derive(Default)]
struct Mentions(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item(&mut self, item: &'ast Item) {
        if !of_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !of_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    /// `#[serde(with = "path")]` names a path in a string.
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.strings(list.tokens.clone());
        }
    }
}

impl Mentions {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    colons = 0;
                    self.tokens(group.stream());
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.0.push(std::mem::take(path));
        }
    }

    fn strings(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.strings(group.stream()),
                TokenTree::Literal(literal) => {
                    let path = syn::parse_str::<Lit>(&literal.to_string()).ok().and_then(|literal| match literal {
                        Lit::Str(text) => text.parse::<syn::Path>().ok(),
                        _ => None,
                    });
                    if let Some(path) = path {
                        self.visit_path(&path);
                    }
                }
                _ => {}
            }
        }
    }
}
