use super::{Allow, Parse, Parser, Part};
use crate::syntax::{
    ast::{BinaryOperator, Expression, ExpressionKind, For, Name, UnaryOperator},
    token::TokenKind,
};

/// Where an operand that cannot be read ends at the latest.
const OPERAND: [TokenKind; 5] =
    [TokenKind::StringEnd, TokenKind::RightBrace, TokenKind::RightParen, TokenKind::RightSquare, TokenKind::NewLine];
const LOOP: [TokenKind; 2] = [TokenKind::RightSquare, TokenKind::NewLine];

/// The expression, or a node for the gap in its place.
pub(super) fn or_error(part: Part<Expression>) -> Expression {
    part.unwrap_or_else(|skipped| Expression { kind: ExpressionKind::Error, span: skipped.0 })
}

/// An operator between two values, and how tightly it binds.
fn binary(kind: TokenKind) -> Option<(BinaryOperator, u8)> {
    use BinaryOperator as Operator;
    Some(match kind {
        TokenKind::Asterisk => (Operator::Multiply, 7),
        TokenKind::Slash => (Operator::Divide, 7),
        TokenKind::Percent => (Operator::Remainder, 7),
        TokenKind::Plus => (Operator::Add, 6),
        TokenKind::Minus => (Operator::Subtract, 6),
        TokenKind::Less => (Operator::Less, 5),
        TokenKind::LessOrEqual => (Operator::LessOrEqual, 5),
        TokenKind::Greater => (Operator::Greater, 5),
        TokenKind::GreaterOrEqual => (Operator::GreaterOrEqual, 5),
        TokenKind::Equal => (Operator::Equal, 4),
        TokenKind::NotEqual => (Operator::NotEqual, 4),
        TokenKind::EqualIgnoringCase => (Operator::EqualIgnoringCase, 4),
        TokenKind::NotEqualIgnoringCase => (Operator::NotEqualIgnoringCase, 4),
        TokenKind::And => (Operator::And, 3),
        TokenKind::Or => (Operator::Or, 2),
        TokenKind::DoubleQuestion => (Operator::Coalesce, 1),
        _ => return None,
    })
}

