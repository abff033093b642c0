//! From the tree to documents.
//!
//! The layout walks the tree and its tokens side by side: the tree says what comes, the tokens bring its text, the comments
//! around it and the ends of lines. Comments that end a line cannot be set on one line with what follows: they are counted in
//! [`Layout::breaks`], and a bracket inside which the count rose is set on several lines.

mod brackets;
mod expression;
mod statement;
mod token;
mod types;

use super::document::{Document, Line, collapse, separate};
use crate::syntax::{
    ast::File,
    token::{Token, TokenKind, Tokens},
};

struct Layout<'a> {
    text: &'a str,
    tokens: &'a Tokens,
    at: usize,
    /// How often a line had to end so far.
    breaks: usize,
}

/// The documents of a file without syntax errors, ends of lines included.
pub(super) fn documents<'a>(text: &'a str, tokens: &'a Tokens, file: &File) -> Vec<Document<'a>> {
    let mut layout = Layout { text, tokens, at: 0, breaks: 0 };
    let mut documents = Vec::new();
    let mut statements = file.statements.iter();
    loop {
        match layout.kind() {
            Some(TokenKind::NewLine) => documents.extend(layout.token()),
            Some(TokenKind::End) | None => break,
            Some(_) => match statements.next() {
                Some(statement) => documents.extend(layout.statement(statement)),
                None => break,
            },
        }
    }
    documents.extend(layout.token());
    separate(collapse(documents).0, Line::Hard)
}

impl<'a> Layout<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.tokens.get(self.at)
    }

    fn kind(&self) -> Option<TokenKind> {
        self.peek().map(|token| token.kind)
    }

    fn is(&self, kind: TokenKind) -> bool {
        self.kind() == Some(kind)
    }

    /// Ends of lines here, as the comments that stand on them.
    fn lines(&mut self) -> Vec<Document<'a>> {
        let mut documents = Vec::new();
        while self.is(TokenKind::NewLine) {
            documents.extend(self.token());
        }
        documents
    }

    /// Whether comments stand at the ends of lines here.
    fn lines_have_comments(&self) -> bool {
        let rest = self.tokens.tokens.get(self.at..).unwrap_or_default();
        rest.iter().take_while(|token| token.kind == TokenKind::NewLine).any(|token| token.before.0 < token.before.1)
    }

    /// Pieces each of which goes on a line of its own, further right, if not all fit on one. `first` is the end of the line
    /// before the first of them.
    fn indented(&mut self, first: Option<Line>, pieces: impl FnOnce(&mut Self) -> Vec<Document<'a>>) -> Document<'a> {
        let before = self.breaks;
        let pieces = pieces(self).into_iter().filter(|piece| !piece.is_line()).collect();
        let mut indented: Vec<Document<'a>> = first.map(Document::Line).into_iter().collect();
        indented.extend(separate(pieces, Line::OrSpace));
        let indented = Document::Indent(indented);
        if indented.has_suffix() {
            // Nothing of these pieces follows the comment, so it does not break them.
            self.breaks = self.breaks.saturating_sub(1);
        }
        if self.breaks > before { Document::Row(vec![indented]) } else { Document::Group(vec![indented]) }
    }
}
