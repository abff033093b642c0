use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::{order::Node, source::Source, value::Value};

/// A file with the values it is deployed with. A module in a loop has one for each round.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) source: Rc<Source>,
    /// Values of its parameters.
    pub(super) given: BTreeMap<String, Value>,
    pub(super) scope: Scope,
    /// Its number in the snapshot; `None` for the first file.
    pub(super) module: Option<usize>,
    /// Values of its names, as far as they were asked for.
    pub(super) values: RefCell<BTreeMap<String, Progress>>,
}

impl Instance {
    pub(super) fn new(
        source: Rc<Source>,
        given: BTreeMap<String, Value>,
        scope: Scope,
        module: Option<usize>,
    ) -> Rc<Self> {
        Rc::new(Self { source, given, scope, module, values: RefCell::default() })
    }
}

/// How far the value of a name is.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// It is being computed; who asks again, asks in a circle.
    Running,
    /// The value, and the resources and modules that were looked into for it.
    Done(Value, Vec<Node>),
}

/// What a file deploys to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Subscription,
    /// By name.
    Group(String),
}

/// Names that only a part of a file knows: of loops, lambdas and functions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Locals<'a> {
    pub(super) outer: Option<&'a Locals<'a>>,
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

impl Locals<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        if self.name == name { Some(self.value) } else { self.outer?.get(name) }
    }
}
