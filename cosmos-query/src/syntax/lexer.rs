//! Query text to tokens.

use super::Span;
use crate::QueryError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword; which of them depends on where it stands.
    Word(String),
    /// With the `@`.
    Parameter(String),
    String(String),
    Number(f64),
    /// Operators and brackets.
    Sign(&'static str),
    End,
}

/// Longer signs first.
const SIGNS: [&str; 33] = [
    ">>>", "<<", ">>", "!=", "<>", "<=", ">=", "||", "??", "=", "<", ">", "+", "-", "*", "/", "%", "|", "&", "^", "~",
    "?", ":", ",", ".", "(", ")", "[", "]", "{", "}", ";", "!",
];

/// Reads a text to tokens with where each stands. The last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, QueryError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut all = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        all.push((token, Span { start, end: lexer.at }));
        if end {
            return Ok(all);
        }
    }
}

/// A place in bytes as .NET counts it: in UTF-16 units.
pub(crate) fn utf16(text: &str, span: Span) -> (usize, usize) {
    let units = |end: usize| text.get(..end).unwrap_or(text).encode_utf16().count();
    (units(span.start), units(span.end))
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn refuse(&self, code: &'static str, start: usize, what: &str) -> QueryError {
        let span = Span { start, end: self.at };
        let near: String = self.text.get(start..self.at).unwrap_or("").chars().take(64).collect();
        QueryError::new(code, utf16(self.text, span), format!("Syntax error, {what} '{near}'."))
    }

    /// Blanks, `-- to the end of the line` and `/* comments */`.
    fn skip_blanks(&mut self) -> Result<(), QueryError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("--") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let start = self.at;
                // The star of `/*` is not that of `*/` too: `/*/` opens a comment.
                let Some(end) = trimmed.get(2..).and_then(|inside| inside.find("*/")) else {
                    self.at = self.text.len();
                    return Err(self.refuse("SC1001", start, "unterminated comment near"));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, QueryError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let second = rest.chars().nth(1);
        match first {
            '"' | '\'' => self.string(first),
            '0' if matches!(second, Some('x' | 'X')) => self.hexadecimal(),
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|next| next.is_ascii_digit()) => self.number(),
            '@' => {
                self.at += 1;
                let name = self.word();
                Ok(Token::Parameter(format!("@{name}")))
            }
            _ if is_word(first) => Ok(Token::Word(self.word().to_owned())),
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Ok(Token::Sign(sign))
                }
                None => {
                    let start = self.at;
                    self.at += first.len_utf8();
                    Err(self.refuse("SC1001", start, "incorrect syntax near"))
                }
            },
        }
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    fn digits(&mut self) -> usize {
        let rest = self.rest().as_bytes();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// `1`, `1.5`, `.5`, `1e-7`.
    fn number(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let mut good = true;
        let whole = self.digits();
        if self.rest().starts_with('.') {
            self.at += 1;
            good = self.digits() > 0;
        } else {
            good &= whole > 0;
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            good &= self.digits() > 0;
        }
        // No name follows a number without a blank.
        good &= self.word().is_empty();
        let text = self.text.get(start..self.at).unwrap_or("");
        match text.parse::<f64>() {
            Ok(number) if good && number.is_finite() => Ok(Token::Number(number)),
            _ => Err(self.refuse("SC1012", start, "invalid numeric value token")),
        }
    }

    /// `0x1F`, of 64 bits at most.
    fn hexadecimal(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let digits = self.word().get(2..).unwrap_or("");
        match u64::from_str_radix(digits, 16) {
            Ok(number) => Ok(Token::Number(number as f64)),
            Err(_) => Err(self.refuse("SC1012", start, "invalid numeric value token")),
        }
    }

    fn string(&mut self, quote: char) -> Result<Token, QueryError> {
        let start = self.at;
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        let mut pushed = [0; 2];
        loop {
            let Some(character) = self.rest().chars().next() else {
                return Err(self.refuse("SC1010", start, "invalid string literal token"));
            };
            self.at += character.len_utf8();
            if character == quote {
                // Half of a surrogate pair is no text; JSON of clients cannot carry it either.
                return Ok(Token::String(String::from_utf16_lossy(&units)));
            }
            if character != '\\' {
                units.extend_from_slice(character.encode_utf16(&mut pushed));
                continue;
            }
            match self.escape() {
                Some(unit) => units.push(unit),
                None => return Err(self.refuse("SC1010", start, "invalid string literal token")),
            }
        }
    }

    /// What follows a backslash: JSON's escapes, and either quote.
    fn escape(&mut self) -> Option<u16> {
        let character = self.rest().chars().next()?;
        self.at += character.len_utf8();
        Some(match character {
            '\'' | '"' | '\\' | '/' => character as u16,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits =
                    self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
                self.at += 4;
                u16::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        })
    }
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
