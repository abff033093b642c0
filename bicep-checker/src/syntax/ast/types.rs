use super::{Decorator, Expression, Key, Name, StringLiteral, UnaryOperator};
use crate::Span;

/// A type as written, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpression {
    /// What it is.
    pub kind: TypeKind,
    /// From its first to its last character.
    pub span: Span,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `string`, `int`, `myType`, a namespace before a dot.
    Name(Name),
    /// `'a'`
    String(StringLiteral),
    /// `1`
    Integer(u64),
    /// `true`
    Boolean(bool),
    /// `null`
    Null,
    /// `-1`, `!true`
    Unary {
        /// Which operator.
        operator: UnaryOperator,
        /// What it applies to.
        operand: Box<TypeExpression>,
    },
    /// `t?`
    Nullable(Box<TypeExpression>),
    /// `t!`
    NonNull(Box<TypeExpression>),
    /// `t[]`
    Array(Box<TypeExpression>),
    /// `{ … }`
    Object(ObjectType),
    /// `[ a, b ]`
    Tuple(Vec<TupleItem>),
    /// `a | b`; at least two, or one after a leading `|`.
    Union(Vec<TypeExpression>),
    /// `(t)`
    Parenthesized(Box<TypeExpression>),
    /// `t.name`
    Property {
        /// Before the dot.
        base: Box<TypeExpression>,
        /// After it.
        name: Name,
    },
    /// `t.*`: the type of the properties that are not named.
    AdditionalProperties(Box<TypeExpression>),
    /// `t[0]`: an item of a tuple.
    Index {
        /// Before the bracket.
        base: Box<TypeExpression>,
        /// In it: a number.
        index: Box<Expression>,
    },
    /// `t[*]`: the type of an array's items.
    Items(Box<TypeExpression>),
    /// `resourceInput<'T@v'>`, `sys.resourceOutput<'T@v'>`
    Instantiation {
        /// The namespace, where one is written.
        base: Option<Box<TypeExpression>>,
        /// Before the bracket.
        name: Name,
        /// In it.
        arguments: Vec<TypeExpression>,
    },
    /// `resource 'T@v'`, the old way to type a parameter or output.
    Resource(Option<StringLiteral>),
    /// Nothing that could be read; reported by the parser.
    Error,
}

/// `{ name: type, *: type }`
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectType {
    /// What stands in it, in order.
    pub items: Vec<ObjectTypeItem>,
    /// With its braces.
    pub span: Span,
}

/// A property of an object type.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectTypeItem {
    /// The `@…` lines above it.
    pub decorators: Vec<Decorator>,
    /// Its name, or `*` for all others.
    pub key: ObjectTypeKey,
    /// Its type.
    pub value: TypeExpression,
    /// From key to type.
    pub span: Span,
}

/// The key of a property of an object type.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectTypeKey {
    /// `name:`, `'name':`
    Named(Key),
    /// `*:`, with its place.
    Any(Span),
}

/// An item of a tuple type.
#[derive(Clone, Debug, PartialEq)]
pub struct TupleItem {
    /// The `@…` lines above it.
    pub decorators: Vec<Decorator>,
    /// Its type.
    pub value: TypeExpression,
}
