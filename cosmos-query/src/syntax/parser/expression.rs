//! Scalar expressions. From loose to tight: `? :` and `??`; OR; AND; NOT; comparisons with words (IN, LIKE, BETWEEN); `||`; `|`; `^`;
//! `&`; `=`; `<`; shifts; `+`; `*`; signs before; `.` and `[]`.

use super::{Parser, Token};
use crate::{
    QueryError,
    syntax::{Binary, Chain, Expr, ExprKind, Span},
};

/// How tight operators bind: what is looser has a smaller number.
const COALESCE: u8 = 0;
const CONDITION: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
/// IN, LIKE and BETWEEN, of which there is one in a row.
pub(super) const WORDS: u8 = 4;
const CONCAT: u8 = 5;

/// An operator behind an operand.
#[derive(Clone, Copy)]
enum Infix {
    Condition,
    Words,
    Chain(Chain),
    Binary(Binary),
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr, QueryError> {
        self.level += 1;
        self.check_depth(self.level)?;
        let result = self.operators(COALESCE);
        self.level -= 1;
        result
    }

    /// An operand and the operators behind it that bind at least as tight as this. Whatever is nested costs few frames, so that much may
    /// be.
    pub(super) fn operators(&mut self, loosest: u8) -> Result<Expr, QueryError> {
        let start = self.span();
        let mut left = self.prefix()?;
        let mut tightest = u8::MAX;
        while let Some((level, infix)) = self.infix().filter(|(level, _)| (loosest..=tightest).contains(level)) {
            left = self.joined(start, left, level, infix)?;
            if level == WORDS {
                tightest = WORDS - 1;
            }
        }
        Ok(left)
    }

    /// The operator at this place, with how tight it binds.
    fn infix(&self) -> Option<(u8, Infix)> {
        let sign = match self.peek() {
            Token::Sign(sign) => *sign,
            Token::Word(_) => {
                let negated = usize::from(self.is_word(0, "NOT"));
                return match () {
                    () if self.is_word(0, "OR") => Some((OR, Infix::Chain(Chain::Or))),
                    () if self.is_word(0, "AND") => Some((AND, Infix::Chain(Chain::And))),
                    () if ["IN", "LIKE", "BETWEEN"].iter().any(|word| self.is_word(negated, word)) => {
                        Some((WORDS, Infix::Words))
                    }
                    () => None,
                };
            }
            _ => return None,
        };
        let (above, binary) = match sign {
            "??" => return Some((COALESCE, Infix::Binary(Binary::Coalesce))),
            "?" => return Some((CONDITION, Infix::Condition)),
            "||" => return Some((CONCAT, Infix::Chain(Chain::Concat))),
            "|" => (1, Binary::BitOr),
            "^" => (2, Binary::BitXor),
            "&" => (3, Binary::BitAnd),
            "=" => (4, Binary::Equal),
            "!=" | "<>" => (4, Binary::NotEqual),
            "<" => (5, Binary::Less),
            "<=" => (5, Binary::LessOrEqual),
            ">" => (5, Binary::Greater),
            ">=" => (5, Binary::GreaterOrEqual),
            "<<" => (6, Binary::ShiftLeft),
            ">>" => (6, Binary::ShiftRight),
            ">>>" => (6, Binary::ShiftRightUnsigned),
            "+" => (7, Binary::Add),
            "-" => (7, Binary::Subtract),
            "*" => (8, Binary::Multiply),
            "/" => (8, Binary::Divide),
            "%" => (8, Binary::Modulo),
            _ => return None,
        };
        Some((CONCAT + above, Infix::Binary(binary)))
    }

    fn joined(&mut self, start: Span, left: Expr, level: u8, infix: Infix) -> Result<Expr, QueryError> {
        match infix {
            Infix::Condition => self.condition(start, left),
            Infix::Words => self.words(start, left),
            Infix::Chain(chain) => {
                self.advance();
                let right = self.tighter(level)?;
                self.chained(start, chain, left, right)
            }
            Infix::Binary(operator) => {
                self.advance();
                let right = self.tighter(level)?;
                self.node(start, ExprKind::Binary(operator, Box::new(left), Box::new(right)))
            }
        }
    }

    fn tighter(&mut self, level: u8) -> Result<Expr, QueryError> {
        self.operators(level + 1)
    }

    /// OR, AND and `||` in a row are one node, however many there are; brackets around the first of them say nothing new.
    fn chained(&mut self, start: Span, chain: Chain, mut left: Expr, right: Expr) -> Result<Expr, QueryError> {
        match &mut left.kind {
            ExprKind::Chain(kind, operands) if *kind == chain => {
                left.depth = left.depth.max(right.depth + 1);
                operands.push(right);
                left.span = self.since(start);
                self.check_depth(left.depth)?;
                Ok(left)
            }
            _ => self.node(start, ExprKind::Chain(chain, vec![left, right])),
        }
    }

    fn condition(&mut self, start: Span, condition: Expr) -> Result<Expr, QueryError> {
        self.advance();
        let then = self.expression()?;
        self.expect(":")?;
        let otherwise = self.nested(|parser| parser.operators(CONDITION))?;
        self.node(start, ExprKind::Conditional(Box::new([condition, then, otherwise])))
    }

    fn words(&mut self, start: Span, value: Expr) -> Result<Expr, QueryError> {
        let not = self.take_word("NOT");
        let value = Box::new(value);
        let kind = if self.take_word("BETWEEN") {
            let low = self.tighter(WORDS)?;
            self.expect_word("AND")?;
            let high = self.tighter(WORDS)?;
            ExprKind::Between { not, operands: Box::new([*value, low, high]) }
        } else if self.take_word("IN") {
            self.expect("(")?;
            if self.is_sign(0, ")") {
                return Err(self.unexpected());
            }
            ExprKind::In { not, value, list: self.list(")")? }
        } else {
            self.expect_word("LIKE")?;
            let pattern = Box::new(self.tighter(WORDS)?);
            let escape = if self.take_word("ESCAPE") { Some(self.string()?) } else { None };
            ExprKind::Like { not, value, pattern, escape }
        };
        self.node(start, kind)
    }
}
