//! Packaging: the app as the Functions host wants it, staged in a folder, and zipped for deployment.
//!
//! The host looks for functions only in the direct children of the app's root, so the definitions, which live in
//! `function-definitions/`, are staged there. Everything is checked first: what stops here would otherwise be a
//! function that silently does not run.

mod archive;
mod azure;
mod build;
mod change;
mod definition;
mod error;
mod properties;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use contoso_handlers::{function::Function, registry};
use serde::Deserialize;

use self::definition::Definition;
use crate::{
    data_dir,
    local_settings::{self, Access, Target},
    project::Project,
};
pub use azure::Needs;
pub use build::{Profile, build, built};
pub use change::{Change, ChangeError};
pub use error::PackageError;

/// What to stage.
#[derive(Clone, Debug)]
pub struct Request {
    /// The functions by name; empty means all.
    pub functions: Vec<String>,
    /// Changes to the staged copies of definitions.
    pub changes: Vec<Change>,
    /// The built handler.
    pub handler: PathBuf,
    /// Where the app goes.
    pub out: PathBuf,
}

/// A staged app.
#[derive(Clone, Debug)]
pub struct Staged {
    directory: PathBuf,
    functions: Vec<&'static str>,
    handler: PathBuf,
    /// What is deployed, relative to the directory.
    deployed: Vec<PathBuf>,
}

impl Staged {
    /// The app's root: `host.json`, the handler, and one folder a function.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names of the staged functions.
    #[must_use]
    pub fn functions(&self) -> &[&'static str] {
        &self.functions
    }
}

/// Checks what [`stage`] would check, before a long build.
///
/// # Errors
/// When a function is unknown, or a definition is not valid or does not fit the registry.
pub fn check(project: &Project, functions: &[String], changes: &[Change]) -> Result<(), PackageError> {
    check_registered(&project.definitions())?;
    definitions(project, &chosen(functions)?, changes).map(drop)
}

/// Checks that an app may be staged in `out`: a folder that is empty, holds a staged app, or is not there.
///
/// # Errors
/// When it holds the checkout or somebody else's files.
pub fn check_out(project: &Project, out: &Path) -> Result<(), PackageError> {
    let shown = || out.display().to_string();
    let executable = executable(&project.host_json())?;
    let out = std::path::absolute(out).map_err(|source| write_error(out, source))?;
    if project.root().starts_with(&out) {
        return Err(PackageError::Out { out: shown() });
    }
    let is_empty = match std::fs::read_dir(&out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(source) => return Err(write_error(&out, source)),
    };
    let is_staged_app = out.join("host.json").is_file() && out.join(&executable).is_file();
    if is_empty || is_staged_app { Ok(()) } else { Err(PackageError::OutTaken { out: shown() }) }
}

/// Stages the app. Whatever an earlier call left in the directory is replaced.
///
/// # Errors
/// When a function is unknown, a definition is not valid or does not fit the registry, or a file cannot be read or
/// written. Definitions are checked before anything is written.
pub fn stage(project: &Project, request: &Request) -> Result<Staged, PackageError> {
    let executable = executable(&project.host_json())?;
    let functions = chosen(&request.functions)?;
    check_registered(&project.definitions())?;
    let definitions = definitions(project, &functions, &request.changes)?;

    check_out(project, &request.out)?;
    let out = std::path::absolute(&request.out).map_err(|source| write_error(&request.out, source))?;
    clear(&out)?;
    let mut deployed = vec![PathBuf::from("host.json"), executable.clone()];
    copy(&project.host_json(), &out.join("host.json"))?;
    // Of the stack on the default ports, until somebody says which one it is.
    let stack = Target { data_dir: &project.root().join(data_dir::DEFAULT), endpoints: None };
    local_settings::write(&project.local_settings(), stack, Access::Key, &out.join(local_settings::FILE))?;
    copy(&request.handler, &out.join(&executable))?;
    for (function, definition) in functions.iter().zip(&definitions) {
        let file = Path::new(function.name).join("function.json");
        let staged = out.join(&file);
        std::fs::create_dir_all(out.join(function.name)).map_err(|source| write_error(&staged, source))?;
        std::fs::write(&staged, definition.text()).map_err(|source| write_error(&staged, source))?;
        deployed.push(file);
    }
    let functions = functions.iter().map(|function| function.name).collect();
    Ok(Staged { directory: out, functions, handler: executable, deployed })
}

