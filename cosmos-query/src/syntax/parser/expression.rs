//! Scalar expressions. From loose to tight: `? :` and `??`; OR; AND; NOT; comparisons with words (IN, LIKE, BETWEEN); `||`; `|`; `^`;
//! `&`; `=`; `<`; shifts; `+`; `*`; signs before; `.` and `[]`.

use serde_json::Value;

use super::{Parser, Token};
use crate::{
    QueryError,
    syntax::{Binary, Chain, Expr, ExprKind, Quantifier, Span, Unary},
};

/// Operators by how tight they bind, the loosest first.
const LEVELS: [&[(&str, Binary)]; 8] = [
    &[("|", Binary::BitOr)],
    &[("^", Binary::BitXor)],
    &[("&", Binary::BitAnd)],
    &[("=", Binary::Equal), ("!=", Binary::NotEqual), ("<>", Binary::NotEqual)],
    &[("<", Binary::Less), ("<=", Binary::LessOrEqual), (">", Binary::Greater), (">=", Binary::GreaterOrEqual)],
    &[("<<", Binary::ShiftLeft), (">>", Binary::ShiftRight), (">>>", Binary::ShiftRightUnsigned)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Modulo)],
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr, QueryError> {
        self.nested(|parser| {
            let start = parser.span();
            let mut left = parser.conditional()?;
            while parser.take("??") {
                let right = parser.conditional()?;
                left = parser.node(start, ExprKind::Binary(Binary::Coalesce, Box::new(left), Box::new(right)))?;
            }
            Ok(left)
        })
    }

    fn conditional(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let condition = self.chain(Chain::Or)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let then = self.expression()?;
        self.expect(":")?;
        let otherwise = self.nested(Self::conditional)?;
        self.node(start, ExprKind::Conditional(Box::new([condition, then, otherwise])))
    }

    /// OR, AND and `||` in a row, as one node however many there are.
    fn chain(&mut self, chain: Chain) -> Result<Expr, QueryError> {
        let start = self.span();
        let mut operands = vec![self.chain_operand(chain)?];
        while match chain {
            Chain::Or => self.take_word("OR"),
            Chain::And => self.take_word("AND"),
            Chain::Concat => self.take("||"),
        } {
            operands.push(self.chain_operand(chain)?);
        }
        match operands.pop() {
            Some(only) if operands.is_empty() => Ok(only),
            last => {
                operands.extend(last);
                self.node(start, ExprKind::Chain(chain, operands))
            }
        }
    }

    fn chain_operand(&mut self, chain: Chain) -> Result<Expr, QueryError> {
        match chain {
            Chain::Or => self.chain(Chain::And),
            Chain::And => self.negation(),
            Chain::Concat => self.binary(0),
        }
    }

    fn negation(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        if !self.take_word("NOT") {
            return self.comparison();
        }
        let of = self.nested(Self::negation)?;
        self.node(start, ExprKind::Unary(Unary::Not, Box::new(of)))
    }

    /// What words compare: not in a row, `1 BETWEEN 2 AND 3 BETWEEN 4 AND 5` is nothing.
    fn comparison(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let value = self.chain(Chain::Concat)?;
        let not = self.is_word(0, "NOT") && ["IN", "LIKE", "BETWEEN"].iter().any(|word| self.is_word(1, word));
        if not {
            self.advance();
        }
        let kind = if self.take_word("BETWEEN") {
            let low = self.chain(Chain::Concat)?;
            self.expect_word("AND")?;
            let high = self.chain(Chain::Concat)?;
            ExprKind::Between { not, operands: Box::new([value, low, high]) }
        } else if self.take_word("IN") {
            self.expect("(")?;
            let list = self.list(")")?;
            if list.is_empty() {
                self.at -= 1;
                return Err(self.unexpected());
            }
            ExprKind::In { not, value: Box::new(value), list }
        } else if self.take_word("LIKE") {
            let pattern = Box::new(self.chain(Chain::Concat)?);
            let escape = if self.take_word("ESCAPE") { Some(self.string()?) } else { None };
            ExprKind::Like { not, value: Box::new(value), pattern, escape }
        } else {
            return Ok(value);
        };
        self.node(start, kind)
    }

    /// Operators that bind at least as tight as this level. It recurses only for what binds tighter, so brackets cost few frames.
    fn binary(&mut self, loosest: usize) -> Result<Expr, QueryError> {
        let start = self.span();
        let mut left = self.unary()?;
        while let Some((level, operator)) = self.operator().filter(|(level, _)| *level >= loosest) {
            self.advance();
            let right = self.binary(level + 1)?;
            left = self.node(start, ExprKind::Binary(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    /// The operator at this place, with how tight it binds.
    fn operator(&self) -> Option<(usize, Binary)> {
        let Token::Sign(sign) = self.peek() else { return None };
        LEVELS.iter().enumerate().find_map(|(level, operators)| {
            operators.iter().find(|(text, _)| text == sign).map(|(_, operator)| (level, *operator))
        })
    }

    fn unary(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let operator = match self.peek() {
            Token::Sign("-") => Unary::Minus,
            Token::Sign("+") => Unary::Plus,
            Token::Sign("~") => Unary::BitNot,
            Token::Word(word) if word.eq_ignore_ascii_case("NOT") => Unary::Not,
            _ => return self.postfix(),
        };
        self.advance();
        // A sign right before a number is the number's.
        if let Token::Number(number) = self.peek() {
            let adjacent = self.span().start == start.end;
            let number = match operator {
                Unary::Minus if adjacent => Some(-number),
                Unary::Plus if adjacent => Some(*number),
                _ => None,
            };
            if let Some(number) = number {
                self.advance();
                return self.node(start, ExprKind::Literal(crate::value::number(number)));
            }
        }
        let of = if operator == Unary::Not { self.nested(Self::comparison)? } else { self.nested(Self::unary)? };
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
        let start = self.span();
        let kind = match self.peek().clone() {
            Token::String(text) => ExprKind::Literal(Value::String(text)),
            Token::Number(number) => ExprKind::Literal(crate::value::number(number)),
            Token::Parameter(name) if name.len() > 1 => ExprKind::Parameter(name),
            Token::Sign("(") => return self.brackets(),
            Token::Sign("[") => {
                self.advance();
                let items = self.list("]")?;
                return self.node(start, ExprKind::Array(items));
            }
            Token::Sign("{") => return self.object(),
            Token::Word(word) => return self.word(&word),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.node(start, kind)
    }

    fn word(&mut self, word: &str) -> Result<Expr, QueryError> {
        let start = self.span();
        let upper = word.to_ascii_uppercase();
        let constant = match upper.as_str() {
            "TRUE" => Some(ExprKind::Literal(Value::Bool(true))),
            "FALSE" => Some(ExprKind::Literal(Value::Bool(false))),
            "NULL" => Some(ExprKind::Literal(Value::Null)),
            "UNDEFINED" => Some(ExprKind::Undefined),
            _ => None,
        };
        if let Some(constant) = constant {
            self.advance();
            return self.node(start, constant);
        }
        let quantifier = match upper.as_str() {
            "EXISTS" => Some(Quantifier::Exists),
            "ARRAY" => Some(Quantifier::Array),
            "ALL" => Some(Quantifier::All),
            "FIRST" => Some(Quantifier::First),
            "LAST" => Some(Quantifier::Last),
            _ => None,
        };
        if let Some(quantifier) = quantifier
            && self.is_sign(1, "(")
            && self.is_word(2, "SELECT")
        {
            self.advance();
            self.advance();
            let select = self.select()?;
            self.expect(")")?;
            return self.node(start, ExprKind::Subquery(quantifier, Box::new(select)));
        }
        if upper == "UDF" && self.is_sign(1, ".") {
            self.advance();
            self.advance();
            let name = self.name()?;
            self.expect("(")?;
            let arguments = self.list(")")?;
            return self.node(start, ExprKind::UserDefined { name, arguments });
        }
        if matches!(upper.as_str(), "EXISTS" | "ARRAY") {
            self.advance();
            return Err(self.unexpected());
        }
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
            let select = self.select()?;
            self.expect(")")?;
            return self.node(start, ExprKind::Subquery(Quantifier::Scalar, Box::new(select)));
        }
        let mut inner = self.expression()?;
        self.expect(")")?;
        inner.span = self.since(start);
        Ok(inner)
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
