use super::{Allow, Parse, Parser, Part, member::List};
use crate::{
    Span,
    syntax::{
        ast::{ObjectType, ObjectTypeItem, ObjectTypeKey, TupleItem, TypeExpression, TypeKind, UnaryOperator},
        token::TokenKind,
    },
};

const OPERAND: [TokenKind; 5] =
    [TokenKind::StringEnd, TokenKind::RightBrace, TokenKind::RightParen, TokenKind::RightSquare, TokenKind::NewLine];
const ARGUMENT: [TokenKind; 3] = [TokenKind::NewLine, TokenKind::Comma, TokenKind::Greater];
const IN_OBJECT: [TokenKind; 2] = [TokenKind::NewLine, TokenKind::RightBrace];
const IN_TUPLE: [TokenKind; 2] = [TokenKind::NewLine, TokenKind::RightSquare];

/// The type, or a node for the gap in its place.
pub(super) fn type_or_error(part: Part<TypeExpression>) -> TypeExpression {
    part.unwrap_or_else(|skipped| TypeExpression { kind: TypeKind::Error, span: skipped.0 })
}

impl Parser<'_> {
    /// The type of a parameter, variable, output or of a part of a function; also `resource 'T@v'`, for outputs without
    /// the string.
    pub(super) fn declared_type(&mut self, resource_alone: bool) -> Parse<TypeExpression> {
        if !self.at_word("resource") || self.ahead(1).kind == TokenKind::Less {
            return self.type_expression();
        }
        let start = self.read().span;
        let until = [TokenKind::Assign, TokenKind::NewLine];
        let ty = self.recover(false, &until, |parser| {
            if resource_alone && !parser.is_any(&[TokenKind::String, TokenKind::StringStart]) {
                return Ok(None);
            }
            parser.required_string("BCP068", "A resource type with its version").map(Some)
        });
        Ok(TypeExpression { kind: TypeKind::Resource(ty.ok().flatten()), span: self.since(start) })
    }

    /// A type, unions included.
    pub(super) fn type_expression(&mut self) -> Parse<TypeExpression> {
        self.deeper(Self::union)
    }

    fn at_pipe(&self) -> bool {
        self.is(TokenKind::Pipe) || (self.is(TokenKind::NewLine) && self.ahead(1).kind == TokenKind::Pipe)
    }

    fn union(&mut self) -> Parse<TypeExpression> {
        let leading = self.at_pipe();
        let mut start = self.peek().span;
        if leading {
            self.skip_lines();
            start = self.read().span;
        }
        let chain = self.chain;
        let first = self.suffixed_type()?;
        if !leading && !self.at_pipe() {
            return Ok(first);
        }
        let mut members = vec![first];
        while self.at_pipe() {
            self.skip_lines();
            self.read();
            if self.is(TokenKind::NewLine) {
                let gap = self.report_gap("BCP300", "A type is expected here, on the line of its `|`.");
                members.push(type_or_error(Err(gap)));
                continue;
            }
            let member = self.sibling(chain, |parser| parser.recover(false, &[], Self::suffixed_type));
            members.push(type_or_error(member));
        }
        Ok(TypeExpression { kind: TypeKind::Union(members), span: self.since(start) })
    }

    /// `t?`, `t!`
    fn suffixed_type(&mut self) -> Parse<TypeExpression> {
        let mut base = self.signed_type()?;
        while self.is_any(&[TokenKind::Question, TokenKind::Exclamation]) {
            self.link()?;
            let nullable = self.read().kind == TokenKind::Question;
            let span = self.since(base.span);
            let base_box = Box::new(base);
            let kind = if nullable { TypeKind::Nullable(base_box) } else { TypeKind::NonNull(base_box) };
            base = TypeExpression { kind, span };
        }
        Ok(base)
    }

    fn signed_type(&mut self) -> Parse<TypeExpression> {
        let operator = match self.kind() {
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Exclamation => UnaryOperator::Not,
            _ => return self.member_type(),
        };
        let start = self.read().span;
        let operand = Box::new(type_or_error(self.recover(false, &OPERAND, Self::member_type)));
        Ok(TypeExpression { kind: TypeKind::Unary { operator, operand }, span: self.since(start) })
    }

    /// `t[]`, `t[0]`, `t[*]`, `t.a`, `t.*`
    fn member_type(&mut self) -> Parse<TypeExpression> {
        let mut base = self.primary_type()?;
        while self.is_any(&[TokenKind::LeftSquare, TokenKind::Dot]) {
            self.link()?;
            let start = base.span;
            let square = self.read().kind == TokenKind::LeftSquare;
            let boxed = Box::new(base);
            let kind = if square { self.type_index(boxed)? } else { self.type_property(boxed)? };
            base = TypeExpression { kind, span: self.since(start) };
        }
        Ok(base)
    }

    fn type_index(&mut self, base: Box<TypeExpression>) -> Parse<TypeKind> {
        let kind = if self.is(TokenKind::RightSquare) {
            TypeKind::Array(base)
        } else if self.take(TokenKind::Asterisk).is_some() {
            TypeKind::Items(base)
        } else {
            let index = Box::new(self.expression(Allow::SIMPLE)?);
            TypeKind::Index { base, index }
        };
        self.expect(TokenKind::RightSquare, "]")?;
        Ok(kind)
    }

    fn type_property(&mut self, base: Box<TypeExpression>) -> Parse<TypeKind> {
        if self.take(TokenKind::Asterisk).is_some() {
            return Ok(TypeKind::AdditionalProperties(base));
        }
        let name = self.name_after_dot();
        if self.is(TokenKind::Less) {
            let arguments = self.type_arguments();
            return Ok(TypeKind::Instantiation { base: Some(base), name, arguments });
        }
        Ok(TypeKind::Property { base, name })
    }

    /// `<'T@v'>`
    fn type_arguments(&mut self) -> Vec<TypeExpression> {
        self.read();
        self.arguments((TokenKind::Greater, ">"), |parser| {
            type_or_error(parser.recover(false, &ARGUMENT, Self::type_expression))
        })
    }

    fn primary_type(&mut self) -> Parse<TypeExpression> {
        let token = self.peek();
        let kind = match token.kind {
            TokenKind::Integer => {
                let value = self.integer()?;
                self.read();
                TypeKind::Integer(value)
            }
            TokenKind::True | TokenKind::False => TypeKind::Boolean(self.read().kind == TokenKind::True),
            TokenKind::Null => {
                self.read();
                TypeKind::Null
            }
            TokenKind::String | TokenKind::StringStart => match self.string() {
                Ok(string) => TypeKind::String(string),
                Err(_) => TypeKind::Error,
            },
            TokenKind::LeftBrace => TypeKind::Object(self.object_type(token.span)?),
            TokenKind::LeftSquare => TypeKind::Tuple(self.tuple_type()?),
            TokenKind::LeftParen => {
                let list: List<TypeExpression> = self.parenthesized_list(false, Self::type_expression)?;
                TypeKind::Parenthesized(Box::new(type_or_error(self.only_item(list))))
            }
            TokenKind::Identifier => {
                self.read();
                let name = self.name_of(token);
                if self.is(TokenKind::Less) {
                    TypeKind::Instantiation { base: None, name, arguments: self.type_arguments() }
                } else {
                    TypeKind::Name(name)
                }
            }
            _ => return Err(self.failure("BCP279", "A type is expected here.")),
        };
        Ok(TypeExpression { kind, span: self.since(token.span) })
    }

    fn object_type(&mut self, start: Span) -> Parse<ObjectType> {
        let brackets = ((TokenKind::LeftBrace, "{"), (TokenKind::RightBrace, "}"));
        let items = self.bracketed(brackets.0, brackets.1, Self::object_type_item)?;
        Ok(ObjectType { items: items.into_iter().flatten().collect(), span: self.since(start) })
    }

    /// `None` where the key is broken; reported.
    fn object_type_item(&mut self) -> Option<ObjectTypeItem> {
        let decorators = self.decorators();
        let start = self.peek().span;
        let (key, quiet) = self.key(|parser| match parser.kind() {
            TokenKind::Asterisk => Ok(ObjectTypeKey::Any(parser.read().span)),
            TokenKind::Identifier | TokenKind::String | TokenKind::StringStart => {
                parser.property_key().map(ObjectTypeKey::Named)
            }
            _ => Err(parser.failure("BCP317", "The name of a property, or `*`, is expected here.")),
        });
        let colon = self.recover(quiet, &IN_OBJECT, |parser| parser.expect(TokenKind::Colon, ":"));
        let quiet = super::missing(&colon);
        let value = type_or_error(self.recover(quiet, &IN_OBJECT, Self::type_expression));
        Some(ObjectTypeItem { decorators, key: key?, value, span: self.since(start) })
    }

    fn tuple_type(&mut self) -> Parse<Vec<TupleItem>> {
        let brackets = ((TokenKind::LeftSquare, "["), (TokenKind::RightSquare, "]"));
        self.bracketed(brackets.0, brackets.1, |parser| {
            let decorators = parser.decorators();
            let value = type_or_error(parser.recover(false, &IN_TUPLE, Self::type_expression));
            TupleItem { decorators, value }
        })
    }
}
