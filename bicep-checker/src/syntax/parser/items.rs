use super::{Parse, Parser};
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// The items of an object, an array or one of their types, up to the closing bracket: separated by ends of lines or by
    /// commas, never by both.
    fn items<T>(&mut self, close: TokenKind, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        let chain = self.chain;
        self.skip_lines();
        let mut separated = true;
        while !self.is(TokenKind::End) && !self.is(close) {
            if separated {
                items.push(self.sibling(chain, &mut item));
                separated = false;
                continue;
            }
            if self.take(TokenKind::Comma).is_some() {
                if self.is(TokenKind::NewLine) {
                    self.report_gap("BCP238", "A comma before the end of a line: one of both separates two items.");
                    self.read();
                }
            } else if self.is(TokenKind::NewLine) {
                self.skip_lines();
            } else {
                self.report_gap("BCP236", "A new line or a comma is expected here.");
            }
            separated = true;
        }
        items
    }

    /// Items in a pair of brackets.
    pub(super) fn bracketed<T>(
        &mut self,
        (open, open_text): (TokenKind, &str),
        (close, close_text): (TokenKind, &str),
        item: impl FnMut(&mut Self) -> T,
    ) -> Parse<Vec<T>> {
        self.expect(open, open_text)?;
        let items = self.items(close, item);
        self.expect(close, close_text)?;
        Ok(items)
    }

    /// Arguments up to, and with, the closing bracket: separated by commas, after which lines may end; no comma after the
    /// last one.
    pub(super) fn arguments<T>(
        &mut self,
        (close, close_text): (TokenKind, &str),
        mut argument: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let mut arguments = Vec::new();
        let chain = self.chain;
        if !self.is(close) {
            self.skip_lines();
        }
        let mut separated = true;
        while !self.is(TokenKind::End) && !self.is(close) {
            if separated {
                arguments.push(self.sibling(chain, &mut argument));
                separated = false;
                continue;
            }
            if self.take(TokenKind::Comma).is_some() {
                self.skip_lines();
                if self.is(close) {
                    // The argument that the comma promises: reported as missing.
                    arguments.push(self.sibling(chain, &mut argument));
                }
            } else if self.is(TokenKind::NewLine) {
                let ahead = self.lines_before_closing();
                match self.ahead(ahead).kind {
                    TokenKind::End => break,
                    kind if kind != close => {
                        self.report_gap("BCP237", "A comma is expected here.");
                    }
                    _ => {}
                }
                self.skip_lines();
            } else {
                self.report_gap("BCP236", "A new line or a comma is expected here.");
            }
            separated = true;
        }
        if self.take(close).is_none() {
            self.report_gap("BCP018", format!("`{close_text}` is expected here."));
        }
        arguments
    }

    /// How many tokens on, behind the end of this line and lines of comments, something else stands.
    fn lines_before_closing(&self) -> usize {
        let mut ahead = 1;
        while self.ahead(ahead).kind == TokenKind::NewLine && self.ahead(ahead).before.0 < self.ahead(ahead).before.1 {
            ahead += 1;
        }
        ahead
    }
}
