//! What an environment deploys: its parameters, `main.bicep` and its modules worked out to a flat list of resources, as
//! `bicep snapshot` gives, and the order in which Azure makes them.
//!
//! Loops, conditions, functions and modules are unfolded; nothing is asked of Azure. What only the deployment finds out (properties
//! of what it makes, such as `identity.properties.principalId`) stays an expression, `[reference('<id>').properties.principalId]`,
//! also where it went through a module's output. `guid` and `uniqueString` have stand-ins: equal for equal arguments, but not Azure's
//! values. What this evaluation does not know (a function, a kind of statement) is an error with its line, never a guess.

mod access;
mod constraints;
mod error;
mod expression;
mod functions;
mod identifier;
mod instance;
mod loops;
mod modules;
mod names;
mod order;
mod resources;
mod source;
mod stand_in;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value as Json;

pub use self::{
    error::{EvaluateError, Location},
    order::{Node, Order},
};
use self::{
    instance::{Instance, Scope},
    source::{Source, beside},
    value::Value,
};
use crate::syntax::ast::{ExpressionKind, StatementKind};

/// What a deployment gets from outside of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// GUID of the subscription.
    pub subscription_id: String,
    /// GUID of the tenant.
    pub tenant_id: String,
    /// Region of the deployment.
    pub location: String,
    /// Resource group of a template that deploys to one.
    pub group: String,
    /// Environment variables that parameters files read.
    pub variables: BTreeMap<String, String>,
}

/// What an environment deploys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Everything that is deployed or referred to (`existing`), each where its file states it, loops in their order.
    pub resources: Vec<Resource>,
    /// Modules that are deployed.
    pub modules: Vec<Module>,
    /// Outputs of the first file.
    pub outputs: BTreeMap<String, Json>,
}

/// A resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Type without version, such as `Microsoft.EventHub/namespaces/eventhubs`.
    pub kind: String,
    /// API version.
    pub api_version: String,
    /// Name; that of a child has those of its parents before it, with slashes.
    pub name: String,
    /// Full id. A part that is known at run time only stands in brackets.
    pub id: String,
    /// Id of what it is a child or an extension of; of the resource group or subscription for others.
    pub scope: String,
    /// Its body without name, parent, scope and `dependsOn`.
    pub body: Json,
    /// Whether it is only referred to.
    pub existing: bool,
    /// Whether it, or its module, has a condition (which is true).
    pub conditional: bool,
    /// `@batchSize`, of resources in a loop.
    pub batch_size: Option<u64>,
    /// Symbolic name.
    pub symbol: String,
    /// The module that it is in, by its number; `None` in the first file.
    pub module: Option<usize>,
    /// What it refers to, or names in `dependsOn`.
    pub after: BTreeSet<Node>,
    /// Where its statement begins.
    pub source: Location,
}

/// A module that is deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Symbolic names from the first file on, with numbers in loops: `producers[1]`.
    pub path: String,
    /// Its file.
    pub file: PathBuf,
    /// The module that it is in.
    pub parent: Option<usize>,
    /// Whether it has a condition.
    pub conditional: bool,
    /// `@batchSize`, of modules in a loop.
    pub batch_size: Option<u64>,
    /// What it refers to, or names in `dependsOn`.
    pub after: BTreeSet<Node>,
}

/// What the parameters of this file deploy.
///
/// # Errors
/// A file that cannot be read or parsed, and a construct that is wrong or not known here, with its place.
pub fn snapshot(parameters: &Path, circumstances: &Circumstances) -> Result<Snapshot, EvaluateError> {
    let mut run = Run::new(circumstances);
    let file = run.source(parameters)?;
    let assigning = Instance::new(Rc::clone(&file), BTreeMap::new(), Scope::Subscription, None);
    let (mut template, mut given) = (None, BTreeMap::new());
    for statement in &file.file.statements {
        match &statement.kind {
            StatementKind::Using { path, .. } => match &path.kind {
                ExpressionKind::String(name) => template = name.literal().map(|name| beside(parameters, name)),
                _ => return Err(file.error(statement.span, "`using` names no file")),
            },
            StatementKind::ParameterAssignment { name, value } => {
                given.insert(name.text.clone(), run.value(&assigning, None, value)?);
            }
            StatementKind::Variable { .. } | StatementKind::Import { .. } => {}
            _ => return Err(file.error(statement.span, "a statement that the snapshot does not know in parameters")),
        }
    }
    let template = template.ok_or_else(|| EvaluateError::of_file(parameters, "`using` names no file"))?;
    let source = run.source(&template)?;
    let scope = run.target_scope(&source)?;
    let instance = Instance::new(source, given, scope, None);
    let outputs = run.deploy(&instance)?;
    let no_json = |name: &str| EvaluateError::of_file(&template, format!("output {name} is no value"));
    for (name, value) in outputs {
        let json = value.json().ok_or_else(|| no_json(&name))?;
        run.snapshot.outputs.insert(name, json);
    }
    Ok(run.snapshot)
}

/// A snapshot in the making.
struct Run<'a> {
    circumstances: &'a Circumstances,
    sources: BTreeMap<PathBuf, Rc<Source>>,
    /// Files that others import from.
    libraries: BTreeMap<PathBuf, Rc<Instance>>,
    /// Resources inside of resources, by the parent's number and the symbolic name.
    nested: BTreeMap<(usize, String), Value>,
    /// Outputs of the modules.
    outputs: Vec<BTreeMap<String, Value>>,
    /// What the value that is being computed looked into.
    used: BTreeSet<Node>,
    /// How many functions call each other.
    depth: usize,
    snapshot: Snapshot,
}

impl<'a> Run<'a> {
    fn new(circumstances: &'a Circumstances) -> Self {
        Self {
            circumstances,
            sources: BTreeMap::new(),
            libraries: BTreeMap::new(),
            nested: BTreeMap::new(),
            outputs: Vec::new(),
            used: BTreeSet::new(),
            depth: 0,
            snapshot: Snapshot::default(),
        }
    }

    fn source(&mut self, path: &Path) -> Result<Rc<Source>, EvaluateError> {
        if let Some(source) = self.sources.get(path) {
            return Ok(Rc::clone(source));
        }
        let source = Rc::new(Source::read(path)?);
        self.sources.insert(path.to_owned(), Rc::clone(&source));
        Ok(source)
    }

    /// A file that others import functions and variables from. It has no parameters and no scope of its own.
    fn library(&mut self, path: &Path) -> Result<Rc<Instance>, EvaluateError> {
        if let Some(instance) = self.libraries.get(path) {
            return Ok(Rc::clone(instance));
        }
        let instance = Instance::new(self.source(path)?, BTreeMap::new(), Scope::Subscription, None);
        self.libraries.insert(path.to_owned(), Rc::clone(&instance));
        Ok(instance)
    }
}
