//! A query with its names resolved: what is evaluated. Values that names stand for are in numbered slots; slot 0 is the document.

use serde::Serialize;
use serde_json::Value;

use crate::{
    functions::Function,
    syntax::{Binary, Chain, Quantifier, Unary},
};

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A literal, or undefined.
    Constant(Option<Value>),
    Parameter(String),
    Slot(usize),
    Member(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<[Node; 2]>),
    Chain(Chain, Vec<Node>),
    Conditional(Box<[Node; 3]>),
    Between {
        not: bool,
        operands: Box<[Node; 3]>,
    },
    In {
        not: bool,
        value: Box<Node>,
        list: Vec<Node>,
    },
    Like {
        not: bool,
        operands: Box<[Node; 2]>,
        escape: Option<char>,
    },
    Call(&'static Function, Vec<Node>),
    Subquery(Quantifier, Box<Rows>),
}

/// A SELECT: of the whole query, or of a subquery.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// Slots that are taken outside it.
    pub(crate) base: usize,
    /// Each takes one more slot.
    pub(crate) sources: Vec<Bind>,
    pub(crate) filter: Option<Node>,
    /// With it, the output sees the slots outside, then the keys, then the aggregates.
    pub(crate) grouping: Option<Grouping>,
    pub(crate) output: Output,
    pub(crate) distinct: bool,
    pub(crate) order: Vec<Sort>,
}

/// What a slot takes its values from.
#[derive(Debug, Clone)]
pub(crate) struct Bind {
    pub(crate) from: From,
    /// Whether each element of an array is a value, or the value itself.
    pub(crate) iterates: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum From {
    Node(Node),
    Rows(Box<Rows>),
}

#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    pub(crate) keys: Vec<Node>,
    pub(crate) aggregates: Vec<Aggregate>,
}

#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) operator: Operator,
    pub(crate) argument: Node,
}

/// What an aggregate makes of its arguments; named as query plans name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Operator {
    Average,
    Count,
    CountIf,
    MakeList,
    MakeSet,
    Max,
    Min,
    Sum,
}

impl Operator {
    pub(crate) fn named(name: &str) -> Option<Operator> {
        Some(match name.to_ascii_uppercase().as_str() {
            "AVG" => Operator::Average,
            "COUNT" => Operator::Count,
            "COUNTIF" => Operator::CountIf,
            "MAKELIST" => Operator::MakeList,
            "MAKESET" => Operator::MakeSet,
            "MAX" => Operator::Max,
            "MIN" => Operator::Min,
            "SUM" => Operator::Sum,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// `SELECT *`, `SELECT VALUE`: the value itself; undefined makes no row.
    Value(Node),
    /// A list: an object, without the members that are undefined.
    Object(Vec<(String, Node)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Sort {
    pub(crate) node: Node,
    pub(crate) descending: bool,
}
