use std::rc::Rc;

use super::{
    Resource, Run,
    error::{EvaluateError, Location},
    identifier,
    instance::{Instance, Locals},
    loops::batch_size,
    order::Node,
    value::Value,
};
use crate::{
    diagnostic::line_and_column,
    syntax::ast::{Object, ObjectItem, Resource as Declared, Statement, StatementKind},
};

type Valued = Result<Value, EvaluateError>;

/// Of a body, what is not part of what is sent.
const FRAME: [&str; 4] = ["name", "parent", "scope", "dependsOn"];

impl Run<'_> {
    /// A resource with its loop and condition.
    pub(super) fn resource(&mut self, at: &Rc<Instance>, statement: &Statement, resource: &Declared) -> Valued {
        let batch = batch_size(&statement.decorators);
        self.unfold(at, &resource.value, batch, &mut |run, locals, body, conditional, _| {
            run.one_resource(at, locals, (statement, resource, None), body, conditional, batch)
        })
    }

    fn one_resource(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        (statement, resource, nested_in): (&Statement, &Declared, Option<usize>),
        body: &Object,
        conditional: bool,
        batch_size: Option<u64>,
    ) -> Valued {
        let outside = std::mem::take(&mut self.used);
        let wrong = |message: String| at.source.error(statement.span, message);
        let above = match (nested_in, self.node_at(at, locals, body, "parent")?) {
            (Some(parent), _) => Some(parent),
            (None, Some(Value::Node(Node::Resource(parent)))) => Some(parent),
            (None, None) => None,
            (None, Some(other)) => return Err(wrong(format!("a parent that is {}", other.kind()))),
        };
        if let Some(above) = above {
            self.consume(Node::Resource(above));
        }
        let above = above.and_then(|above| self.snapshot.resources.get(above)).cloned();
        let written = resource.ty.literal().ok_or_else(|| wrong("a type with an expression in it".to_owned()))?;
        let (kind, version) = match (written.split_once('@'), nested_in.and(above.as_ref())) {
            (Some((kind, version)), Some(above)) if !kind.contains('.') => {
                (format!("{}/{kind}", above.kind), version.to_owned())
            }
            (Some((kind, version)), _) => (kind.to_owned(), version.to_owned()),
            (None, Some(above)) => (format!("{}/{written}", above.kind), above.api_version.clone()),
            (None, None) => return Err(wrong("a type without a version".to_owned())),
        };
        let name = match body.property("name").map(|name| self.value(at, locals, &name.value)).transpose()? {
            Some(Value::Text(name)) => name,
            Some(Value::Runtime(expression)) => format!("[{expression}]"),
            Some(other) => return Err(wrong(format!("a name that is {}", other.kind()))),
            None => return Err(wrong("a resource without a name".to_owned())),
        };
        let on = self.node_at(at, locals, body, "scope")?;
        let (id, scope, name) = match (&above, on) {
            (Some(above), None) => {
                let last = kind.rsplit('/').next().unwrap_or_default();
                (format!("{}/{last}/{name}", above.id), above.id.clone(), format!("{}/{name}", above.name))
            }
            (None, on) => {
                let scope = match &on {
                    None => self.circumstances.scope_id(&at.scope),
                    Some(Value::Node(node)) => {
                        self.consume(*node);
                        self.id_of(*node)
                    }
                    Some(Value::Object(scope)) => match scope.get("id") {
                        Some(Value::Text(id)) => id.clone(),
                        _ => return Err(wrong("a scope without an id".to_owned())),
                    },
                    Some(other) => return Err(wrong(format!("a scope that is {}", other.kind()))),
                };
                let names: Vec<&str> = name.split('/').collect();
                let id = identifier::below(&scope, &kind, &names)
                    .ok_or_else(|| wrong(format!("{kind} does not go with a name of {} parts", names.len())))?;
                let child = on.is_none() && names.len() > 1;
                let scope = if child { identifier::parent(&id).to_owned() } else { scope };
                (id, scope, name)
            }
            (Some(_), Some(_)) => return Err(wrong("a resource with both parent and scope".to_owned())),
        };
        let members = self.members(at, locals, body, &FRAME)?;
        let json = Value::Object(members).json().ok_or_else(|| wrong("a property that is a resource".to_owned()))?;
        self.depends_on(at, locals, body)?;
        let after = std::mem::replace(&mut self.used, outside);
        let begins = line_and_column(&at.source.text, statement.span.start);
        let number = self.snapshot.resources.len();
        let in_conditional =
            at.module.and_then(|module| self.snapshot.modules.get(module)).is_some_and(|it| it.conditional);
        self.snapshot.resources.push(Resource {
            kind,
            api_version: version,
            name,
            id,
            scope,
            body: json,
            existing: resource.existing.is_some(),
            conditional: conditional || in_conditional,
            batch_size,
            symbol: resource.name.text.clone(),
            module: at.module,
            after,
            source: Location { file: at.source.path.clone(), at: Some(begins) },
        });
        Ok(Value::Node(Node::Resource(number)))
    }

    /// Resources in the body of a resource, once this one is known.
    pub(super) fn nested_resources(
        &mut self,
        at: &Rc<Instance>,
        name: &str,
        value: &Value,
    ) -> Result<(), EvaluateError> {
        let source = Rc::clone(&at.source);
        let Some(StatementKind::Resource(resource)) = source.declaration(name).map(|statement| &statement.kind) else {
            return Ok(());
        };
        self.nested_in(at, resource, value)
    }

    fn nested_in(&mut self, at: &Rc<Instance>, resource: &Declared, value: &Value) -> Result<(), EvaluateError> {
        let Some(body) = resource.body() else { return Ok(()) };
        for item in &body.items {
            let ObjectItem::Resource(statement) = item else { continue };
            let StatementKind::Resource(child) = &statement.kind else { continue };
            let number = match value {
                Value::Node(Node::Resource(number)) => *number,
                Value::Absent => continue,
                _ => return Err(at.source.error(statement.span, "a resource inside of a loop's")),
            };
            let batch = batch_size(&statement.decorators);
            let made = self.unfold(at, &child.value, batch, &mut |run, locals, body, conditional, _| {
                run.one_resource(at, locals, (statement, child, Some(number)), body, conditional, batch)
            })?;
            self.nested.insert((number, child.name.text.clone()), made.clone());
            self.nested_in(at, child, &made)?;
        }
        Ok(())
    }

    /// A property whose value is a resource.
    fn node_at(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        body: &Object,
        property: &str,
    ) -> Result<Option<Value>, EvaluateError> {
        body.property(property).map(|property| self.value(at, locals, &property.value)).transpose()
    }

    /// Notes what `dependsOn` lists: resources, modules, and loops of them as a whole.
    pub(super) fn depends_on(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        body: &Object,
    ) -> Result<(), EvaluateError> {
        let Some(property) = body.property("dependsOn") else { return Ok(()) };
        let value = self.value(at, locals, &property.value)?;
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Node(node) => self.consume(node),
                Value::Array(values) => open.extend(values),
                Value::Absent => {}
                other => return Err(at.source.error(property.span, format!("dependsOn with {}", other.kind()))),
            }
        }
        Ok(())
    }

    fn id_of(&self, node: Node) -> String {
        match node {
            Node::Resource(number) => self.snapshot.resources.get(number).map(|it| it.id.clone()).unwrap_or_default(),
            Node::Module(_) => String::new(),
        }
    }
}
