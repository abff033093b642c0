use super::{Hole, Lexer};
use crate::{Diagnostic, Span, syntax::token::TokenKind};

/// How a string is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// `'…'`
    Single,
    /// `'''…'''` behind this many `$`; without any, nothing is interpolated.
    Triple(usize),
}

impl Quotes {
    /// Read off the first token of a string.
    pub(crate) fn of(text: &str) -> Self {
        let dollars = text.len() - text.trim_start_matches('$').len();
        if dollars > 0 || (text.len() > 2 && text.starts_with("''")) { Quotes::Triple(dollars) } else { Quotes::Single }
    }
}

impl Lexer<'_> {
    /// After the first quote.
    pub(super) fn quote(&mut self) -> TokenKind {
        if self.goes_on("''") { self.string(Quotes::Triple(0), true) } else { self.string(Quotes::Single, true) }
    }

    /// After the first `$`.
    pub(super) fn dollar(&mut self) -> TokenKind {
        let dollars = 1 + self.skip_while(|byte| byte == b'$');
        if self.goes_on("'''") { self.string(Quotes::Triple(dollars), true) } else { TokenKind::Unknown }
    }

    /// Passes characters up to the end of the string or to its next `${`.
    pub(super) fn string(&mut self, quotes: Quotes, first: bool) -> TokenKind {
        let goes_on = match quotes {
            Quotes::Single => self.single(),
            Quotes::Triple(dollars) => self.triple(dollars, self.at - if first { 3 + dollars } else { 1 }),
        };
        if goes_on && first {
            self.holes.push(Hole::String(quotes));
        }
        match (first, goes_on) {
            (true, true) => TokenKind::StringStart,
            (true, false) => TokenKind::String,
            (false, true) => TokenKind::StringMiddle,
            (false, false) => TokenKind::StringEnd,
        }
    }

    /// Whether the part ends with an opening `${`.
    fn single(&mut self) -> bool {
        let start = self.at.saturating_sub(1);
        loop {
            let Some(next) = self.character() else {
                self.error("BCP003", start, "The string has no end: a single quote is missing.");
                return false;
            };
            if matches!(next, '\n' | '\r') {
                self.error("BCP004", start, "The line ends inside a string.");
                return false;
            }
            let from = self.at;
            self.at += next.len_utf8();
            match next {
                '\'' => return false,
                '$' if self.peek(0) == b'{' => {
                    self.at += 1;
                    return true;
                }
                '\\' => self.escape(from),
                _ => {}
            }
        }
    }

    /// After a backslash, which stands at `start`.
    fn escape(&mut self, start: usize) {
        let Some((_, length)) = escaped(&self.text[start..]) else {
            let Some(next) = self.character() else {
                self.error("BCP005", start, "The string ends inside an escape.");
                return;
            };
            if next == 'u' {
                self.at += 1;
                if self.peek(0) == b'{' {
                    self.at += 1;
                    self.skip_while(|byte| byte.is_ascii_hexdigit());
                    if self.peek(0) == b'}' {
                        self.at += 1;
                    }
                }
                self.error("BCP133", start, "A character is written `\\u{0}` to `\\u{10FFFF}`.");
            } else {
                let end = if matches!(next, '\n' | '\r') { self.at } else { self.at + next.len_utf8() };
                let message = "Only `\\n`, `\\r`, `\\t`, `\\\\`, `\\'`, `\\$` and `\\u{…}` are escapes.";
                self.diagnostics.push(Diagnostic::error("BCP006", Span::new(start, end), message));
                // A quote or the end of the line still ends the string.
                self.at = end;
            }
            return;
        };
        self.at = start + length;
    }

    fn triple(&mut self, dollars: usize, start: usize) -> bool {
        while !self.is_at_end() {
            match self.peek(0) {
                b'$' => {
                    let found = self.skip_while(|byte| byte == b'$');
                    if dollars > 0 && found >= dollars && self.peek(0) == b'{' {
                        self.at += 1;
                        return true;
                    }
                }
                b'\'' => {
                    if self.skip_while(|byte| byte == b'\'') >= 3 {
                        return false;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.error("BCP140", start, "The string has no end: `'''` is missing.");
        false
    }
}

/// The characters that an escape at the start of `text` stands for, and its length.
///
/// `\u{d800}` and the like name half a character. .NET keeps them; here they become U+FFFD.
fn escaped(text: &str) -> Option<(String, usize)> {
    let simple = |character: &str| Some((character.to_owned(), 2));
    match text.as_bytes().get(1)? {
        b'n' => simple("\n"),
        b'r' => simple("\r"),
        b't' => simple("\t"),
        b'\\' => simple("\\"),
        b'\'' => simple("'"),
        b'$' if text[2..].starts_with('{') => Some(("${".to_owned(), 3)),
        b'$' => simple("$"),
        b'u' => {
            let digits = text[2..].strip_prefix('{')?;
            let digits = &digits[..digits.find(|c: char| !c.is_ascii_hexdigit())?];
            if !text[3 + digits.len()..].starts_with('}') {
                return None;
            }
            let number = u32::from_str_radix(digits, 16).ok().filter(|number| *number <= 0x0010_FFFF)?;
            let character = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
            Some((character.to_string(), digits.len() + 4))
        }
        _ => None,
    }
}

/// The value of a part of a string, and the place of its characters; `None` if the part is broken, which the lexer said.
pub(crate) fn decode(text: &str, kind: TokenKind, quotes: Quotes, start: usize) -> Option<(String, Span)> {
    let (quote, dollars) = match quotes {
        Quotes::Single => ("'", 1),
        Quotes::Triple(dollars) => ("'''", dollars),
    };
    let open = match (kind, quotes) {
        (TokenKind::String | TokenKind::StringStart, Quotes::Triple(dollars)) => "$".repeat(dollars) + quote,
        (TokenKind::String | TokenKind::StringStart, Quotes::Single) => quote.to_owned(),
        _ => "}".to_owned(),
    };
    let close = match kind {
        TokenKind::StringStart | TokenKind::StringMiddle => "$".repeat(dollars) + "{",
        _ => quote.to_owned(),
    };
    let inner = text.strip_prefix(open.as_str())?.strip_suffix(close.as_str())?;
    let span = Span::new(start + open.len(), start + open.len() + inner.len());
    if quotes != Quotes::Single {
        let first = matches!(kind, TokenKind::String | TokenKind::StringStart);
        // The line break after the opening quotes is not part of the value.
        let stripped = inner.strip_prefix("\r\n").or_else(|| inner.strip_prefix('\n')).filter(|_| first);
        return Some((stripped.unwrap_or(inner).to_owned(), span));
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(next) = rest.chars().next() {
        match next {
            '\'' => return None,
            '\\' => {
                let (characters, length) = escaped(rest)?;
                value.push_str(&characters);
                rest = &rest[length..];
            }
            _ => {
                value.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    Some((value, span))
}
