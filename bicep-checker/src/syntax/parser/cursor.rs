use super::Parser;
use crate::{
    Span,
    syntax::token::{Token, TokenKind},
};

impl Parser<'_> {
    /// The token `ahead` of here; behind the last one, the last one.
    pub(super) fn ahead(&self, ahead: usize) -> Token {
        let end = Token { kind: TokenKind::End, span: Span::default(), before: (0, 0), after: (0, 0) };
        self.tokens.get(self.at + ahead).or(self.tokens.last()).copied().unwrap_or(end)
    }

    pub(super) fn peek(&self) -> Token {
        self.ahead(0)
    }

    pub(super) fn kind(&self) -> TokenKind {
        self.peek().kind
    }

    /// The first token from here, or from `ahead` of here, that ends no line.
    pub(super) fn beyond_lines(&self, mut ahead: usize) -> Token {
        while self.ahead(ahead).kind == TokenKind::NewLine {
            ahead += 1;
        }
        self.ahead(ahead)
    }

    pub(super) fn is(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    pub(super) fn is_any(&self, kinds: &[TokenKind]) -> bool {
        kinds.contains(&self.kind())
    }

    pub(super) fn is_word(&self, token: Token, word: &str) -> bool {
        token.kind == TokenKind::Identifier && token.span.text(self.text) == word
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        self.is_word(self.peek(), word)
    }

    /// Takes the token here; the last one stays.
    pub(super) fn read(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    pub(super) fn take(&mut self, kind: TokenKind) -> Option<Token> {
        self.is(kind).then(|| self.read())
    }

    pub(super) fn take_word(&mut self, word: &str) -> Option<Token> {
        self.at_word(word).then(|| self.read())
    }

    pub(super) fn skip_lines(&mut self) {
        while self.take(TokenKind::NewLine).is_some() {}
    }
}
