//! Source files: each is compiled, and imports from each crate once, as a tree.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::TokenTree;
use syn::{Item, Macro, UseTree, Visibility, visit::Visit};

/// Folders with source of ours.
const SOURCES: [&str; 10] = [
    "bicep-checker/src",
    "cli/src",
    "cosmos-query/src",
    "handlers/domain/src",
    "handlers/src",
    "json/src",
    "local/src",
    "partitioner/src",
    "schema-checker/src",
    "tests/it",
];

#[test]
fn a_file_imports_from_each_crate_once() {
    let mut scattered = Vec::new();
    for source in SOURCES {
        for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source)) {
            let text = fs::read_to_string(&file).expect("readable");
            let mut seen = BTreeSet::new();
            for root in syn::parse_file(&text).expect("Rust").items.iter().filter_map(root) {
                if !seen.insert(root.clone()) {
                    scattered.push(format!("{}: {root}", file.display()));
                }
            }
        }
    }
    assert!(scattered.is_empty(), "join these imports to one `use root::{{…}}`:\n{}", scattered.join("\n"));
}

/// A test file that `main.rs` does not name is not compiled, and passes.
#[test]
fn every_test_file_is_a_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let main = fs::read_to_string(folder.join("main.rs")).expect("readable");
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let module = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let is_named = module == "main" || main.contains(&format!("\nmod {module};"));
        assert!(is_named, "tests/it/main.rs: write `mod {module};`");
    }
}

/// The message of a log line goes to the receiver of telemetry as it is, its fields only where they name nobody: so it is a text without
/// arguments.
#[test]
fn messages_of_log_lines_are_constant() {
    struct Lines(Vec<String>);
    impl Visit<'_> for Lines {
        fn visit_macro(&mut self, line: &Macro) {
            if line.path.segments.first().is_some_and(|root| root.ident == "tracing") {
                let literals = line.tokens.clone().into_iter().filter_map(|token| match token {
                    TokenTree::Literal(literal) => Some(literal.to_string()),
                    _ => None,
                });
                self.0.extend(literals.filter(|text| text.starts_with('"') && text.contains('{')));
            }
        }
    }
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../handlers/src")) {
        let mut lines = Lines(Vec::new());
        lines.visit_file(&syn::parse_file(&fs::read_to_string(&file).expect("readable")).expect("Rust"));
        assert!(lines.0.is_empty(), "{}: make the arguments fields of {:?}", file.display(), lines.0);
    }
}

/// What an import begins with. Those that only some builds have, and re-exports, stand alone.
fn root(item: &Item) -> Option<String> {
    match item {
        Item::Use(item) if item.attrs.is_empty() && matches!(item.vis, Visibility::Inherited) => match &item.tree {
            UseTree::Path(path) => Some(path.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let of = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
        false => Vec::new(),
    };
    entries.flat_map(of).collect()
}
