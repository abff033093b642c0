//! Scalar expressions. From loose to tight: `? :` and `??`; OR; AND; NOT; comparisons with words (IN, LIKE, BETWEEN); `||`; `|`; `^`;
//! `&`; `=`; `<`; shifts; `+`; `*`; signs before; `.` and `[]`.

use serde_json::Value;

use super::{Parser, Token};
use crate::{
    QueryError,
    syntax::{Binary, Chain, Expr, ExprKind, Quantifier, Span, Unary},
};

/// How tight operators bind: what is looser has a smaller number.
const COALESCE: u8 = 0;
const CONDITION: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
/// IN, LIKE and BETWEEN, of which there is one in a row.
const WORDS: u8 = 4;
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
    fn operators(&mut self, loosest: u8) -> Result<Expr, QueryError> {
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

    fn prefix(&mut self) -> Result<Expr, QueryError> {
        let operator = match self.peek() {
            Token::Sign("-") => Unary::Minus,
            Token::Sign("+") => Unary::Plus,
            Token::Sign("~") => Unary::BitNot,
            Token::Word(word) if word.eq_ignore_ascii_case("NOT") => Unary::Not,
            _ => return self.postfix(),
        };
        self.unary(operator)
    }

    fn unary(&mut self, operator: Unary) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        // A sign right before a number is the number's.
        if let Token::Number(number) = self.peek()
            && self.span().start == start.end
            && matches!(operator, Unary::Minus | Unary::Plus)
        {
            let number = if operator == Unary::Minus { -number } else { *number };
            self.advance();
            return self.node(start, ExprKind::Literal(crate::value::number(number)));
        }
        let of = if operator == Unary::Not {
            self.nested(|parser| parser.operators(WORDS))?
        } else {
            self.nested(Self::prefix)?
        };
        self.node(start, ExprKind::Unary(operator, Box::new(of)))
    }

    fn postfix(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let mut of = self.primary()?;
        loop {
            let kind = if self.take(".") {
                ExprKind::Member(Box::new(of), self.name()?)
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                ExprKind::Index(Box::new(of), Box::new(index))
            } else {
                return Ok(of);
            };
            of = self.node(start, kind)?;
        }
    }

    fn primary(&mut self) -> Result<Expr, QueryError> {
        match self.peek() {
            Token::Sign("(") => self.brackets(),
            Token::Sign("[") => self.array(),
            Token::Sign("{") => self.object(),
            Token::Word(_) => self.word(),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let kind = match self.peek().clone() {
            Token::String(text) => ExprKind::Literal(Value::String(text)),
            Token::Number(number) => ExprKind::Literal(crate::value::number(number)),
            Token::Parameter(name) if name.len() > 1 => ExprKind::Parameter(name),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.node(start, kind)
    }

    fn array(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        let items = self.list("]")?;
        self.node(start, ExprKind::Array(items))
    }

    fn word(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let Token::Word(word) = self.peek() else { return Err(self.unexpected()) };
        let upper = word.to_ascii_uppercase();
        let constant = match upper.as_str() {
            "TRUE" => ExprKind::Literal(Value::Bool(true)),
            "FALSE" => ExprKind::Literal(Value::Bool(false)),
            "NULL" => ExprKind::Literal(Value::Null),
            "UNDEFINED" => ExprKind::Undefined,
            "UDF" if self.is_sign(1, ".") => return self.user_defined(),
            "EXISTS" => return self.quantified(Quantifier::Exists),
            "ARRAY" => return self.quantified(Quantifier::Array),
            "ALL" if self.is_subquery(1) => return self.quantified(Quantifier::All),
            "FIRST" if self.is_subquery(1) => return self.quantified(Quantifier::First),
            "LAST" if self.is_subquery(1) => return self.quantified(Quantifier::Last),
            _ => return self.named(),
        };
        self.advance();
        self.node(start, constant)
    }

    fn is_subquery(&self, count: usize) -> bool {
        self.is_sign(count, "(") && self.is_word(count + 1, "SELECT")
    }

    fn quantified(&mut self, quantifier: Quantifier) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        if !self.is_subquery(0) {
            return Err(self.unexpected());
        }
        self.advance();
        let select = self.select()?;
        self.expect(")")?;
        self.node(start, ExprKind::Subquery(quantifier, Box::new(select)))
    }

    fn user_defined(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        self.expect(".")?;
        let name = self.name()?;
        self.expect("(")?;
        let arguments = self.list(")")?;
        self.node(start, ExprKind::UserDefined { name, arguments })
    }

    /// A name, or the call of a function.
    fn named(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let name = self.name()?;
        if !self.take("(") {
            return self.node(start, ExprKind::Name(name));
        }
        let arguments = self.list(")")?;
        self.node(start, ExprKind::Call { name, name_span: start, arguments })
    }

    /// A subquery or an expression in brackets; the latter leaves no trace.
    fn brackets(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        if self.is_word(0, "SELECT") {
            return self.scalar(start);
        }
        let mut inner = self.expression()?;
        self.expect(")")?;
        inner.span = self.since(start);
        Ok(inner)
    }

    fn scalar(&mut self, start: Span) -> Result<Expr, QueryError> {
        let select = self.select()?;
        self.expect(")")?;
        self.node(start, ExprKind::Subquery(Quantifier::Scalar, Box::new(select)))
    }

    fn object(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        self.advance();
        let mut members = Vec::new();
        if !self.take("}") {
            loop {
                let name = self.string()?;
                self.expect(":")?;
                members.push((name, self.expression()?));
                if !self.take(",") {
                    break;
                }
            }
            self.expect("}")?;
        }
        self.node(start, ExprKind::Object(members))
    }

    fn string(&mut self) -> Result<String, QueryError> {
        let Token::String(text) = self.peek().clone() else { return Err(self.unexpected()) };
        self.advance();
        Ok(text)
    }

    /// Expressions with commas between, up to a bracket.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, QueryError> {
        let mut all = Vec::new();
        if self.take(end) {
            return Ok(all);
        }
        loop {
            all.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect(end)?;
        Ok(all)
    }

    fn node(&self, start: Span, kind: ExprKind) -> Result<Expr, QueryError> {
        let mut expr = Expr { kind, span: self.since(start), depth: 0 };
        let children = expr.children().into_iter().map(|child| child.depth).max();
        let select = match &expr.kind {
            ExprKind::Subquery(_, select) => select.depth,
            _ => 0,
        };
        expr.depth = 1 + children.unwrap_or(0).max(select);
        self.check_depth(expr.depth)?;
        Ok(expr)
    }
}
