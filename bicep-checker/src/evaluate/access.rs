//! Properties and items of values, resources and modules.

use std::rc::Rc;

use super::{
    Run,
    error::EvaluateError,
    instance::{Instance, Locals},
    order::Node,
    value::Value,
};
use crate::{
    Span,
    syntax::ast::{Expression, Name},
};

type Valued = Result<Value, EvaluateError>;

impl Run<'_> {
    /// `base.name`
    pub(super) fn property(&mut self, at: &Rc<Instance>, base: &Value, name: &str, safe: bool, span: Span) -> Valued {
        match base {
            Value::Object(members) => match members.get(name) {
                Some(value) => Ok(value.clone()),
                None if safe => Ok(Value::Null),
                None => Err(at.source.error(span, format!("the object has no property {name}"))),
            },
            Value::Null | Value::Absent if safe => Ok(Value::Null),
            Value::Runtime(expression) => Ok(Value::Runtime(format!("{expression}.{name}"))),
            Value::Node(node) => self.property_of(at, *node, name, span),
            other => Err(at.source.error(span, format!("the property {name} of what is {}", other.kind()))),
        }
    }

    fn property_of(&mut self, at: &Rc<Instance>, node: Node, name: &str, span: Span) -> Valued {
        self.consume(node);
        match node {
            Node::Resource(number) => {
                let Some(resource) = self.snapshot.resources.get(number) else { return Ok(Value::Null) };
                Ok(match name {
                    "id" => Value::text(resource.id.as_str()),
                    "name" => Value::text(resource.name.rsplit('/').next().unwrap_or_default()),
                    "type" => Value::text(resource.kind.as_str()),
                    "apiVersion" => Value::text(resource.api_version.as_str()),
                    _ => Value::Runtime(format!("reference('{}').{name}", resource.id)),
                })
            }
            Node::Module(number) => match (name, self.outputs.get(number)) {
                ("outputs", Some(outputs)) => Ok(Value::Object(outputs.clone())),
                _ => Err(at.source.error(span, format!("a module has no {name} that the snapshot knows"))),
            },
        }
    }

    /// `base[index]`
    pub(super) fn index(
        &mut self,
        at: &Rc<Instance>,
        base: &Value,
        index: &Value,
        (safe, from_end): (bool, bool),
        span: Span,
    ) -> Valued {
        match (base, index) {
            (Value::Array(items), Value::Integer(number)) => {
                let found = usize::try_from(*number).ok().and_then(|number| match from_end {
                    true => items.len().checked_sub(number).and_then(|number| items.get(number)),
                    false => items.get(number),
                });
                match found {
                    Some(value) => Ok(value.clone()),
                    None if safe => Ok(Value::Null),
                    None => Err(at.source.error(span, format!("the array of {} has no item {number}", items.len()))),
                }
            }
            (Value::Null, _) if safe => Ok(Value::Null),
            (_, Value::Text(name)) => self.property(at, base, name, safe, span),
            (Value::Runtime(_), _) | (_, Value::Runtime(_)) => {
                Ok(Value::Runtime(format!("{}[{}]", base.expression(), index.expression())))
            }
            _ => Err(at.source.error(span, format!("an item of what is {}", base.kind()))),
        }
    }

    /// `base::name`
    pub(super) fn nested(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        base: &Expression,
        name: &Name,
    ) -> Valued {
        match self.value(at, locals, base)? {
            Value::Node(Node::Resource(number)) => self
                .nested
                .get(&(number, name.text.clone()))
                .cloned()
                .ok_or_else(|| at.source.error(name.span, format!("there is no resource {} in it", name.text))),
            Value::Absent => Ok(Value::Absent),
            other => Err(at.source.error(base.span, format!("`::` after {}", other.kind()))),
        }
    }

    /// Notes that something is used of a resource or module, so that who uses it comes after it. What is only referred to
    /// (`existing`) is not waited for, but what it refers to is.
    pub(super) fn consume(&mut self, node: Node) {
        let existing = match node {
            Node::Resource(number) => self.snapshot.resources.get(number).filter(|resource| resource.existing),
            Node::Module(_) => None,
        };
        match existing {
            Some(resource) => self.used.extend(resource.after.iter().copied()),
            None => {
                self.used.insert(node);
            }
        }
    }
}
