//! From tokens to the tree.
//!
//! A part that cannot be read is a [`Failure`]: it travels up to the nearest [`Parser::recover`], which reports it and passes
//! over tokens up to one that its caller can go on with. Where that passes over nothing, the parts that follow stay silent:
//! `param` alone on a line is one fault, not three.

mod cursor;
mod decorator;
mod expression;
mod function;
mod imports;
mod items;
mod member;
mod object;
mod params;
mod statement;
mod string;
mod types;

use super::{
    FileKind,
    ast::{Name, Statement},
    token::{Token, TokenKind},
};
use crate::{Diagnostic, Span};

/// How deep brackets may stand in each other, and how long a chain `a.b.c` or `a + b + c` may be. Both become the height of
/// the tree, which is walked by recursion; what people write stays far below.
const DEPTH: usize = 60;
const CHAIN: usize = 240;

/// The fault because of which a part has no tree. Not yet reported.
type Failure = Diagnostic;
type Parse<T> = Result<T, Failure>;

/// Text without a tree whose fault is reported. It may be empty: something is missing there.
#[derive(Clone, Copy, Debug)]
struct Skipped(Span);

/// A part, or the gap in its place.
type Part<T> = Result<T, Skipped>;

/// Whether the part is missing altogether, so that faults in what follows it would only repeat that.
fn missing<T>(part: &Part<T>) -> bool {
    part.as_ref().is_err_and(|skipped| skipped.0.start == skipped.0.end)
}

/// Where values of a kind may stand.
#[derive(Clone, Copy, Debug)]
struct Allow {
    /// Objects and arrays; not in `${…}`.
    complex: bool,
    /// `resource` in objects.
    resources: bool,
}

impl Allow {
    const ALL: Self = Self { complex: true, resources: false };
    const SIMPLE: Self = Self { complex: false, resources: false };
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    chain: usize,
    diagnostics: Vec<Diagnostic>,
}

/// The statements of a file and its faults, those of its tokens aside.
pub(super) fn statements(text: &str, tokens: &[Token], kind: FileKind) -> (Vec<Statement>, Vec<Diagnostic>) {
    let mut parser = Parser { text, tokens, at: 0, depth: 0, chain: 0, diagnostics: Vec::new() };
    let statements = parser.file(kind);
    (statements, parser.diagnostics)
}

impl Parser<'_> {
    /// From `start` to the end of the last token taken.
    fn since(&self, start: Span) -> Span {
        let last = self.at.checked_sub(1).and_then(|last| self.tokens.get(last));
        Span::new(start.start, last.map_or(start.end, |token| token.span.end).max(start.start))
    }

    /// A fault at the token here; the end of a line is pointed at without its extent.
    fn failure(&self, code: &'static str, message: impl Into<String>) -> Failure {
        let token = self.peek();
        let span = if token.kind == TokenKind::NewLine { token.span.before() } else { token.span };
        Diagnostic::error(code, span, message)
    }

    /// Reports a fault that needs no recovery.
    fn report(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span, message));
    }

    /// Reports that something is missing before the token here.
    fn report_gap(&mut self, code: &'static str, message: impl Into<String>) -> Skipped {
        let span = self.peek().span.before();
        self.report(code, span, message);
        Skipped(span)
    }

    fn expect(&mut self, kind: TokenKind, character: &str) -> Parse<Token> {
        self.take(kind).ok_or_else(|| self.failure("BCP018", format!("`{character}` is expected here.")))
    }

    fn expect_word(&mut self, word: &str) -> Parse<Token> {
        self.take_word(word).ok_or_else(|| self.failure("BCP012", format!("The word `{word}` is expected here.")))
    }

    fn assign(&mut self) -> Parse<Token> {
        self.expect(TokenKind::Assign, "=")
    }

    fn name_of(&self, token: Token) -> Name {
        Name { text: token.span.text(self.text).to_owned(), span: token.span }
    }

    fn identifier(&mut self, code: &'static str, what: &str) -> Parse<Name> {
        match self.take(TokenKind::Identifier) {
            Some(token) => Ok(self.name_of(token)),
            None => Err(self.failure(code, format!("The name of {what} is expected here."))),
        }
    }

    /// A name after a dot: where it is missing, nothing is passed over.
    fn name_after_dot(&mut self) -> Name {
        match self.identifier("BCP020", "a function or property") {
            Ok(name) => name,
            Err(fault) => {
                let gap = self.report_gap(fault.code, fault.message);
                Name { text: String::new(), span: gap.0 }
            }
        }
    }

    /// Reads a part; if that fails, passes over everything up to one of the tokens `until`.
    fn recover<T>(&mut self, quiet: bool, until: &[TokenKind], read: impl FnOnce(&mut Self) -> Parse<T>) -> Part<T> {
        let start = self.at;
        let reported = self.diagnostics.len();
        read(self).map_err(|failure| {
            // What was found in a part goes with the part, as in the compiler.
            self.diagnostics.truncate(reported);
            if !quiet {
                self.diagnostics.push(failure);
            }
            self.skip_until(until);
            Skipped(self.skipped_since(start))
        })
    }

    /// The same for a part that leaves nothing in the tree. Whether it was there.
    fn passes<T>(&mut self, quiet: bool, until: &[TokenKind], read: impl FnOnce(&mut Self) -> Parse<T>) -> bool {
        self.recover(quiet, until, read).is_ok()
    }

    fn skip_until(&mut self, until: &[TokenKind]) {
        while !self.is(TokenKind::End) && !self.is_any(until) {
            self.read();
        }
    }

    /// The place of the tokens from that index to here; empty if there are none.
    fn skipped_since(&self, start: usize) -> Span {
        match self.tokens.get(start..self.at) {
            Some([first, .., last]) => first.span.to(last.span),
            Some([only]) => only.span,
            _ => self.peek().span.before(),
        }
    }

    /// Reads something one bracket deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH {
            return Err(self.failure("nesting", format!("Brackets stand more than {DEPTH} deep in each other.")));
        }
        self.depth += 1;
        let part = read(self);
        self.depth -= 1;
        part
    }

    /// Counts a link of a chain.
    fn link(&mut self) -> Parse<()> {
        if self.chain >= CHAIN {
            return Err(self.failure("nesting", format!("A chain of more than {CHAIN} links.")));
        }
        self.chain += 1;
        Ok(())
    }

    /// Reads something whose chains start where those of its siblings do. Returns with it how long its chains became.
    fn sibling<T>(&mut self, start: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let longest = std::mem::replace(&mut self.chain, start);
        let part = read(self);
        self.chain = self.chain.max(longest);
        part
    }
}

/// The name in a gap.
fn no_name(skipped: Skipped) -> Name {
    Name { text: String::new(), span: skipped.0 }
}
