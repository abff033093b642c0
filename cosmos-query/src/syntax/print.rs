//! Syntax tree to text, in the form of the service's planner: each operation in brackets, strings in double quotes.

use serde_json::Value;

use super::{Binary, Chain, Collection, Count, Expr, ExprKind, Quantifier, Select, Source, Spec, Step, Unary};

/// How it is laid out.
#[derive(Clone, Copy)]
struct Layout {
    /// A clause a line, subqueries indented by this many levels; `None`: all in one line, and ASC is always written.
    level: Option<usize>,
    /// Whether `c.a` is written `c["a"]`, so that equal paths have equal texts.
    quoted: bool,
}

/// A query, a clause a line, or, on request, all in one line with every ASC written.
pub(crate) fn query(select: &Select, in_lines: bool) -> String {
    Layout { level: in_lines.then_some(0), quoted: false }.select(select)
}

/// An expression as the planner writes it.
pub(crate) fn expression(expr: &Expr) -> String {
    Layout { level: Some(0), quoted: false }.expr(expr)
}

/// A text that expressions of the same meaning share, as far as spelling goes.
pub(crate) fn canonical(expr: &Expr) -> String {
    Layout { level: None, quoted: true }.expr(expr)
}

/// A string in double quotes, with JSON's escapes.
pub(crate) fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A number as JSON has it; whole ones without a point up to where doubles are exact.
fn number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.parse::<i32>() {
        Ok(power) if (-5..15).contains(&power) => number.to_string(),
        Ok(power) => format!("{digits}E{power:+03}"),
        Err(_) => text,
    }
}

impl Layout {
    fn select(self, select: &Select) -> String {
        let mut clauses = vec![self.head(select)];
        for (index, source) in select.from.iter().enumerate() {
            clauses.push(format!("{} {}", if index == 0 { "FROM" } else { "JOIN" }, self.source(source)));
        }
        if let Some(filter) = &select.filter {
            clauses.push(format!("WHERE {}", self.expr(filter)));
        }
        if !select.group_by.is_empty() {
            clauses.push(format!("GROUP BY {}", self.list(&select.group_by)));
        }
        if !select.order_by.is_empty() {
            clauses.push(self.order(select));
        }
        if let Some(page) = &select.offset_limit {
            clauses.push(format!("OFFSET {} LIMIT {}", count(&page.offset), count(&page.limit)));
        }
        match self.level {
            Some(level) => clauses.join(&format!("\n{}", "    ".repeat(level))),
            None => clauses.join(" "),
        }
    }

    fn head(self, select: &Select) -> String {
        let mut head = String::from("SELECT ");
        if select.distinct {
            head.push_str("DISTINCT ");
        }
        if let Some((top, _)) = &select.top {
            head.push_str(&format!("TOP {} ", count(top)));
        }
        match &select.spec {
            Spec::Star(_) => head.push('*'),
            Spec::Value(expr) => head.push_str(&format!("VALUE {}", self.expr(expr))),
            Spec::List(items) => {
                let item = |(expr, alias): &(Expr, Option<String>)| match alias {
                    Some(alias) => format!("{} AS {alias}", self.expr(expr)),
                    None => self.expr(expr),
                };
                head.push_str(&items.iter().map(item).collect::<Vec<_>>().join(", "));
            }
        }
        head
    }

    fn order(self, select: &Select) -> String {
        let item = |item: &super::OrderItem| {
            let written = match item.descending {
                Some(true) => " DESC",
                Some(false) => " ASC",
                None if self.level.is_none() && !select.rank => " ASC",
                None => "",
            };
            format!("{}{written}", self.expr(&item.expr))
        };
        let items: Vec<_> = select.order_by.iter().map(item).collect();
        format!("ORDER BY {}{}", if select.rank { "RANK " } else { "" }, items.join(", "))
    }

    fn source(self, source: &Source) -> String {
        let collection = match &source.collection {
            Collection::Path { head, steps, .. } => {
                let steps: String = steps.iter().map(|step| self.step(step)).collect();
                format!("{head}{steps}")
            }
            Collection::Subquery(select) => self.subquery(select),
        };
        match &source.alias {
            Some(alias) if source.iterates => format!("{alias} IN {collection}"),
            Some(alias) => format!("{collection} AS {alias}"),
            None => collection,
        }
    }

    fn step(self, step: &Step) -> String {
        match step {
            Step::Member(name) if !self.quoted => format!(".{name}"),
            Step::Member(name) | Step::Quoted(name) => format!("[{}]", string(name)),
            Step::Element(index) => format!("[{index}]"),
        }
    }

