//! Query text to syntax tree and back: what may be written, whatever it means.

mod ast;
mod lexer;
mod parser;
mod print;

pub(crate) use self::{
    ast::{
        Binary, Chain, Collection, Count, Expr, ExprKind, OffsetLimit, OrderItem, Quantifier, Select, Source, Span,
        Spec, Step, Unary,
    },
    lexer::utf16,
    parser::parse,
    print::{canonical, expression, query, string},
};
