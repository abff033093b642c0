use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{Span, diagnostic::line_and_column};

/// Why a template has no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluateError {
    /// The file in which it went wrong.
    pub path: PathBuf,
    /// Line and column, counted from 1; `None` where the whole file is meant.
    pub at: Option<(usize, usize)>,
    /// What is wrong, with the construct that it is about.
    pub message: String,
}

impl EvaluateError {
    pub(super) fn new(path: &Path, text: &str, span: Span, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), at: Some(line_and_column(text, span.start)), message: message.into() }
    }

    pub(super) fn of_file(path: &Path, message: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), at: None, message: message.to_string() }
    }
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.at {
            Some((line, column)) => write!(f, "{path}({line},{column}) : {}", self.message),
            None => write!(f, "{path} : {}", self.message),
        }
    }
}

impl std::error::Error for EvaluateError {}
