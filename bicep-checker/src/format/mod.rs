//! The formatter: what `bicep format` writes, with its defaults: lines of 120 columns, two spaces, `\n`, a final newline.
//!
//! The tree and its tokens become a document (`document`) whose groups the printer (`print`) sets on one line where they
//! fit and on several where not. What the author wrote decides in two ways only: a line break behind an opening bracket keeps
//! the items on lines of their own, and one blank line between two items stays.

mod document;
mod layout;
mod print;

use crate::{
    Diagnostic, Span,
    syntax::{
        self, FileKind,
        token::{Token, TokenKind, Tokens},
    },
};

/// The text as the formatter has it; a text that is formatted comes back as it is.
///
/// # Errors
///
/// The syntax errors of a text that has some: it is not formatted at all (the compiler formats the statements without errors).
/// Also a text that the compiler's formatter breaks: it sets a tuple type on one line even if its items have decorators, which
/// need lines of their own. Code `format` says so, at the start of the text.
pub fn format(text: &str, kind: FileKind) -> Result<String, Vec<Diagnostic>> {
    let (parsed, tokens) = syntax::parse(text, kind);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    let documents = layout::documents(text, &tokens, &parsed.file);
    let formatted = print::print(&documents);
    let (again, tokens_again) = syntax::parse(&formatted, kind);
    let message = if let Some(found) = again.diagnostics.first() {
        format!("Formatted, this file could no longer be read: {}", found.message)
    } else if words(&formatted, &tokens_again) != words(text, &tokens) {
        "Formatted, this file would say something else.".to_owned()
    } else {
        return Ok(formatted);
    };
    // Better no new text than a wrong one.
    Err(vec![Diagnostic::error("format", Span::default(), message)])
}

/// The tokens that give a text its meaning: commas and ends of lines stand for each other, and unions may begin with `|`.
fn words(text: &str, tokens: &Tokens) -> Vec<(TokenKind, String)> {
    let word = |token: &Token| (token.kind, token.span.text(text).replace("\r\n", "\n").replace('\r', "\n"));
    let counts = |token: &&Token| !matches!(token.kind, TokenKind::NewLine | TokenKind::Comma | TokenKind::Pipe);
    tokens.tokens.iter().filter(counts).map(word).collect()
}

#[cfg(test)]
mod tests;
