//! From text to tree.
//!
//! A recursive-descent parser over the tokens of the whole file. It reports what the compiler reports, under the same codes,
//! and goes on behind the fault, at the next end of a line or closing bracket, so that one file shows all its faults at once.

pub mod ast;
mod lexer;
mod parser;
pub(crate) mod token;

use crate::Diagnostic;
use ast::File;
use token::{Tokens, TriviaKind};

/// What kind of file a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `.bicep`
    Bicep,
    /// `.bicepparam`
    Parameters,
}

impl FileKind {
    /// By the ending of a path: `.bicepparam`, anything else is Bicep.
    pub fn of(path: &std::path::Path) -> Self {
        if path.extension().is_some_and(|ending| ending == "bicepparam") { Self::Parameters } else { Self::Bicep }
    }
}

/// A file as a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The tree, with gaps where the text is broken.
    pub file: File,
    /// What is wrong, in the order of the text; empty if nothing is.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses the text of a `.bicep` file. A byte-order mark at its start is passed over; places still count it.
pub fn parse_file(text: &str) -> Parsed {
    parse(text, FileKind::Bicep).0
}

/// Parses the text of a `.bicepparam` file.
pub fn parse_params(text: &str) -> Parsed {
    parse(text, FileKind::Parameters).0
}

/// The tree and the tokens it was made of.
pub(crate) fn parse(text: &str, kind: FileKind) -> (Parsed, Tokens) {
    let (tokens, mut diagnostics) = lexer::tokens(text);
    let (statements, found) = parser::statements(text, &tokens.tokens, kind);
    diagnostics.extend(found);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    let mut file = File { statements, ..File::default() };
    for trivia in &tokens.trivia {
        match &trivia.kind {
            TriviaKind::Directive(directive) => file.directives.push(directive.clone()),
            TriviaKind::LineComment => file.comments.push(ast::Comment { span: trivia.span, block: false }),
            TriviaKind::BlockComment => file.comments.push(ast::Comment { span: trivia.span, block: true }),
        }
    }
    (Parsed { file, diagnostics }, tokens)
}

#[cfg(test)]
mod tests;
