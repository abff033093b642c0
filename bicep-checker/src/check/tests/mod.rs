//! One pair of texts for each code: the first is found, the second is not.

mod language;
mod lints;
mod modules;
mod mutations;
mod resources;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Options, Report, check_folder};

/// A code, a text in which it is found, and one in which it is not. `--- name` in a text begins another file.
type Pair = (&'static str, &'static str, &'static str);

/// The types of Azure's resources, which are no part of the project.
fn types() -> PathBuf {
    let folder = Path::new(env!("REAL_DATA")).join("bicep-types");
    assert!(folder.join("index.json").exists(), "{} is missing", folder.display());
    folder
}

/// Checks a text, and the files after it.
fn check(text: &str, options: &Options) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let mut parts = text.split("--- ");
    fs::write(folder.path().join("main.bicep"), parts.next().expect("a text")).expect("written");
    for part in parts {
        let (name, text) = part.split_once('\n').expect("a name");
        fs::write(folder.path().join(name), text).expect("written");
    }
    check_folder(folder.path(), options).expect("readable")
}

fn codes(text: &str, options: &Options) -> BTreeSet<&'static str> {
    let report = check(text, options);
    report.files.iter().flat_map(|file| file.diagnostics.iter().map(|one| one.code)).collect()
}

/// Compares the pairs, all of them before it fails.
fn compare(pairs: &[Pair], options: &Options) {
    let mut wrong = Vec::new();
    for (code, bad, good) in pairs {
        if !codes(bad, options).contains(code) {
            wrong.push(format!("{code} is not found in:\n{bad}\nbut {:?}", lines(bad, options)));
        }
        if codes(good, options).contains(code) {
            wrong.push(format!("{code} is found in:\n{good}\n{:?}", lines(good, options)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn lines(text: &str, options: &Options) -> Vec<String> {
    check(text, options).lines().collect()
}

/// With the types of resources.
fn with_types() -> Options {
    Options { types: Some(types()), today: Some("2026-11-29".to_owned()) }
}
