//! Error of an app that cannot run.

/// The app cannot run; nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {field}: {problem}")]
pub struct AppError {
    /// The file at fault, relative to the app root.
    pub file: String,
    /// The field in it, such as `bindings[0].eventHubName`.
    pub field: String,
    /// What is wrong with it, one line.
    pub problem: String,
}

impl AppError {
    pub(crate) fn new(file: impl Into<String>, field: impl Into<String>, problem: impl Into<String>) -> Self {
        let problem: String = problem.into();
        Self { file: file.into(), field: field.into(), problem: problem.replace(['\r', '\n'], " ") }
    }
}
