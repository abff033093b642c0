use super::{ArrayItem, Name, Object};
use crate::Span;

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// From its first to its last character.
    pub span: Span,
}

impl Expression {
    /// The object below `if` and `for` of a resource's or module's value.
    pub fn body(&self) -> Option<&Object> {
        match &self.kind {
            ExpressionKind::Object(object) => Some(object),
            ExpressionKind::If { body, .. } => body.body(),
            ExpressionKind::For(each) => each.body.body(),
            _ => None,
        }
    }

    /// The expression without the parentheses around it.
    pub fn inner(&self) -> &Expression {
        let mut inner = self;
        while let ExpressionKind::Parenthesized(next) = &inner.kind {
            inner = next;
        }
        inner
    }
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// `null`
    Null,
    /// `none`, only after `using`.
    None,
    /// `true`, `false`
    Boolean(bool),
    /// `12`; a sign is a [`ExpressionKind::Unary`]. 2^63 occurs only below a minus.
    Integer(u64),
    /// `'…'` in all forms.
    String(StringLiteral),
    /// `{ … }`
    Object(Object),
    /// `[ … ]`
    Array(Vec<ArrayItem>),
    /// `[for … in …: …]`
    For(Box<For>),
    /// `if (…) { … }`, as the value of a resource or module and as the body of its loop.
    If {
        /// The condition, with its parentheses ([`ExpressionKind::Parenthesized`]).
        condition: Box<Expression>,
        /// An object.
        body: Box<Expression>,
    },
    /// `(…)`
    Parenthesized(Box<Expression>),
    /// `c ? a : b`
    Ternary {
        /// Before `?`.
        condition: Box<Expression>,
        /// Between `?` and `:`.
        then: Box<Expression>,
        /// After `:`.
        otherwise: Box<Expression>,
    },
    /// `a + b`
    Binary {
        /// Which operator.
        operator: BinaryOperator,
        /// Its place.
        operator_span: Span,
        /// Before it.
        left: Box<Expression>,
        /// After it.
        right: Box<Expression>,
    },
    /// `!a`, `-a`
    Unary {
        /// Which operator.
        operator: UnaryOperator,
        /// What it applies to.
        operand: Box<Expression>,
    },
    /// A name: a parameter, variable, resource, module, namespace, …
    Variable(Name),
    /// `f(a, b)`
    Call {
        /// The function.
        name: Name,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// `x.f(a, b)`: a function of a namespace, of an import or of a resource (`listKeys`).
    MethodCall {
        /// Before the dot.
        base: Box<Expression>,
        /// The function.
        name: Name,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// `x.name`, `x.?name`
    Property {
        /// Before the dot.
        base: Box<Expression>,
        /// After it.
        name: Name,
        /// Whether it is `.?`.
        safe: bool,
    },
    /// `x::child`
    NestedResource {
        /// The parent.
        base: Box<Expression>,
        /// The symbolic name of the child.
        name: Name,
    },
    /// `x[i]`, `x[?i]`, `x[^i]`, `x[?^i]`
    Index {
        /// Before the bracket.
        base: Box<Expression>,
        /// In it.
        index: Box<Expression>,
        /// Whether `?` stands in it.
        safe: bool,
        /// Whether `^` stands in it: counted from the end, 1 is the last.
        from_end: bool,
    },
    /// `x!`
    NonNull(Box<Expression>),
    /// `x => …`, `(x, y) => …`
    Lambda {
        /// Its parameters.
        parameters: Vec<Name>,
        /// Whether they stand in parentheses.
        parenthesized: bool,
        /// What it computes.
        body: Box<Expression>,
    },
    /// Nothing that could be read; reported by the parser.
    Error,
}

/// `'…'`, `'''…'''`, `$'''…'''`
#[derive(Clone, Debug, PartialEq)]
pub struct StringLiteral {
    /// Its pieces in order; adjoining texts are one. Empty for `''`.
    pub parts: Vec<StringPart>,
    /// Whether it is written with `'''`.
    pub multiline: bool,
    /// With its quotes.
    pub span: Span,
}

impl StringLiteral {
    /// The value, where nothing is interpolated.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [StringPart::Text { value, .. }] => Some(value),
            _ => None,
        }
    }
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum StringPart {
    /// Characters, escapes already replaced.
    Text {
        /// The characters.
        value: String,
        /// Their place in the source.
        span: Span,
    },
    /// `${…}`
    Expression(Expression),
}

/// `[for item in list: body]`, `[for (item, index) in list: body]`
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// The item.
    pub item: Name,
    /// The index, where one is named.
    pub index: Option<Name>,
    /// What is looped over.
    pub list: Expression,
    /// A value; for resources and modules an object or `if`.
    pub body: Expression,
}

/// Operators between two values, from the loosest to the tightest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `??`
    Coalesce,
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    EqualIgnoringCase,
    /// `!~`
    NotEqualIgnoringCase,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// Operators before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Minus,
    /// `+`, which only types and errors know.
    Plus,
}