    fn subquery(self, select: &Select) -> String {
        match self.level {
            Some(level) => {
                let inner = Layout { level: Some(level + 1), ..self };
                let (outer, indented) = ("    ".repeat(level), "    ".repeat(level + 1));
                format!("(\n{indented}{}\n{outer})", inner.select(select))
            }
            None => format!("({})", self.select(select)),
        }
    }

    fn list(self, all: &[Expr]) -> String {
        all.iter().map(|expr| self.expr(expr)).collect::<Vec<_>>().join(", ")
    }

    fn expr(self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Literal(Value::Number(value)) => value.as_f64().map_or_else(|| value.to_string(), number),
            ExprKind::Literal(value) => value.to_string(),
            ExprKind::Undefined => "undefined".into(),
            ExprKind::Parameter(name) | ExprKind::Name(name) => name.clone(),
            ExprKind::Member(of, name) => format!("{}{}", self.expr(of), self.step(&Step::Member(name.clone()))),
            ExprKind::Index(of, index) => format!("{}[{}]", self.expr(of), self.expr(index)),
            ExprKind::Array(items) => format!("[{}]", self.list(items)),
            ExprKind::Object(members) => {
                let member = |(name, value): &(String, Expr)| format!("{}: {}", string(name), self.expr(value));
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            ExprKind::Unary(operator, of) => format!("({} {})", unary(*operator), self.expr(of)),
            ExprKind::Binary(operator, left, right) => {
                format!("({} {} {})", self.expr(left), binary(*operator), self.expr(right))
            }
            ExprKind::Chain(chain, operands) => self.chain(*chain, operands),
            ExprKind::Conditional(all) => {
                let [condition, then, otherwise] = &**all;
                format!("({} ? {} : {})", self.expr(condition), self.expr(then), self.expr(otherwise))
            }
            ExprKind::Between { not, operands } => {
                let [value, low, high] = &**operands;
                let not = negation(*not);
                format!("({} {not}BETWEEN {} AND {})", self.expr(value), self.expr(low), self.expr(high))
            }
            ExprKind::In { not, value, list } => {
                format!("({} {}IN ({}))", self.expr(value), negation(*not), self.list(list))
            }
            ExprKind::Like { not, value, pattern, escape } => {
                let escape = escape.as_ref().map(|escape| format!(" ESCAPE {}", string(escape))).unwrap_or_default();
                format!("({} {}LIKE {}{escape})", self.expr(value), negation(*not), self.expr(pattern))
            }
            ExprKind::Call { name, arguments, .. } => format!("{name}({})", self.list(arguments)),
            ExprKind::UserDefined { name, arguments } => format!("udf.{name}({})", self.list(arguments)),
            ExprKind::Subquery(quantifier, select) => format!("{}{}", word(*quantifier), self.subquery(select)),
        }
    }

    /// From left to right: `((a AND b) AND c)`. There may be thousands, so it does not recurse.
    fn chain(self, chain: Chain, operands: &[Expr]) -> String {
        let sign = match chain {
            Chain::Or => "OR",
            Chain::And => "AND",
            Chain::Concat => "||",
        };
        let mut text = "(".repeat(operands.len().saturating_sub(1));
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                text.push_str(&format!(" {sign} "));
            }
            text.push_str(&self.expr(operand));
            if index > 0 {
                text.push(')');
            }
        }
        text
    }
}

fn count(count: &Count) -> String {
    match count {
        Count::Number(number) => number.to_string(),
        Count::Parameter(name) => name.clone(),
    }
}

fn negation(not: bool) -> &'static str {
    if not { "NOT " } else { "" }
}

fn word(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Scalar => "",
        Quantifier::Exists => "EXISTS",
        Quantifier::Array => "ARRAY",
        Quantifier::All => "ALL",
        Quantifier::First => "FIRST",
        Quantifier::Last => "LAST",
    }
}

fn unary(operator: Unary) -> &'static str {
    match operator {
        Unary::Not => "NOT",
        Unary::Minus => "-",
        Unary::Plus => "+",
        Unary::BitNot => "~",
    }
}

fn binary(operator: Binary) -> &'static str {
    match operator {
        Binary::Coalesce => "??",
        Binary::BitOr => "|",
        Binary::BitXor => "^",
        Binary::BitAnd => "&",
        Binary::Equal => "=",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessOrEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterOrEqual => ">=",
        Binary::ShiftLeft => "<<",
        Binary::ShiftRight => ">>",
        Binary::ShiftRightUnsigned => ">>>",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Modulo => "%",
    }
}
