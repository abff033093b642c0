//! Tokens and the comments between them.

use super::ast::Directive;
use crate::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TokenKind {
    At,
    LeftBrace,
    RightBrace,
    LeftParen,
    RightParen,
    LeftSquare,
    RightSquare,
    Comma,
    Dot,
    Ellipsis,
    Question,
    DoubleQuestion,
    Colon,
    DoubleColon,
    Semicolon,
    Assign,
    Arrow,
    Plus,
    Minus,
    Asterisk,
    Slash,
    Percent,
    Caret,
    Exclamation,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Equal,
    NotEqual,
    EqualIgnoringCase,
    NotEqualIgnoringCase,
    And,
    Or,
    Pipe,
    Identifier,
    Integer,
    True,
    False,
    Null,
    /// A whole string.
    String,
    /// From the first quote to the first `${`.
    StringStart,
    /// From `}` to the next `${`.
    StringMiddle,
    /// From the last `}` to the last quote.
    StringEnd,
    /// One or more ends of lines with nothing between them.
    NewLine,
    /// The end of the file; always the last token, empty.
    End,
    /// A character that is no token; reported by the lexer.
    Unknown,
}

/// To which tokens comments belong, as the compiler has it: the formatter moves the others to the next token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comments {
    /// Comments around it are lost. They stand there in broken text only, or are given to the next token.
    Neither,
    /// Those before it.
    Before,
    /// Those after it on the same line; those before a closing bracket are items of the bracket.
    After,
    /// Both.
    Both,
}

impl TokenKind {
    /// To which side of the token comments belong.
    pub(crate) fn comments(self) -> Comments {
        use TokenKind::*;
        match self {
            NewLine | Pipe | At | Minus | End | LeftParen | LeftSquare | LeftBrace | StringStart => Comments::Before,
            RightParen | RightSquare | RightBrace | StringEnd | Question => Comments::After,
            Exclamation | False | True | Null | String | Integer | Identifier => Comments::Both,
            _ => Comments::Neither,
        }
    }
}

/// A token, with the comments that belong to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    /// Which of [`Tokens::trivia`] stand before it: from, to.
    pub(crate) before: (usize, usize),
    /// Which stand after it on its line: from, to.
    pub(crate) after: (usize, usize),
}

/// A comment or a directive.
#[derive(Clone, Debug)]
pub(crate) struct Trivia {
    pub(crate) kind: TriviaKind,
    pub(crate) span: Span,
}

/// What stands between tokens, white space aside.
#[derive(Clone, Debug)]
pub(crate) enum TriviaKind {
    LineComment,
    BlockComment,
    Directive(Directive),
}

/// A file as tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    pub(crate) trivia: Vec<Trivia>,
}

impl Tokens {
    /// Comments and directives before the token.
    pub(crate) fn before(&self, token: &Token) -> &[Trivia] {
        self.trivia.get(token.before.0..token.before.1).unwrap_or_default()
    }

    /// Comments after the token, on its line.
    pub(crate) fn after(&self, token: &Token) -> &[Trivia] {
        self.trivia.get(token.after.0..token.after.1).unwrap_or_default()
    }
}