/// The part of `host.json` that packaging needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Host {
    custom_handler: CustomHandler,
}

#[derive(Deserialize)]
struct CustomHandler {
    description: Description,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    default_executable_path: String,
}

fn executable(host_json: &Path) -> Result<PathBuf, PackageError> {
    let file = host_json.display().to_string();
    let host: Host = contoso_json::from_str(&read(host_json)?)
        .map_err(|source| PackageError::Json { file: file.clone(), source })?;
    let path = host.custom_handler.description.default_executable_path;
    if Path::new(&path).file_name().is_some_and(|name| name == path.as_str()) {
        Ok(PathBuf::from(path))
    } else {
        Err(PackageError::ExecutablePath { file, path })
    }
}

fn chosen(names: &[String]) -> Result<Vec<Function>, PackageError> {
    let all = registry::functions();
    let known = |name: &String| {
        all.iter().find(|function| function.name == name).copied().ok_or_else(|| PackageError::UnknownFunction {
            name: name.clone(),
            known: all.iter().map(|function| function.name).collect::<Vec<_>>().join(", "),
        })
    };
    if names.is_empty() { Ok(all.clone()) } else { names.iter().map(known).collect() }
}

fn definitions(project: &Project, functions: &[Function], changes: &[Change]) -> Result<Vec<Definition>, PackageError> {
    let mut definitions = Vec::with_capacity(functions.len());
    for function in functions {
        let file = project.definitions().join(function.name).join("function.json");
        definitions.push(Definition::read(&file, function)?);
    }
    for change in changes {
        let refused = |reason| PackageError::Change { change: change.clone(), reason };
        let index = functions
            .iter()
            .position(|function| function.name == change.function)
            .ok_or_else(|| refused(format!("the function {} is not packaged", change.function)))?;
        definitions[index].set(&functions[index], &change.property, &change.value).map_err(refused)?;
    }
    Ok(definitions)
}

/// Every folder is a function's: one that the registry does not know would be packaged by nobody.
fn check_registered(definitions: &Path) -> Result<(), PackageError> {
    let unreadable = |source| PackageError::Read { file: definitions.display().to_string(), source };
    let known = registry::functions();
    for entry in std::fs::read_dir(definitions).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.path().join("function.json");
        let name = entry.file_name().to_string_lossy().into_owned();
        if file.is_file() && !known.iter().any(|function| function.name == name) {
            return Err(PackageError::Unregistered { file: file.display().to_string(), name });
        }
    }
    Ok(())
}

/// Makes `out`, without the function folders of an earlier packaging. Other files there are left alone.
fn clear(out: &Path) -> Result<(), PackageError> {
    let failed = |source| write_error(out, source);
    std::fs::create_dir_all(out).map_err(failed)?;
    for entry in std::fs::read_dir(out).map_err(failed)? {
        let folder = entry.map_err(failed)?.path();
        if folder.join("function.json").is_file() {
            std::fs::remove_dir_all(&folder).map_err(failed)?;
        }
    }
    Ok(())
}

/// Copies with the mode. The old file is unlinked first: it may be a handler that runs, which cannot be overwritten.
fn copy(from: &Path, to: &Path) -> Result<(), PackageError> {
    if !from.is_file() {
        return Err(PackageError::Read {
            file: from.display().to_string(),
            source: std::io::ErrorKind::NotFound.into(),
        });
    }
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(write_error(to, error)),
        _ => {}
    }
    std::fs::copy(from, to).map(drop).map_err(|source| write_error(to, source))
}

fn read(file: &Path) -> Result<String, PackageError> {
    std::fs::read_to_string(file).map_err(|source| PackageError::Read { file: file.display().to_string(), source })
}

fn read_bytes(file: &Path) -> Result<Vec<u8>, PackageError> {
    std::fs::read(file).map_err(|source| PackageError::Read { file: file.display().to_string(), source })
}

fn write_error(file: &Path, source: std::io::Error) -> PackageError {
    PackageError::Write { file: file.display().to_string(), source }
}
