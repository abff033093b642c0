//! Tokens to a syntax tree. It recurses by what is nested, so nesting has an end; rows of operators it reads in a loop.

mod clauses;
mod expression;
mod operand;

use super::{
    Select, Span,
    lexer::{Token, tokens, utf16},
};
use crate::QueryError;

/// Bytes of a query's text; the service's documented limit of 512 KB.
const LONGEST: usize = 512 << 10;
/// Brackets, subqueries and operators in each other. Far more than anybody writes; the stack of a thread holds several times as many.
const DEEPEST: usize = 128;
/// Subqueries in each other.
const DEEPEST_SELECT: usize = 24;
/// Words that no property after a point and no alias may have unless in quotes.
const RESERVED: [&str; 25] = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "DESC",
    "DISTINCT",
    "EXISTS",
    "FALSE",
    "FROM",
    "GROUP",
    "IN",
    "JOIN",
    "LIKE",
    "NOT",
    "NULL",
    "OR",
    "ORDER",
    "SELECT",
    "TOP",
    "TRUE",
    "UDF",
    "UNDEFINED",
    "VALUE",
    "WHERE",
];
/// Words that begin a clause and so are no alias without AS, though they may be names elsewhere.
const CLAUSES: [&str; 5] = ["ARRAY", "ESCAPE", "LIMIT", "OFFSET", "RANK"];

/// Reads one query.
pub(crate) fn parse(text: &str) -> Result<Select, QueryError> {
    if text.len() > LONGEST {
        let message = format!("The SQL query text exceeded the maximum limit of {LONGEST} characters.");
        return Err(QueryError::whole("SC3001", message));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, level: 0, selects: 0 };
    let select = parser.select()?;
    parser.take(";");
    match parser.peek() {
        Token::End => Ok(select),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// What is open around this place.
    level: usize,
    /// How many of them are subqueries.
    selects: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.ahead(0)
    }

    /// The last token is the end, and nothing takes it.
    fn ahead(&self, count: usize) -> &Token {
        self.tokens.get(self.at + count).or(self.tokens.last()).map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(Span { start: 0, end: 0 }, |(_, span)| *span)
    }

    /// Of the token before.
    fn last(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map_or(Span { start: 0, end: 0 }, |(_, span)| *span)
    }

    /// From where a part began to the token before.
    fn since(&self, start: Span) -> Span {
        start.to(self.last())
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    fn unexpected(&self) -> QueryError {
        let span = self.span();
        let message = match self.peek() {
            Token::End => "Syntax error, unexpected end of the query text.".to_owned(),
            _ => {
                let near = self.text.get(span.start..span.end).unwrap_or("");
                format!("Syntax error, incorrect syntax near '{near}'.")
            }
        };
        QueryError::new("SC1001", utf16(self.text, span), message)
    }

    fn is_word(&self, count: usize, word: &str) -> bool {
        matches!(self.ahead(count), Token::Word(here) if here.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, count: usize, sign: &str) -> bool {
        matches!(self.ahead(count), Token::Sign(here) if *here == sign)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(0, word);
        self.at += usize::from(is);
        is
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is_sign(0, sign);
        self.at += usize::from(is);
        is
    }

    fn expect_word(&mut self, word: &str) -> Result<(), QueryError> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect(&mut self, sign: &str) -> Result<(), QueryError> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A name that is no reserved word.
    fn name(&mut self) -> Result<String, QueryError> {
        match self.peek() {
            Token::Word(word) if !is_reserved(word) && !word.starts_with(|first: char| first.is_numeric()) => {
                let word = word.clone();
                self.advance();
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// An alias without AS: a name that begins no clause.
    fn bare_alias(&mut self) -> Option<String> {
        match self.peek() {
            Token::Word(word)
                if !is_reserved(word) && !CLAUSES.iter().any(|clause| word.eq_ignore_ascii_case(clause)) =>
            {
                let word = word.clone();
                self.advance();
                Some(word)
            }
            _ => None,
        }
    }

    /// Reads something that has parts of its own kind.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        self.level += 1;
        self.check_depth(self.level)?;
        let result = read(self);
        self.level -= 1;
        result
    }

    fn check_depth(&self, depth: usize) -> Result<(), QueryError> {
        if depth <= DEEPEST { Ok(()) } else { Err(self.too_deep(DEEPEST)) }
    }

    fn too_deep(&self, limit: usize) -> QueryError {
        let message = format!("The SQL query is nested too deeply. The allowed limit is {limit}.");
        QueryError::new("SC1001", utf16(self.text, self.span()), message)
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}