impl Parser<'_> {
    /// Any value after `=`, `:` and the like.
    pub(super) fn value(&mut self) -> Parse<Expression> {
        self.expression(Allow::ALL)
    }

    pub(super) fn expression(&mut self, allow: Allow) -> Parse<Expression> {
        self.deeper(|parser| parser.ternary(allow))
    }

    /// `c ? a : b`. Lines may end before `?` and `:`.
    fn ternary(&mut self, allow: Allow) -> Parse<Expression> {
        let condition = self.binary(allow, 0)?;
        if self.beyond_lines(0).kind != TokenKind::Question {
            return Ok(condition);
        }
        self.skip_lines();
        self.read();
        const THEN: [TokenKind; 6] = [TokenKind::Colon, OPERAND[0], OPERAND[1], OPERAND[2], OPERAND[3], OPERAND[4]];
        let then = self.recover(false, &THEN, |parser| parser.expression(allow));
        if then.is_ok() && self.beyond_lines(0).kind == TokenKind::Colon {
            self.skip_lines();
        }
        let colon = self.recover(super::missing(&then), &OPERAND, |parser| parser.expect(TokenKind::Colon, ":"));
        let otherwise = self.recover(super::missing(&colon), &OPERAND, |parser| parser.expression(allow));
        let (then, otherwise) = (or_error(then), or_error(otherwise));
        let span = condition.span.to(otherwise.span);
        let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
        Ok(Expression { kind: ExpressionKind::Ternary { condition, then, otherwise }, span })
    }

    /// Values and the operators between them that bind tighter than `above`.
    fn binary(&mut self, allow: Allow, above: u8) -> Parse<Expression> {
        let mut left = self.unary(allow)?;
        while let Some((operator, binds)) = binary(self.kind()).filter(|(_, binds)| *binds > above) {
            let operator_span = self.read().span;
            self.link()?;
            let right = or_error(self.recover(false, &OPERAND, |parser| parser.binary(allow, binds)));
            let span = left.span.to(right.span);
            let (boxed, right) = (Box::new(left), Box::new(right));
            left = Expression { kind: ExpressionKind::Binary { operator, operator_span, left: boxed, right }, span };
        }
        Ok(left)
    }

    /// `!a`, `-a`; one sign at most.
    fn unary(&mut self, allow: Allow) -> Parse<Expression> {
        let operator = match self.kind() {
            TokenKind::Exclamation => UnaryOperator::Not,
            TokenKind::Minus => UnaryOperator::Minus,
            _ => return self.member(allow),
        };
        let start = self.read().span;
        let operand = or_error(self.recover(false, &OPERAND, |parser| parser.member(allow)));
        let span = start.to(operand.span);
        Ok(Expression { kind: ExpressionKind::Unary { operator, operand: Box::new(operand) }, span })
    }

    /// `[for …]`, with an object or `if` as its body if it makes resources or modules.
    pub(super) fn for_expression(&mut self, allow: Allow, deploys: bool) -> Parse<Expression> {
        let start = self.expect(TokenKind::LeftSquare, "[")?.span;
        self.skip_lines();
        self.expect_word("for")?;
        let before = self.diagnostics.len();
        let (item, index) = self.loop_variables()?;
        let sound = self.diagnostics.len() == before;
        let word = self.recover(!sound, &LOOP, |parser| parser.expect_word("in"));
        let until = [TokenKind::Colon, TokenKind::RightSquare, TokenKind::NewLine];
        let list = self.recover(super::missing(&word), &until, Self::value);
        let colon = self.recover(super::missing(&list), &LOOP, |parser| parser.expect(TokenKind::Colon, ":"));
        let body = self.recover(super::missing(&colon), &LOOP, |parser| parser.for_body(allow, deploys));
        if body.is_ok() {
            self.skip_lines();
        }
        let quiet = super::missing(&body);
        self.passes(quiet, &LOOP, |parser| parser.expect(TokenKind::RightSquare, "]"));
        let (list, body) = (or_error(list), or_error(body));
        let kind = ExpressionKind::For(Box::new(For { item, index, list, body }));
        Ok(Expression { kind, span: self.since(start) })
    }

    fn for_body(&mut self, allow: Allow, deploys: bool) -> Parse<Expression> {
        if !deploys {
            return self.value();
        }
        if self.is(TokenKind::LeftBrace) {
            return self.object_expression(allow);
        }
        if self.at_word("if") {
            return self.if_expression(allow, true);
        }
        Err(self.failure("BCP167", "`{` or `if` is expected here."))
    }

    /// `item` or `(item, index)`.
    fn loop_variables(&mut self) -> Parse<(Name, Option<Name>)> {
        match self.kind() {
            TokenKind::Identifier => Ok((self.identifier("BCP136", "the item")?, None)),
            TokenKind::LeftParen => {
                let start = self.peek().span;
                let list = self.parenthesized_list(false, |parser| parser.expression(Allow::SIMPLE))?;
                let names: Vec<Name> = list.items.iter().flatten().filter_map(variable).collect();
                if let ([item, index], 2) = (names.as_slice(), list.items.len()) {
                    return Ok((item.clone(), Some(index.clone())));
                }
                let span = self.since(start);
                if list.items.iter().all(Result::is_ok) {
                    let message = format!("A loop names an item and an index, here are {}.", names.len());
                    self.report("BCP249", span, message);
                }
                Ok((Name { text: String::new(), span }, None))
            }
            _ => {
                let gap = self.report_gap("BCP162", "The name of the item, or `(`, is expected here.");
                Ok((super::no_name(gap), None))
            }
        }
    }

    /// `if (…) { … }`
    pub(super) fn if_expression(&mut self, allow: Allow, in_loop: bool) -> Parse<Expression> {
        let start = self.expect_word("if")?.span;
        let until = [TokenKind::LeftBrace, TokenKind::NewLine, TokenKind::RightSquare];
        let until = &until[..if in_loop { 3 } else { 2 }];
        let before = self.diagnostics.len();
        let condition = self.recover(false, until, |parser| parser.parenthesized(Allow { resources: false, ..allow }));
        // A condition without its `)` has taken the body with it.
        let quiet = super::missing(&condition) || self.diagnostics[before..].iter().any(|found| found.code == "BCP018");
        let until = [TokenKind::NewLine, TokenKind::RightSquare];
        let until = &until[..if in_loop { 2 } else { 1 }];
        let body = self.recover(quiet, until, |parser| parser.object_expression(allow));
        let (condition, body) = (Box::new(or_error(condition)), Box::new(or_error(body)));
        Ok(Expression { kind: ExpressionKind::If { condition, body }, span: self.since(start) })
    }
}

/// The name that an expression is.
pub(super) fn variable(expression: &Expression) -> Option<Name> {
    match &expression.kind {
        ExpressionKind::Variable(name) => Some(name.clone()),
        _ => None,
    }
}
