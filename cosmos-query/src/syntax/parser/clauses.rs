//! SELECT and its clauses.

use super::{DEEPEST_SELECT, Parser, Token};
use crate::{
    QueryError,
    syntax::{Collection, Count, Expr, OffsetLimit, OrderItem, Select, Source, Spec, Step, utf16},
};

/// Expressions of an ORDER BY or GROUP BY.
const MOST_KEYS: usize = 100;
/// The largest number that TOP, OFFSET and LIMIT take.
const MOST: f64 = 4_294_967_295.0;

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Result<Select, QueryError> {
        self.selects += 1;
        if self.selects > DEEPEST_SELECT {
            return Err(self.too_deep(DEEPEST_SELECT));
        }
        let select = self.nested(Self::select_here);
        self.selects -= 1;
        select
    }

    fn select_here(&mut self) -> Result<Select, QueryError> {
        self.expect_word("SELECT")?;
        let distinct = self.take_word("DISTINCT");
        let start = self.span();
        let top = if self.take_word("TOP") {
            let message = "The count value provided for a TOP clause must be an integer.";
            let count = self.count("SC2060", message)?;
            Some((count, self.since(start)))
        } else {
            None
        };
        let spec = self.spec()?;
        let from = if self.take_word("FROM") { self.from()? } else { Vec::new() };
        let filter = if self.take_word("WHERE") { Some(self.expression()?) } else { None };
        let group_by = if self.is_word(0, "GROUP") { self.group_by()? } else { Vec::new() };
        let start = self.span();
        let (rank, order_by) = if self.is_word(0, "ORDER") { self.order_by()? } else { (false, Vec::new()) };
        let order_span = self.since(start);
        let offset_limit = if self.is_word(0, "OFFSET") { Some(self.offset_limit()?) } else { None };
        let mut select =
            Select { distinct, top, spec, from, filter, group_by, order_by, rank, order_span, offset_limit, depth: 0 };
        select.depth = 1 + depth(&select);
        self.check_depth(select.depth)?;
        Ok(select)
    }

    fn spec(&mut self) -> Result<Spec, QueryError> {
        let span = self.span();
        if self.take("*") {
            return Ok(Spec::Star(span));
        }
        if self.take_word("VALUE") {
            return Ok(Spec::Value(self.expression()?));
        }
        let mut items = Vec::new();
        loop {
            let expr = self.expression()?;
            let alias = if self.take_word("AS") { Some(self.name()?) } else { self.bare_alias() };
            items.push((expr, alias));
            if !self.take(",") {
                return Ok(Spec::List(items));
            }
        }
    }

    fn from(&mut self) -> Result<Vec<Source>, QueryError> {
        let mut sources = vec![self.source()?];
        while self.take_word("JOIN") {
            sources.push(self.source()?);
        }
        Ok(sources)
    }

    fn source(&mut self) -> Result<Source, QueryError> {
        if matches!(self.peek(), Token::Word(_)) && self.is_word(1, "IN") {
            let alias = Some(self.name()?);
            self.advance();
            let collection = self.collection()?;
            return Ok(Source { collection, alias, iterates: true });
        }
        let collection = self.collection()?;
        let alias = if self.take_word("AS") { Some(self.name()?) } else { self.bare_alias() };
        Ok(Source { collection, alias, iterates: false })
    }

    fn collection(&mut self) -> Result<Collection, QueryError> {
        if self.take("(") {
            let select = self.select()?;
            self.expect(")")?;
            return Ok(Collection::Subquery(Box::new(select)));
        }
        let head_span = self.span();
        let head = self.name()?;
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                steps.push(Step::Member(self.name()?));
            } else if self.take("[") {
                steps.push(match self.peek().clone() {
                    Token::String(name) => Step::Quoted(name),
                    Token::Number(index) if index >= 0.0 && index.fract() == 0.0 => Step::Element(index as u64),
                    _ => return Err(self.unexpected()),
                });
                self.advance();
                self.expect("]")?;
            } else {
                return Ok(Collection::Path { head, head_span, steps });
            }
            // Each step is a level of what the path resolves to.
            self.check_depth(steps.len())?;
        }
    }

    fn group_by(&mut self) -> Result<Vec<Expr>, QueryError> {
        self.advance();
        self.expect_word("BY")?;
        let mut all = vec![self.expression()?];
        while self.take(",") {
            check_count(all.len())?;
            all.push(self.expression()?);
        }
        Ok(all)
    }

    fn order_by(&mut self) -> Result<(bool, Vec<OrderItem>), QueryError> {
        self.advance();
        self.expect_word("BY")?;
        // RANK may be the name of something that is sorted by; then no other name follows it.
        let rank = self.is_word(0, "RANK") && matches!(self.ahead(1), Token::Word(_) | Token::Number(_));
        let rank = rank && self.take_word("RANK");
        let mut items = Vec::new();
        loop {
            if rank && !(matches!(self.peek(), Token::Word(_)) && self.is_sign(1, "(")) {
                return Err(self.unexpected());
            }
            let expr = self.expression()?;
            let descending = if self.take_word("DESC") { Some(true) } else { self.take_word("ASC").then_some(false) };
            items.push(OrderItem { expr, descending });
            if !self.take(",") {
                return Ok((rank, items));
            }
            check_count(items.len())?;
        }
    }

    fn offset_limit(&mut self) -> Result<OffsetLimit, QueryError> {
        let start = self.span();
        self.advance();
        let offset = self.count("SC2062", "The OFFSET count value exceeds the maximum allowed value.")?;
        self.expect_word("LIMIT")?;
        let limit = self.count("SC2061", "The LIMIT count value exceeds the maximum allowed value.")?;
        Ok(OffsetLimit { offset, limit, span: self.since(start) })
    }

    /// A number of rows, or a parameter that says it.
    fn count(&mut self, code: &'static str, message: &str) -> Result<Count, QueryError> {
        let span = self.span();
        let count = match self.peek() {
            Token::Number(number) if number.fract() != 0.0 || *number > MOST => {
                return Err(QueryError::new(code, utf16(self.text, span), message));
            }
            Token::Number(number) => Count::Number(*number as u64),
            Token::Parameter(name) => Count::Parameter(name.clone()),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(count)
    }
}

/// Whether ORDER BY or GROUP BY may have one more expression: each is compared with all others.
fn check_count(count: usize) -> Result<(), QueryError> {
    if count < MOST_KEYS {
        return Ok(());
    }
    Err(QueryError::whole("SC2990", format!("ORDER BY and GROUP BY have at most {MOST_KEYS} expressions here.")))
}

/// Levels of the deepest part.
fn depth(select: &Select) -> usize {
    let spec: Vec<&Expr> = match &select.spec {
        Spec::Star(_) => Vec::new(),
        Spec::Value(expr) => vec![expr],
        Spec::List(items) => items.iter().map(|(expr, _)| expr).collect(),
    };
    let order = select.order_by.iter().map(|item| &item.expr);
    let exprs = spec.into_iter().chain(&select.filter).chain(&select.group_by).chain(order).map(|expr| expr.depth);
    let sources = select.from.iter().map(|source| match &source.collection {
        Collection::Subquery(select) => select.depth,
        Collection::Path { steps, .. } => steps.len(),
    });
    exprs.chain(sources).max().unwrap_or(0)
}
