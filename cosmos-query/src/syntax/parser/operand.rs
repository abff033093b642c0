//! Operands: signs before them, paths behind them, literals, calls and what stands in brackets.

use serde_json::Value;

use super::{Parser, Token, expression::WORDS};
use crate::{
    QueryError,
    syntax::{Expr, ExprKind, Quantifier, Span, Unary},
};

impl Parser<'_> {
    pub(super) fn prefix(&mut self) -> Result<Expr, QueryError> {
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
                let name = self.member_name()?;
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

    /// What an object calls a member: in quotes or without, and then any word, since a colon follows.
    fn member_name(&mut self) -> Result<String, QueryError> {
        match self.peek() {
            Token::Word(word) if !word.starts_with(|first: char| first.is_numeric()) => {
                let word = word.clone();
                self.advance();
                Ok(word)
            }
            _ => self.string(),
        }
    }

    pub(super) fn string(&mut self) -> Result<String, QueryError> {
        let Token::String(text) = self.peek().clone() else { return Err(self.unexpected()) };
        self.advance();
        Ok(text)
    }

    /// Expressions with commas between, up to a bracket.
    pub(super) fn list(&mut self, end: &str) -> Result<Vec<Expr>, QueryError> {
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

    pub(super) fn node(&self, start: Span, kind: ExprKind) -> Result<Expr, QueryError> {
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
