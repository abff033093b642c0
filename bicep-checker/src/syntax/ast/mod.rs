//! The tree of a Bicep file: what was written, in the order it was written, with the place of every part.
//!
//! The tree keeps what the formatter and the diagnostics need (parentheses, the safe `.?`, empty lists) and no meaning:
//! names are not resolved and types not computed. Where the parser could not go on, an `Error` node stands for the text it
//! passed over, so that the rest of the file still has its tree.

mod expression;
mod object;
mod statement;
mod types;

pub use expression::*;
pub use object::*;
pub use statement::*;
pub use types::*;

use crate::Span;

/// A name as written, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The identifier; empty where the parser missed one and said so.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Its statements in order.
    pub statements: Vec<Statement>,
    /// The `#disable-…` lines in order.
    pub directives: Vec<Directive>,
    /// The comments in order.
    pub comments: Vec<Comment>,
}

/// A comment, `// …` or `/* … */`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From its first slash to its last character, without the end of the line.
    pub span: Span,
    /// Whether it is `/* … */`.
    pub block: bool,
}

/// A line that switches diagnostics off or on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Which of the three.
    pub kind: DirectiveKind,
    /// The codes it names, each with its place.
    pub codes: Vec<Name>,
    /// From `#` to the end of the last code (or of the keyword).
    pub span: Span,
}

/// The three directives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectiveKind {
    /// `#disable-next-line CODE…`: the line below it.
    DisableNextLine,
    /// `#disable-diagnostics CODE…`: from here on.
    DisableDiagnostics,
    /// `#restore-diagnostics CODE…`: the end of the above.
    RestoreDiagnostics,
}
