use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{Span, diagnostic::line_and_column};

/// A location in the sources, printed as the compiler prints it: `main.bicep(3,7)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path of the file.
    pub file: PathBuf,
    /// Line and column, counted from 1; `None` where the whole file is meant.
    pub at: Option<(usize, usize)>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.at {
            Some((line, column)) => write!(f, "{file}({line},{column})"),
            None => write!(f, "{file}"),
        }
    }
}

/// Why a template has no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluateError {
    /// Where it went wrong.
    pub location: Location,
    /// What is wrong, with the construct that it is about.
    pub message: String,
}

impl EvaluateError {
    pub(super) fn new(path: &Path, text: &str, span: Span, message: impl Into<String>) -> Self {
        let at = Some(line_and_column(text, span.start));
        Self { location: Location { file: path.to_owned(), at }, message: message.into() }
    }

    pub(crate) fn of_file(path: &Path, message: impl fmt::Display) -> Self {
        Self { location: Location { file: path.to_owned(), at: None }, message: message.to_string() }
    }
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} : {}", self.location, self.message)
    }
}

impl std::error::Error for EvaluateError {}
