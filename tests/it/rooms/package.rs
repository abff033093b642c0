//! The modules of a package, as its source declares them: what each defines, imports and mentions. Tests are left out.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Item, UseTree, Visibility,
    visit::{self, Visit},
};

/// One package's modules, in the order in which they are found; the first are the roots (`lib.rs`, `main.rs`).
pub(crate) struct Package {
    /// What the package is called in paths.
    pub(crate) name: &'static str,
    pub(crate) modules: Vec<Module>,
    pub(crate) types: Vec<Named>,
}

/// A module: a file, or a block of one.
pub(crate) struct Module {
    /// Path of its file, from the source folder.
    pub(crate) file: String,
    pub(crate) parent: Option<usize>,
    pub(crate) root: usize,
    pub(crate) names: HashMap<String, Vec<Meaning>>,
    pub(crate) imports: Vec<Import>,
    pub(crate) items: Vec<Item>,
}

/// What a name of a module stands for.
pub(crate) enum Meaning {
    Item,
    Module(usize),
    /// What this path leads to.
    Import(Vec<String>),
}

/// One name of a `use` declaration, or all of a module's (`*`).
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) glob: bool,
    /// Has a visibility, so it may be there for others only.
    pub(crate) exported: bool,
}

/// A type or module, where it is declared.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) module: bool,
}

impl Package {
    pub(crate) fn read(source: &'static str, name: &'static str) -> Self {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(source);
        let mut package = Package { name, modules: Vec::new(), types: Vec::new() };
        for root in ["lib.rs", "main.rs"].map(|file| folder.join(file)).iter().filter(|file| file.exists()) {
            package.add_file(&folder, root, &folder, None);
        }
        assert!(!package.modules.is_empty(), "{} has no lib.rs and no main.rs", folder.display());
        package
    }

    /// `children` is the folder in which the modules are that the file declares.
    fn add_file(&mut self, folder: &Path, file: &Path, children: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.strip_prefix(folder).unwrap_or(file).display().to_string();
        self.add_module(folder, name, children, parent, syntax.items)
    }

    fn add_module(
        &mut self,
        folder: &Path,
        file: String,
        children: &Path,
        parent: Option<usize>,
        items: Vec<Item>,
    ) -> usize {
        let index = self.modules.len();
        let root = parent.map_or(index, |parent| self.modules[parent].root);
        let (names, imports) = (HashMap::new(), Vec::new());
        self.modules.push(Module { file: file.clone(), parent, root, names, imports, items: Vec::new() });
        let mut kept = Vec::new();
        for item in items.into_iter().filter(|item| !of_tests(attributes(item))) {
            match item {
                Item::Mod(declared) => {
                    let name = declared.ident.to_string();
                    let below = children.join(&name);
                    let child = match declared.content {
                        Some((_, items)) => self.add_module(folder, file.clone(), &below, Some(index), items),
                        None => self.add_file(folder, &found(children, &name), &below, Some(index)),
                    };
                    self.types.push(Named { name: name.clone(), file: file.clone(), module: true });
                    self.modules[index].means(name, Meaning::Module(child));
                }
                Item::Use(declared) => {
                    let exported = !matches!(declared.vis, Visibility::Inherited);
                    self.modules[index].import(&declared.tree, &mut Vec::new(), exported);
                }
                item => {
                    if let Some((name, is_type)) = defined(&item) {
                        if is_type {
                            self.types.push(Named { name: name.clone(), file: file.clone(), module: false });
                        }
                        self.modules[index].means(name, Meaning::Item);
                    }
                    // What a function imports for itself counts as its module's.
                    let mut inner = InnerImports(Vec::new());
                    inner.visit_item(&item);
                    for tree in inner.0 {
                        self.modules[index].import(&tree, &mut Vec::new(), false);
                    }
                    kept.push(item);
                }
            }
        }
        self.modules[index].items = kept;
        index
    }
}

impl Module {
    fn means(&mut self, name: String, meaning: Meaning) {
        self.names.entry(name).or_default().push(meaning);
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, exported: bool) {
        let mut add = |path: Vec<String>, alias: String| {
            self.means(alias, Meaning::Import(path.clone()));
            self.imports.push(Import { path, glob: false, exported });
        };
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.import(&step.tree, path, exported);
                path.pop();
            }
            UseTree::Name(last) if last.ident == "self" => {
                let alias = path.last().cloned().unwrap_or_default();
                add(path.clone(), alias);
            }
            UseTree::Name(last) => add(extended(path, &last.ident), last.ident.to_string()),
            UseTree::Rename(last) if last.ident == "self" => add(path.clone(), last.rename.to_string()),
            UseTree::Rename(last) => add(extended(path, &last.ident), last.rename.to_string()),
            UseTree::Glob(_) => self.imports.push(Import { path: path.clone(), glob: true, exported }),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path, exported);
                }
            }
        }
    }
}

/// Whether an item is compiled for tests only.
pub(crate) fn of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string();
        list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all (test"))
    })
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// An item's name, and whether it is a type or trait.
fn defined(item: &Item) -> Option<(String, bool)> {
    Some(match item {
        Item::Const(item) => (item.ident.to_string(), false),
        Item::Enum(item) => (item.ident.to_string(), true),
        Item::Fn(item) => (item.sig.ident.to_string(), false),
        Item::Macro(item) => (item.ident.as_ref()?.to_string(), false),
        Item::Static(item) => (item.ident.to_string(), false),
        Item::Struct(item) => (item.ident.to_string(), true),
        Item::Trait(item) => (item.ident.to_string(), true),
        Item::Type(item) => (item.ident.to_string(), true),
        _ => return None,
    })
}

fn found(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{name}.rs"));
    if file.exists() { file } else { folder.join(name).join("mod.rs") }
}

fn extended(path: &[String], last: &syn::Ident) -> Vec<String> {
    path.iter().cloned().chain([last.to_string()]).collect()
}

struct InnerImports(Vec<UseTree>);

impl<'ast> Visit<'ast> for InnerImports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.0.push(item.tree.clone());
        visit::visit_item_use(self, item);
    }
}
