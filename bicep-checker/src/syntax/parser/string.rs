use super::{Allow, Parse, Parser, Part, Skipped};
use crate::{
    Span,
    syntax::{
        ast::{Expression, ExpressionKind, StringLiteral, StringPart},
        lexer::{Quotes, decode},
        token::{Token, TokenKind},
    },
};

const GO_ON: [TokenKind; 3] = [TokenKind::StringMiddle, TokenKind::StringEnd, TokenKind::NewLine];

impl Parser<'_> {
    /// A string where only a string may stand; a broken one counts as missing too.
    pub(super) fn required_string(&mut self, code: &'static str, what: &str) -> Parse<StringLiteral> {
        let failure = self.failure(code, format!("{what} in quotes is expected here."));
        self.string().map_err(|_| failure)
    }

    /// A string where the tokens begin one.
    pub(super) fn string(&mut self) -> Part<StringLiteral> {
        let start = self.peek();
        let quotes = Quotes::of(start.span.text(self.text));
        let mut string = StringLiteral { parts: Vec::new(), multiline: quotes != Quotes::Single, span: start.span };
        let mut sound = true;
        let chain = self.chain;
        let (mut whole, mut opening) = (TokenKind::String, TokenKind::StringStart);
        loop {
            let token = self.peek();
            if token.kind == whole {
                self.read();
                sound &= self.piece(&mut string.parts, token, quotes);
                break;
            }
            if token.kind == opening {
                self.read();
                sound &= self.piece(&mut string.parts, token, quotes);
                let (hole, closed) = self.sibling(chain, Self::hole);
                string.parts.push(StringPart::Expression(hole));
                if !closed {
                    sound = false;
                    break;
                }
            } else {
                sound = false;
                let failure = self.failure("BCP064", "This does not belong into `${…}`.");
                self.diagnostics.push(failure);
                self.skip_until(&GO_ON);
                if !self.is_any(&GO_ON[..2]) {
                    break;
                }
            }
            (whole, opening) = (TokenKind::StringEnd, TokenKind::StringMiddle);
        }
        let span = Span::new(start.span.start, self.since(start.span).end);
        if !sound {
            return Err(Skipped(span));
        }
        string.span = span;
        Ok(string)
    }

    /// Adds the characters of a token; false if they are broken, which the lexer reported.
    fn piece(&self, parts: &mut Vec<StringPart>, token: Token, quotes: Quotes) -> bool {
        let Some((value, span)) = decode(token.span.text(self.text), token.kind, quotes, token.span.start) else {
            return false;
        };
        if !value.is_empty() {
            parts.push(StringPart::Text { value, span });
        }
        true
    }

    /// The expression between `${` and `}`, and whether the string goes on behind it.
    fn hole(&mut self) -> (Expression, bool) {
        let start = self.at;
        let mut part = self.recover(false, &GO_ON, |parser| parser.expression(Allow::SIMPLE));
        if !self.is_any(&GO_ON) {
            let failure = self.failure("BCP064", "This does not belong into `${…}`.");
            self.diagnostics.push(failure);
            self.skip_until(&GO_ON);
            part = Err(Skipped(self.skipped_since(start)));
        }
        let closed = self.is_any(&GO_ON[..2]);
        let hole = part.unwrap_or_else(|skipped| Expression { kind: ExpressionKind::Error, span: skipped.0 });
        (hole, closed)
    }
}
