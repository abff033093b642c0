use std::{collections::BTreeMap, rc::Rc};

use super::{
    Module, Run,
    error::EvaluateError,
    instance::{Instance, Locals, Scope},
    loops::batch_size,
    order::Node,
    source::{Source, beside},
    value::Value,
};
use crate::syntax::ast::{Expression, Object, Statement, StatementKind, StringLiteral};

type Valued = Result<Value, EvaluateError>;

/// How deep modules may stand in each other; a module that deploys itself would not end.
const DEPTH: usize = 16;

impl Run<'_> {
    /// What a template deploys to.
    pub(super) fn target_scope(&self, source: &Source) -> Result<Scope, EvaluateError> {
        let stated = source.file.statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::TargetScope(scope) => Some(scope),
            _ => None,
        });
        match stated.map(|scope| scope.span.text(&source.text)) {
            Some("'subscription'") => Ok(Scope::Subscription),
            None | Some("'resourceGroup'") => Ok(Scope::Group(self.circumstances.group.clone())),
            Some(other) => Err(EvaluateError::of_file(&source.path, format!("the scope {other} is not known here"))),
        }
    }

    /// Works through a file: its parameters, variables, resources and modules. Returns its outputs.
    pub(super) fn deploy(&mut self, at: &Rc<Instance>) -> Result<BTreeMap<String, Value>, EvaluateError> {
        let source = Rc::clone(&at.source);
        for name in at.given.keys() {
            if !matches!(source.declaration(name).map(|it| &it.kind), Some(StatementKind::Parameter { .. })) {
                return Err(EvaluateError::of_file(&source.path, format!("there is no parameter {name}")));
            }
        }
        let mut outputs = BTreeMap::new();
        for statement in &source.file.statements {
            match &statement.kind {
                StatementKind::Parameter { name, .. }
                | StatementKind::Variable { name, .. }
                | StatementKind::Module { name, .. } => {
                    self.declared(at, &name.text, name.span)?;
                }
                StatementKind::Resource(resource) => {
                    self.declared(at, &resource.name.text, resource.name.span)?;
                }
                StatementKind::Output { name, value, .. } => {
                    let value = self.value(at, None, value)?;
                    outputs.insert(name.text.clone(), value);
                }
                StatementKind::TargetScope(_)
                | StatementKind::Metadata { .. }
                | StatementKind::Type { .. }
                | StatementKind::Function { .. }
                | StatementKind::Import { .. } => {}
                _ => return Err(source.error(statement.span, "a statement that the snapshot does not know")),
            }
        }
        Ok(outputs)
    }

    /// A module with its loop and condition.
    pub(super) fn module(
        &mut self,
        at: &Rc<Instance>,
        statement: &Statement,
        name: &str,
        path: &StringLiteral,
        value: &Expression,
    ) -> Valued {
        let Some(file) = path.literal().filter(|path| !path.contains(':')) else {
            return Err(at.source.error(path.span, "a module that is no file"));
        };
        let source = self.source(&beside(&at.source.path, file))?;
        let batch = batch_size(&statement.decorators);
        self.unfold(at, value, batch, &mut |run, locals, body, conditional, index| {
            let symbol = index.map_or_else(|| name.to_owned(), |index| format!("{name}[{index}]"));
            run.one_module(at, locals, (statement, symbol, &source), body, conditional, batch)
        })
    }

    fn one_module(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        (statement, symbol, source): (&Statement, String, &Rc<Source>),
        body: &Object,
        conditional: bool,
        batch_size: Option<u64>,
    ) -> Valued {
        let outside = std::mem::take(&mut self.used);
        let given = match body.property("params").map(|params| self.value(at, locals, &params.value)).transpose()? {
            Some(Value::Object(given)) => given,
            None => BTreeMap::new(),
            Some(other) => return Err(at.source.error(statement.span, format!("params that are {}", other.kind()))),
        };
        let scope = match body.property("scope") {
            Some(scope) => self.value(at, locals, &scope.value)?,
            None => Value::Null,
        };
        let scope = self.module_scope(at, scope).map_err(|message| at.source.error(statement.span, message))?;
        self.depends_on(at, locals, body)?;
        let after = std::mem::take(&mut self.used);
        let parent = at.module.and_then(|module| self.snapshot.modules.get(module));
        let path = parent.map_or_else(|| symbol.clone(), |parent| format!("{}.{symbol}", parent.path));
        if path.matches('.').count() >= DEPTH {
            return Err(at.source.error(statement.span, format!("modules stand more than {DEPTH} deep in each other")));
        }
        let conditional = conditional || parent.is_some_and(|parent| parent.conditional);
        let number = self.snapshot.modules.len();
        let file = source.path.clone();
        self.snapshot.modules.push(Module { path, file, parent: at.module, conditional, batch_size, after });
        self.outputs.push(BTreeMap::new());
        let instance = Instance::new(Rc::clone(source), given, scope, Some(number));
        let outputs = self.deploy(&instance)?;
        if let Some(entry) = self.outputs.get_mut(number) {
            *entry = outputs;
        }
        self.used = outside;
        Ok(Value::Node(Node::Module(number)))
    }

    /// What a module deploys to.
    fn module_scope(&mut self, at: &Rc<Instance>, scope: Value) -> Result<Scope, String> {
        let text = |scope: &BTreeMap<String, Value>, name: &str| match scope.get(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        match scope {
            Value::Null => Ok(at.scope.clone()),
            Value::Node(Node::Resource(number)) => {
                self.consume(Node::Resource(number));
                match self.snapshot.resources.get(number) {
                    Some(group) if group.kind == "Microsoft.Resources/resourceGroups" => {
                        Ok(Scope::Group(group.name.clone()))
                    }
                    _ => Err("a module's scope that is no resource group".to_owned()),
                }
            }
            Value::Object(scope) if scope.contains_key("subscriptionId") => Ok(Scope::Subscription),
            Value::Object(scope) if scope.contains_key("name") => Ok(Scope::Group(text(&scope, "name"))),
            other => Err(format!("a module's scope that is {}", other.kind())),
        }
    }
}
