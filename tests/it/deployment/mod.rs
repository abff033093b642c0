//! Deployment: the package, the pipelines, and the scripts that pipelines, azd and people run, as far as they can be shown without Azure.

mod bicep;
mod files;
mod package;
mod pipelines;
mod scripts;
mod smoke;
mod stand_ins;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A file of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// Files of a folder of the checkout with this ending, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(checkout(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.is_file() && file.to_string_lossy().ends_with(ending));
    files.sort();
    files
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn run(command: &mut Command) -> Output {
    command.current_dir(checkout("")).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Everything that a program said.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs what must succeed, and returns what it printed.
fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
