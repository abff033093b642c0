use super::{Allow, Parse, Parser, expression::or_error};
use crate::syntax::{
    ast::{Decorator, Expression, ExpressionKind},
    token::{Token, TokenKind},
};

impl Parser<'_> {
    /// The `@…` lines before a statement, a property of a type or an item of a tuple type.
    pub(super) fn decorators(&mut self) -> Vec<Decorator> {
        let mut decorators = Vec::new();
        while let Some(at) = self.take(TokenKind::At) {
            self.chain = 0;
            let expression = or_error(self.recover(false, &[TokenKind::NewLine], Self::decorator));
            decorators.push(Decorator { expression, span: self.since(at.span) });
            if !self.passes(false, &[TokenKind::NewLine], Self::new_line) {
                self.take(TokenKind::NewLine);
            }
            self.skip_lines();
        }
        decorators
    }

    pub(super) fn new_line(&mut self) -> Parse<Token> {
        self.take(TokenKind::NewLine).ok_or_else(|| self.failure("BCP019", "A new line is expected here."))
    }

    /// After `@`.
    fn decorator(&mut self) -> Parse<Expression> {
        let start = self.peek().span;
        let name = self.identifier("BCP123", "a decorator")?;
        let kind = if self.is(TokenKind::LeftParen) {
            ExpressionKind::Call { name, arguments: self.call(Allow::ALL)? }
        } else {
            ExpressionKind::Variable(name)
        };
        let mut base = Expression { kind, span: self.since(start) };
        while self.take(TokenKind::Dot).is_some() {
            self.link()?;
            let (boxed, name) = (Box::new(base), self.name_after_dot());
            let kind = if self.is(TokenKind::LeftParen) {
                ExpressionKind::MethodCall { base: boxed, name, arguments: self.call(Allow::ALL)? }
            } else {
                ExpressionKind::Property { base: boxed, name, safe: false }
            };
            base = Expression { kind, span: self.since(start) };
        }
        Ok(base)
    }
}
