//! From text to tokens.
//!
//! Strings with `${…}` come as several tokens with the tokens of the expressions between them, so the lexer remembers in
//! which strings it stands. A line may not end inside such an expression, not even one of a `'''` string.

mod string;
mod trivia;

pub(crate) use string::{Quotes, decode};

use super::token::{Comments, Token, TokenKind, Tokens};
use crate::{Diagnostic, Span};

/// Where `}` ends something else than an object.
#[derive(Clone, Copy, Debug)]
enum Hole {
    /// `{` inside an expression inside a string.
    Brace,
    /// `${` of such a string.
    String(Quotes),
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    holes: Vec<Hole>,
    out: Tokens,
    diagnostics: Vec<Diagnostic>,
}

/// The tokens of a text, the last of which is [`TokenKind::End`], and what is wrong with them.
pub(crate) fn tokens(text: &str) -> (Tokens, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, at: 0, holes: Vec::new(), out: Tokens::default(), diagnostics: Vec::new() };
    if text.starts_with('\u{feff}') {
        lexer.at = '\u{feff}'.len_utf8();
    }
    while lexer.token() != TokenKind::End {}
    (lexer.out, lexer.diagnostics)
}

impl<'a> Lexer<'a> {
    /// The byte `ahead` of here; 0 at the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The next character, without passing it.
    fn character(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    /// Passes bytes as long as they fit.
    fn skip_while(&mut self, fits: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while !self.is_at_end() && fits(self.peek(0)) {
            self.at += 1;
        }
        self.at - start
    }

    fn error(&mut self, code: &'static str, start: usize, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, Span::new(start, self.at), message));
    }

    fn token(&mut self) -> TokenKind {
        let first = self.out.trivia.len();
        self.trivia_before();
        let second = self.out.trivia.len();
        let start = self.at;
        let kind = self.kind();
        let span = Span::new(start, self.at);
        if kind == TokenKind::Unknown {
            self.unknown(span);
        }
        self.trivia_after(matches!(kind.comments(), Comments::After | Comments::Both));
        let third = self.out.trivia.len();
        self.out.tokens.push(Token { kind, span, before: (first, second), after: (second, third) });
        kind
    }

    fn unknown(&mut self, span: Span) {
        let text = span.text(self.text);
        let (code, message) = if text == "\"" {
            ("BCP103", "Strings stand in single quotes, `\"` is not recognized.".to_owned())
        } else {
            ("BCP001", format!("`{text}` is not recognized here."))
        };
        self.diagnostics.push(Diagnostic::error(code, span, message));
    }

    /// Passes one token and says what it is.
    fn kind(&mut self) -> TokenKind {
        let Some(first) = self.character() else {
            return TokenKind::End;
        };
        if let b'\n' | b'\r' = self.peek(0) {
            return self.new_line();
        }
        self.at += first.len_utf8();
        match first {
            '{' => {
                if !self.holes.is_empty() {
                    self.holes.push(Hole::Brace);
                }
                TokenKind::LeftBrace
            }
            '}' => self.right_brace(),
            '\'' => self.quote(),
            '$' => self.dollar(),
            '0'..='9' => {
                self.skip_while(|byte| byte.is_ascii_digit());
                TokenKind::Integer
            }
            'a'..='z' | 'A'..='Z' | '_' => self.identifier(),
            _ => self.symbol(first),
        }
    }

    fn new_line(&mut self) -> TokenKind {
        if self.holes.is_empty() {
            self.skip_while(|byte| matches!(byte, b'\n' | b'\r'));
            return TokenKind::NewLine;
        }
        self.holes.clear();
        self.error("BCP004", self.at, "The line ends inside a string.");
        TokenKind::StringEnd
    }

    fn right_brace(&mut self) -> TokenKind {
        match self.holes.last().copied() {
            Some(Hole::String(quotes)) => {
                let kind = self.string(quotes, false);
                if kind == TokenKind::StringEnd {
                    self.holes.pop();
                }
                kind
            }
            // The compiler never leaves an object inside `${…}` again, so that the string has no end. What it rejects is
            // rejected here.
            Some(Hole::Brace) | None => TokenKind::RightBrace,
        }
    }

    fn identifier(&mut self) -> TokenKind {
        let start = self.at - 1;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match &self.text[start..self.at] {
            "true" => TokenKind::True,
            "false" => TokenKind::False,
            "null" => TokenKind::Null,
            name => {
                if name.len() > 255 {
                    self.error("BCP024", start, "A name has at most 255 characters.");
                }
                TokenKind::Identifier
            }
        }
    }

    /// Passes the rest of an operator if it goes on with `rest`.
    fn goes_on(&mut self, rest: &str) -> bool {
        let goes_on = self.text[self.at..].starts_with(rest);
        if goes_on {
            self.at += rest.len();
        }
        goes_on
    }

    fn symbol(&mut self, first: char) -> TokenKind {
        use TokenKind::*;
        match first {
            '(' => LeftParen,
            ')' => RightParen,
            '[' => LeftSquare,
            ']' => RightSquare,
            '@' => At,
            ',' => Comma,
            ';' => Semicolon,
            '+' => Plus,
            '-' => Minus,
            '*' => Asterisk,
            '/' => Slash,
            '%' => Percent,
            '^' => Caret,
            '.' if self.goes_on("..") => Ellipsis,
            '.' => Dot,
            '?' if self.goes_on("?") => DoubleQuestion,
            '?' => Question,
            ':' if self.goes_on(":") => DoubleColon,
            ':' => Colon,
            '!' if self.goes_on("=") => NotEqual,
            '!' if self.goes_on("~") => NotEqualIgnoringCase,
            '!' => Exclamation,
            '<' if self.goes_on("=") => LessOrEqual,
            '<' => Less,
            '>' if self.goes_on("=") => GreaterOrEqual,
            '>' => Greater,
            '=' if self.goes_on("=") => Equal,
            '=' if self.goes_on("~") => EqualIgnoringCase,
            '=' if self.goes_on(">") => Arrow,
            '=' => Assign,
            '&' if self.goes_on("&") => And,
            '|' if self.goes_on("|") => Or,
            '|' => Pipe,
            _ => Unknown,
        }
    }
}
