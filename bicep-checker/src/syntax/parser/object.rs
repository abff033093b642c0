use super::{Allow, Parse, Parser, expression::or_error};
use crate::{
    Span,
    syntax::{
        ast::{ArrayItem, Expression, ExpressionKind, Key, Object, ObjectItem, Property},
        token::TokenKind,
    },
};

const IN_OBJECT: [TokenKind; 2] = [TokenKind::NewLine, TokenKind::RightBrace];
const IN_ARRAY: [TokenKind; 2] = [TokenKind::NewLine, TokenKind::RightSquare];

impl Parser<'_> {
    pub(super) fn array(&mut self) -> Parse<Expression> {
        let start = self.peek().span;
        let brackets = ((TokenKind::LeftSquare, "["), (TokenKind::RightSquare, "]"));
        let items = self.bracketed(brackets.0, brackets.1, |parser| {
            let item = parser.recover(false, &IN_ARRAY, |parser| {
                if parser.is(TokenKind::Ellipsis) {
                    let (value, span) = parser.spread(TokenKind::RightSquare);
                    return Ok(ArrayItem::Spread(value, span));
                }
                parser.value().map(ArrayItem::Value)
            });
            item.unwrap_or_else(|skipped| ArrayItem::Value(or_error(Err(skipped))))
        })?;
        Ok(Expression { kind: ExpressionKind::Array(items), span: self.since(start) })
    }

    /// At `...`
    fn spread(&mut self, close: TokenKind) -> (Expression, Span) {
        let start = self.read().span;
        let until = [TokenKind::Comma, TokenKind::NewLine, close];
        let value = or_error(self.recover(false, &until, Self::value));
        (value, self.since(start))
    }

    pub(super) fn object_expression(&mut self, allow: Allow) -> Parse<Expression> {
        let object = self.object(allow)?;
        let span = object.span;
        Ok(Expression { kind: ExpressionKind::Object(object), span })
    }

    pub(super) fn object(&mut self, allow: Allow) -> Parse<Object> {
        let start = self.peek().span;
        let brackets = ((TokenKind::LeftBrace, "{"), (TokenKind::RightBrace, "}"));
        let items = self.bracketed(brackets.0, brackets.1, |parser| {
            let item = parser.recover(false, &IN_OBJECT, |parser| parser.object_item(allow));
            item.unwrap_or_else(|skipped| ObjectItem::Error(skipped.0))
        })?;
        Ok(Object { items, span: self.since(start) })
    }

    fn object_item(&mut self, allow: Allow) -> Parse<ObjectItem> {
        let nested = self.at_word("resource") && self.ahead(1).kind == TokenKind::Identifier;
        if allow.resources && (nested || self.is(TokenKind::At)) {
            return self.nested_resource().map(ObjectItem::Resource);
        }
        if self.is(TokenKind::Ellipsis) {
            let (value, span) = self.spread(TokenKind::RightBrace);
            return Ok(ObjectItem::Spread(value, span));
        }
        let start = self.peek().span;
        let (key, quiet) = self.key(Self::property_key);
        let colon = self.recover(quiet, &IN_OBJECT, |parser| parser.expect(TokenKind::Colon, ":"));
        let value = or_error(self.recover(super::missing(&colon), &IN_OBJECT, Self::value));
        Ok(match key {
            Some(key) => ObjectItem::Property(Property { key, value, span: self.since(start) }),
            None => ObjectItem::Error(self.since(start)),
        })
    }

    /// What stands before a colon, and whether it is missing altogether.
    pub(super) fn key<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> (Option<T>, bool) {
        let until = [TokenKind::Colon, TokenKind::NewLine, TokenKind::RightBrace];
        let key = self.recover(false, &until, read);
        let quiet = super::missing(&key);
        (key.ok(), quiet)
    }

    pub(super) fn property_key(&mut self) -> Parse<Key> {
        let fault = self.failure("BCP022", "The name of a property is expected here.");
        match self.kind() {
            TokenKind::Identifier => {
                let token = self.read();
                Ok(Key::Name(self.name_of(token)))
            }
            TokenKind::String | TokenKind::StringStart => self.string().map(Key::String).map_err(|_| fault),
            _ => Err(fault),
        }
    }
}
