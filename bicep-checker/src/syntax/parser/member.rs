use super::{
    Allow, Parse, Parser, Part, Skipped,
    expression::{or_error, variable},
};
use crate::{
    Span,
    syntax::{
        ast::{Expression, ExpressionKind, StringLiteral},
        token::TokenKind,
    },
};

const ARGUMENT: [TokenKind; 3] = [TokenKind::NewLine, TokenKind::Comma, TokenKind::RightParen];
const IN_PARENTHESES: [TokenKind; 6] = [
    TokenKind::StringEnd,
    TokenKind::RightBrace,
    TokenKind::RightParen,
    TokenKind::RightSquare,
    TokenKind::NewLine,
    TokenKind::Comma,
];

/// What stands between parentheses.
pub(super) struct List<T> {
    pub(super) items: Vec<Part<T>>,
    /// Whether ends of lines stand in it, or a comma behind the last item.
    pub(super) loose: bool,
    /// From the first item, or end of a line, to the last.
    pub(super) inner: Span,
}

/// Words that begin a statement: behind `=>` at the end of a line they are no body.
const DECLARATIONS: [&str; 9] =
    ["assert", "import", "metadata", "param", "var", "resource", "output", "module", "type"];

impl Parser<'_> {
    /// A value with what is accessed of it: `.a`, `[0]`, `::child`, `!`.
    pub(super) fn member(&mut self, allow: Allow) -> Parse<Expression> {
        let mut base = self.primary(allow)?;
        loop {
            let kind = self.kind();
            if !matches!(kind, TokenKind::LeftSquare | TokenKind::Dot | TokenKind::DoubleColon | TokenKind::Exclamation)
            {
                return Ok(base);
            }
            self.link()?;
            let start = base.span;
            self.read();
            let boxed = Box::new(base);
            let kind = match kind {
                TokenKind::LeftSquare => self.index(allow, boxed)?,
                TokenKind::Dot => self.property(allow, boxed)?,
                TokenKind::DoubleColon => ExpressionKind::NestedResource { base: boxed, name: self.name_after_dot() },
                _ => ExpressionKind::NonNull(boxed),
            };
            base = Expression { kind, span: self.since(start) };
        }
    }

    /// After `[`.
    fn index(&mut self, allow: Allow, base: Box<Expression>) -> Parse<ExpressionKind> {
        let safe = self.take(TokenKind::Question).is_some();
        let from_end = self.take(TokenKind::Caret).is_some();
        let index = if self.is(TokenKind::RightSquare) {
            or_error(Err(self.report_gap("BCP117", "The brackets need an index.")))
        } else {
            self.expression(allow)?
        };
        self.expect(TokenKind::RightSquare, "]")?;
        Ok(ExpressionKind::Index { base, index: Box::new(index), safe, from_end })
    }

    /// After `.`
    fn property(&mut self, allow: Allow, base: Box<Expression>) -> Parse<ExpressionKind> {
        let question = self.take(TokenKind::Question);
        let name = self.name_after_dot();
        if !self.is(TokenKind::LeftParen) {
            return Ok(ExpressionKind::Property { base, name, safe: question.is_some() });
        }
        if let Some(question) = question {
            self.report("BCP322", question.span, "`.?` stands before properties, not before functions.");
        }
        let arguments = self.call(allow)?;
        Ok(ExpressionKind::MethodCall { base, name, arguments })
    }

    /// `(a, b)` behind the name of a function.
    pub(super) fn call(&mut self, allow: Allow) -> Parse<Vec<Expression>> {
        self.expect(TokenKind::LeftParen, "(")?;
        Ok(self.arguments((TokenKind::RightParen, ")"), |parser| {
            or_error(parser.recover(false, &ARGUMENT, |parser| parser.expression(allow)))
        }))
    }

    fn primary(&mut self, allow: Allow) -> Parse<Expression> {
        let token = self.peek();
        let literal = |parser: &mut Self, kind| {
            parser.read();
            Ok(Expression { kind, span: token.span })
        };
        match token.kind {
            TokenKind::Null => literal(self, ExpressionKind::Null),
            TokenKind::True => literal(self, ExpressionKind::Boolean(true)),
            TokenKind::False => literal(self, ExpressionKind::Boolean(false)),
            TokenKind::Integer => {
                let value = self.integer()?;
                literal(self, ExpressionKind::Integer(value))
            }
            TokenKind::String | TokenKind::StringStart => Ok(string_expression(self.string())),
            TokenKind::LeftBrace if allow.complex => self.object_expression(allow),
            TokenKind::LeftSquare if allow.complex => {
                if self.is_word(self.beyond_lines(1), "for") {
                    self.for_expression(allow, false)
                } else {
                    self.array()
                }
            }
            TokenKind::LeftBrace | TokenKind::LeftSquare => {
                Err(self.failure("BCP087", "Objects and arrays may not stand here."))
            }
            TokenKind::LeftParen => self.parentheses_or_lambda(allow),
            TokenKind::Identifier => self.name_or_call(allow),
            _ => Err(self.failure("BCP009", "A value is expected here.")),
        }
    }

    /// The number at hand, without taking its token.
    pub(super) fn integer(&self) -> Parse<u64> {
        let text = self.peek().span.text(self.text);
        text.parse().map_err(|_| self.failure("BCP010", "The number does not fit 64 bits."))
    }

    fn name_or_call(&mut self, allow: Allow) -> Parse<Expression> {
        let token = self.read();
        let name = self.name_of(token);
        let kind = match self.kind() {
            TokenKind::LeftParen => ExpressionKind::Call { name, arguments: self.call(allow)? },
            TokenKind::Arrow => {
                ExpressionKind::Lambda { parameters: vec![name], parenthesized: false, body: self.lambda_body() }
            }
            _ => ExpressionKind::Variable(name),
        };
        Ok(Expression { kind, span: self.since(token.span) })
    }

    /// At `=>`: what follows it, on this line or below.
    pub(super) fn lambda_body(&mut self) -> Box<Expression> {
        self.read();
        let next = self.beyond_lines(0).span.text(self.text);
        if !DECLARATIONS.contains(&next) {
            self.skip_lines();
        }
        let until = [TokenKind::NewLine, TokenKind::RightParen];
        Box::new(or_error(self.recover(false, &until, Self::value)))
    }

    /// `(…)` around one or more parts.
    pub(super) fn parenthesized_list<T>(
        &mut self,
        lines: bool,
        mut item: impl FnMut(&mut Self) -> Parse<T>,
    ) -> Parse<List<T>> {
        let open = self.expect(TokenKind::LeftParen, "(")?;
        let first = self.at;
        let mut items = Vec::new();
        let mut loose = false;
        let mut separate = |parser: &mut Self| {
            if lines && parser.is(TokenKind::NewLine) {
                parser.skip_lines();
                loose = true;
            }
        };
        separate(self);
        let chain = self.chain;
        let mut comma = false;
        while !self.is(TokenKind::RightParen) {
            items.push(self.sibling(chain, |parser| parser.recover(false, &IN_PARENTHESES, &mut item)));
            separate(self);
            comma = self.take(TokenKind::Comma).is_some();
            if !comma {
                break;
            }
            separate(self);
        }
        let inner = if self.at == first { open.span.after() } else { self.skipped_since(first) };
        let quiet = items.last().is_some_and(super::missing);
        let until = [IN_PARENTHESES[0], IN_PARENTHESES[1], IN_PARENTHESES[3], IN_PARENTHESES[4]];
        self.passes(quiet, &until, |parser| parser.expect(TokenKind::RightParen, ")"));
        Ok(List { items, loose: loose || comma, inner })
    }

    /// `(…)` around exactly one value.
    pub(super) fn parenthesized(&mut self, allow: Allow) -> Parse<Expression> {
        let start = self.peek().span;
        let list = self.parenthesized_list(true, |parser| parser.expression(allow))?;
        Ok(self.grouped(start, list))
    }

    fn grouped(&mut self, start: Span, list: List<Expression>) -> Expression {
        let span = self.since(start);
        let inner = or_error(self.only_item(list));
        Expression { kind: ExpressionKind::Parenthesized(Box::new(inner)), span }
    }

    /// The one item of a list, on the line of its parentheses.
    pub(super) fn only_item<T>(&mut self, mut list: List<T>) -> Part<T> {
        if list.items.len() == 1 && !list.loose {
            return list.items.pop().unwrap_or(Err(Skipped(list.inner)));
        }
        self.report("BCP243", list.inner, "Parentheses hold exactly one value, on one line with its parentheses.");
        Err(Skipped(list.inner))
    }

    fn parentheses_or_lambda(&mut self, allow: Allow) -> Parse<Expression> {
        let start = self.peek().span;
        let list = self.parenthesized_list(true, |parser| parser.expression(allow))?;
        if !self.is(TokenKind::Arrow) {
            return Ok(self.grouped(start, list));
        }
        let mut parameters = Vec::new();
        for item in list.items.iter().flatten() {
            match variable(item) {
                Some(name) => parameters.push(name),
                None => self.report("BCP015", item.span, "The name of a variable is expected here."),
            }
        }
        let body = self.lambda_body();
        let kind = ExpressionKind::Lambda { parameters, parenthesized: true, body };
        Ok(Expression { kind, span: self.since(start) })
    }
}

fn string_expression(part: Part<StringLiteral>) -> Expression {
    or_error(part.map(|string| {
        let span = string.span;
        Expression { kind: ExpressionKind::String(string), span }
    }))
}
