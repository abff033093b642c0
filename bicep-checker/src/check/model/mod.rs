//! A file with its names resolved: what it declares, and what each name in it refers to.

mod bind;
mod circles;
mod declarations;
mod declare;
mod names;
mod resolve;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::PathBuf,
};

pub(crate) use declarations::{
    Alias, Assignment, Function, Import, Local, Module, Output, Parameter, Resource, Using, Variable, Wildcard,
};
pub(crate) use names::{BUILT_IN_TYPES, decorator, parts as decorator_parts};

use super::types::{Level, Type};
use crate::{
    Diagnostic,
    syntax::ast::{Expression, File, Name, Object, Statement},
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
