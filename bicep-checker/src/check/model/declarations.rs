//! What a file declares, by kind.

use crate::{
    Span,
    syntax::ast::{
        self, Decorator, Expression, For, FunctionParameter, ImportItem, Name, StringLiteral, TypeExpression,
    },
};

/// A parameter.
#[derive(Debug)]
pub(crate) struct Parameter<'a> {
    pub name: &'a Name,
    pub ty: Option<&'a TypeExpression>,
    pub default: Option<&'a Expression>,
    pub decorators: &'a [Decorator],
}

/// A variable, also in a params file.
#[derive(Debug)]
pub(crate) struct Variable<'a> {
    pub name: &'a Name,
    pub ty: Option<&'a TypeExpression>,
    pub value: &'a Expression,
    pub decorators: &'a [Decorator],
}

/// A resource, also one inside another.
#[derive(Debug)]
pub(crate) struct Resource<'a> {
    pub declared: &'a ast::Resource,
    pub decorators: &'a [Decorator],
    /// The resource it stands in.
    pub outer: Option<usize>,
    /// Its full type, outer types included, and its version; empty where it could not be read.
    pub kind: String,
    pub version: String,
}

/// A module.
#[derive(Debug)]
pub(crate) struct Module<'a> {
    pub name: &'a Name,
    pub path: &'a StringLiteral,
    pub value: &'a Expression,
    pub decorators: &'a [Decorator],
    /// The file it names, where it was read.
    pub file: Option<usize>,
}

/// A `type`.
#[derive(Debug)]
pub(crate) struct Alias<'a> {
    pub name: &'a Name,
    pub value: &'a TypeExpression,
    pub decorators: &'a [Decorator],
}

/// A `func`.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    pub name: &'a Name,
    pub parameters: &'a [FunctionParameter],
    pub returns: &'a TypeExpression,
    pub body: &'a Expression,
    pub decorators: &'a [Decorator],
}

/// An output.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub name: &'a Name,
    pub ty: &'a TypeExpression,
    pub value: &'a Expression,
    pub decorators: &'a [Decorator],
    pub span: Span,
}

/// One name of an `import { … }`.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    pub item: &'a ImportItem,
    pub file: Option<usize>,
}

/// `import * as name`
#[derive(Debug)]
pub(crate) struct Wildcard<'a> {
    pub name: &'a Name,
    pub file: Option<usize>,
}

/// `param x = …` of a params file.
#[derive(Debug)]
pub(crate) struct Assignment<'a> {
    pub name: &'a Name,
    pub value: &'a Expression,
}

/// A name that is known only in part of an expression.
#[derive(Debug)]
pub(crate) enum Local<'a> {
    Item(&'a Name, &'a For),
    Index(&'a Name),
    /// A lambda's; its type is told by the function the lambda is given to.
    Lambda(&'a Name),
    /// A function's.
    Argument(&'a FunctionParameter),
}

impl<'a> Local<'a> {
    pub(crate) fn name(&self) -> &'a Name {
        match self {
            Local::Item(name, _) | Local::Index(name) | Local::Lambda(name) => name,
            Local::Argument(parameter) => &parameter.name,
        }
    }
}

/// `using '…'`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Using<'a> {
    pub path: &'a Expression,
    pub file: Option<usize>,
}
