//! A file with its names resolved: what it declares, and what each name in it refers to.

mod bind;
mod circles;
mod declare;
mod names;
mod resolve;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::PathBuf,
};

pub(crate) use names::{BUILT_IN_TYPES, decorator, parts as decorator_parts};

use super::types::{Level, Type};
use crate::{
    Diagnostic, Span,
    syntax::ast::{
        Decorator, Expression, File, For, FunctionParameter, ImportItem, Name, Object, Statement, StringLiteral,
        TypeExpression,
    },
};

/// A file as read.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its path as the report names it.
    pub name: String,
    pub text: String,
    pub file: File,
    /// What the parser said.
    pub syntax: Vec<Diagnostic>,
}

impl Source {
    pub(crate) fn is_params(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "bicepparam")
    }
}

/// Something that is declared, by its place in the list of its kind in [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Symbol {
    Parameter(usize),
    Variable(usize),
    Resource(usize),
    Module(usize),
    Alias(usize),
    Function(usize),
    Import(usize),
    Wildcard(usize),
    Output(usize),
    /// `param x = …` of a params file.
    Assignment(usize),
    /// An item of a loop, a parameter of a lambda or function.
    Local(usize),
    /// `sys`, `az`
    Namespace(&'static str),
    /// The parameters that a params file inherits.
    Base,
}

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
    pub declared: &'a crate::syntax::ast::Resource,
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

/// A file with its names resolved.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    pub source: &'a Source,
    pub level: Level,
    pub parameters: Vec<Parameter<'a>>,
    pub variables: Vec<Variable<'a>>,
    pub resources: Vec<Resource<'a>>,
    pub modules: Vec<Module<'a>>,
    pub aliases: Vec<Alias<'a>>,
    pub functions: Vec<Function<'a>>,
    pub outputs: Vec<Output<'a>>,
    pub imports: Vec<Import<'a>>,
    pub wildcards: Vec<Wildcard<'a>>,
    pub assignments: Vec<Assignment<'a>>,
    pub locals: Vec<Local<'a>>,
    /// Statements that are none of these: `metadata`, `using`, `extends`, `assert`, …
    pub others: Vec<&'a Statement>,
    /// The file a params file gives values for.
    pub using: Option<Using<'a>>,
    /// What the file declares, by name. Outputs have names of their own.
    pub names: HashMap<&'a str, Symbol>,
    /// What names in expressions refer to, by the address of the expression.
    pub bound: HashMap<usize, Symbol>,
    /// What names in types, and functions called by name, refer to, by the address of the name.
    pub named: HashMap<usize, Symbol>,
    /// Everything that something refers to.
    pub used: HashSet<Symbol>,
    /// What the declaration of a symbol refers to.
    pub refers: HashMap<Symbol, Vec<Symbol>>,
    /// Symbols that are declared in terms of themselves.
    pub circular: HashSet<Symbol>,
    /// Where a lambda's parameters are, by the address of the first one's name.
    pub lambdas: HashMap<usize, usize>,
    /// Types of expressions that were looked at, by their address.
    pub types: RefCell<HashMap<usize, Type>>,
    /// Types that lambdas' parameters have been given, by the place of the local.
    pub given: RefCell<HashMap<usize, Type>>,
    /// What was found so far.
    pub found: RefCell<Vec<Diagnostic>>,
}

/// `using '…'`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Using<'a> {
    pub path: &'a Expression,
    pub file: Option<usize>,
}

impl<'a> Model<'a> {
    /// Notes a finding.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// The symbol an expression is, parentheses and `!` aside.
    pub(crate) fn symbol(&self, expression: &Expression) -> Option<Symbol> {
        self.bound.get(&key(expression.inner())).copied()
    }

    /// The name of a symbol as declared.
    pub(crate) fn name(&self, symbol: Symbol) -> Option<&'a Name> {
        Some(match symbol {
            Symbol::Parameter(at) => self.parameters.get(at)?.name,
            Symbol::Variable(at) => self.variables.get(at)?.name,
            Symbol::Resource(at) => &self.resources.get(at)?.declared.name,
            Symbol::Module(at) => self.modules.get(at)?.name,
            Symbol::Alias(at) => self.aliases.get(at)?.name,
            Symbol::Function(at) => self.functions.get(at)?.name,
            Symbol::Import(at) => self.imports.get(at)?.item.local(),
            Symbol::Wildcard(at) => self.wildcards.get(at)?.name,
            Symbol::Output(at) => self.outputs.get(at)?.name,
            Symbol::Assignment(at) => self.assignments.get(at)?.name,
            Symbol::Local(at) => self.locals.get(at)?.name(),
            Symbol::Namespace(_) | Symbol::Base => return None,
        })
    }

    /// The body of a resource or module.
    pub(crate) fn body(&self, symbol: Symbol) -> Option<&'a Object> {
        match symbol {
            Symbol::Resource(at) => self.resources.get(at)?.declared.value.body(),
            Symbol::Module(at) => self.modules.get(at)?.value.body(),
            _ => None,
        }
    }

    /// The value of a resource or module, with `for` and `if`.
    pub(crate) fn value(&self, symbol: Symbol) -> Option<&'a Expression> {
        match symbol {
            Symbol::Resource(at) => self.resources.get(at).map(|resource| &resource.declared.value),
            Symbol::Module(at) => self.modules.get(at).map(|module| module.value),
            _ => None,
        }
    }
}

/// The address of a part of a tree, by which it is known. Trees are read once and never moved.
pub(crate) fn key<T>(part: &T) -> usize {
    std::ptr::from_ref(part).addr()
}
