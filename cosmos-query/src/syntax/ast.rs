//! The syntax tree of a query.

use serde_json::Value;

/// Bytes of the text: the first, and the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn to(self, end: Span) -> Span {
        Span { start: self.start, end: end.end }
    }
}

/// A SELECT with its clauses; of a subquery too.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) distinct: bool,
    pub(crate) top: Option<(Count, Span)>,
    pub(crate) spec: Spec,
    pub(crate) from: Vec<Source>,
    pub(crate) filter: Option<Expr>,
    pub(crate) group_by: Vec<Expr>,
    pub(crate) order_by: Vec<OrderItem>,
    /// Whether it is ORDER BY RANK.
    pub(crate) rank: bool,
    pub(crate) order_span: Span,
    pub(crate) offset_limit: Option<OffsetLimit>,
    pub(crate) depth: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct OffsetLimit {
    pub(crate) offset: Count,
    pub(crate) limit: Count,
    pub(crate) span: Span,
}

/// The number of TOP, OFFSET or LIMIT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Count {
    Number(u64),
    Parameter(String),
}

/// What is selected.
#[derive(Debug, Clone)]
pub(crate) enum Spec {
    Star(Span),
    Value(Expr),
    List(Vec<(Expr, Option<String>)>),
}

/// An element of FROM: the first, or that of a JOIN.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) collection: Collection,
    pub(crate) alias: Option<String>,
    /// Whether it is `alias IN collection`.
    pub(crate) iterates: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Collection {
    Path { head: String, head_span: Span, steps: Vec<Step> },
    Subquery(Box<Select>),
}

/// A step from a value into it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// `.name`
    Member(String),
    /// `["name"]`
    Quoted(String),
    /// `[0]`
    Element(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct OrderItem {
    pub(crate) expr: Expr,
    /// `None` where neither ASC nor DESC is written, which means ASC.
    pub(crate) descending: Option<bool>,
}

/// A scalar expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    /// Levels below it, which whatever walks the tree recurses by.
    pub(crate) depth: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Literal(Value),
    Undefined,
    Parameter(String),
    Name(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Array(Vec<Expr>),
    Object(Vec<(String, Expr)>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// Operators of one kind in a row: two or more operands.
    Chain(Chain, Vec<Expr>),
    Conditional(Box<[Expr; 3]>),
    Between {
        not: bool,
        operands: Box<[Expr; 3]>,
    },
    In {
        not: bool,
        value: Box<Expr>,
        list: Vec<Expr>,
    },
    Like {
        not: bool,
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<String>,
    },
    Call {
        name: String,
        name_span: Span,
        arguments: Vec<Expr>,
    },
    UserDefined {
        name: String,
        arguments: Vec<Expr>,
    },
    Subquery(Quantifier, Box<Select>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
    BitNot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Coalesce,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    Or,
    And,
    Concat,
}

/// What is asked of the rows of a subquery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// The only row.
    Scalar,
    Exists,
    Array,
    All,
    First,
    Last,
}

impl Expr {
    /// Its direct parts; subqueries are not among them.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Undefined
            | ExprKind::Parameter(_)
            | ExprKind::Name(_)
            | ExprKind::Subquery(..) => Vec::new(),
            ExprKind::Member(of, _) | ExprKind::Unary(_, of) => vec![of],
            ExprKind::Index(left, right) | ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::Array(all) | ExprKind::Chain(_, all) => all.iter().collect(),
            ExprKind::Call { arguments, .. } | ExprKind::UserDefined { arguments, .. } => arguments.iter().collect(),
            ExprKind::Object(members) => members.iter().map(|(_, value)| value).collect(),
            ExprKind::Conditional(all) | ExprKind::Between { operands: all, .. } => all.iter().collect(),
            ExprKind::In { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
            ExprKind::Like { value, pattern, .. } => vec![value, pattern],
        }
    }
}

impl Source {
    /// What it is called: its alias, or the last name of its path.
    pub(crate) fn alias(&self) -> Option<&str> {
        match (&self.alias, &self.collection) {
            (Some(alias), _) => Some(alias),
            (None, Collection::Path { head, steps, .. }) => match steps.last() {
                None => Some(head),
                Some(Step::Member(name) | Step::Quoted(name)) => Some(name),
                Some(Step::Element(_)) => None,
            },
            _ => None,
        }
    }
}
