//! Which functions this process serves: those whose definitions were packaged with it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::function::{Function, Trigger};

/// A definition in the app's folder cannot be served as it is.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The folder cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A definition has no function in this binary.
    #[error("{path}: this handler has no function {name}")]
    Unknown {
        /// The definition.
        path: PathBuf,
        /// The folder's name.
        name: String,
    },
    /// A definition is no JSON, or another trigger than the function has.
    #[error("{path}: {problem}")]
    Wrong {
        /// The definition.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
struct Definition {
    bindings: Vec<Binding>,
    retry: Option<Retry>,
}

#[derive(Deserialize)]
struct Binding {
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retry {
    max_retry_count: i64,
}

/// The functions of `known`, in their order, that have a folder with a `function.json` in `app_root`; all of them without an app root.
///
/// # Errors
/// If a definition is unreadable, malformed, unknown, or made for another trigger.
pub fn staged(known: Vec<Function>, app_root: Option<&Path>) -> Result<Vec<Function>, StagingError> {
    let Some(root) = app_root else { return Ok(known) };
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| StagingError::Unreadable { path, source }
    };
    let mut functions = Vec::new();
    for entry in fs::read_dir(root).map_err(unreadable(root))? {
        let entry = entry.map_err(unreadable(root))?;
        let path = entry.path().join("function.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(unreadable(&path)(error)),
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(function) = known.iter().find(|function| function.name == name) else {
            return Err(StagingError::Unknown { path, name });
        };
        check(&text, function).map_err(|problem| StagingError::Wrong { path, problem })?;
        functions.push(*function);
    }
    // Not that of the folder, which differs from machine to machine.
    functions.sort_by_key(|function| known.iter().position(|known| known.name == function.name));
    Ok(functions)
}

fn check(text: &[u8], function: &Function) -> Result<(), String> {
    let definition: Definition = contoso_json::from_slice(text).map_err(|error| error.to_string())?;
    let expected = function.trigger.binding_type();
    // The host takes binding types in any case.
    if !definition.bindings.iter().any(|binding| binding.r#type.eq_ignore_ascii_case(expected)) {
        return Err(format!("the function has a {expected}, the definition has none"));
    }
    let unlimited = definition.retry.is_some_and(|retry| retry.max_retry_count == -1);
    if matches!(function.trigger, Trigger::EventHub { .. } | Trigger::CosmosDb { .. }) && !unlimited {
        return Err(format!(
            "an {expected} needs a retry policy with maxRetryCount -1: with any other, a failed batch is lost"
        ));
    }
    Ok(())
}
