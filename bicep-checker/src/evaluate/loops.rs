//! Loops and conditions of resources and modules.

use std::rc::Rc;

use super::{
    Run,
    error::EvaluateError,
    expression::round,
    instance::{Instance, Locals},
    order::Node,
    value::Value,
};
use crate::syntax::ast::{Decorator, Expression, ExpressionKind, Object};

type Valued = Result<Value, EvaluateError>;

/// Makes a resource or module: with the names of its loop, its body, whether it has a condition, and its number in the loop.
pub(super) type Make<'m, 'r> =
    dyn FnMut(&mut Run<'r>, Option<&Locals<'_>>, &Object, bool, Option<usize>) -> Valued + 'm;

impl<'r> Run<'r> {
    /// Goes through the loop and the condition of a resource or module; `make` makes one.
    pub(super) fn unfold(
        &mut self,
        at: &Rc<Instance>,
        value: &Expression,
        batch: Option<u64>,
        make: &mut Make<'_, 'r>,
    ) -> Valued {
        let ExpressionKind::For(each) = &value.kind else { return self.conditional(at, None, value, None, make) };
        let mut nodes = Vec::new();
        for (index, item) in self.rounds(at, None, each)?.into_iter().enumerate() {
            let (names, values) = round(each, index, item);
            let item = Locals { outer: None, name: names.first().copied().unwrap_or_default(), value: &values[0] };
            let locals = match (names.get(1), values.get(1)) {
                (Some(name), Some(value)) => Locals { outer: Some(&item), name, value },
                _ => item,
            };
            nodes.push(self.conditional(at, Some(&locals), &each.body, Some(index), make)?);
        }
        self.chain(&nodes, batch);
        Ok(Value::Array(nodes))
    }

    fn conditional(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        value: &Expression,
        index: Option<usize>,
        make: &mut Make<'_, 'r>,
    ) -> Valued {
        match &value.kind {
            ExpressionKind::Object(body) => make(self, locals, body, false, index),
            ExpressionKind::If { condition, body } => match (self.value(at, locals, condition)?, &body.kind) {
                (Value::Boolean(true), ExpressionKind::Object(body)) => make(self, locals, body, true, index),
                (Value::Boolean(false), _) => Ok(Value::Absent),
                (other, _) => Err(at.source.error(condition.span, format!("a condition that is {}", other.kind()))),
            },
            _ => Err(at.source.error(value.span, "no body")),
        }
    }

    /// With `@batchSize(n)`, each of a loop waits for the one `n` before it.
    fn chain(&mut self, nodes: &[Value], batch: Option<u64>) {
        let Some(batch) = batch.and_then(|batch| usize::try_from(batch).ok()).filter(|batch| *batch > 0) else {
            return;
        };
        let nodes: Vec<Node> =
            nodes.iter().filter_map(|node| if let Value::Node(node) = node { Some(*node) } else { None }).collect();
        for (later, earlier) in nodes.iter().skip(batch).zip(&nodes) {
            match later {
                Node::Resource(at) => self.snapshot.resources.get_mut(*at).map(|it| it.after.insert(*earlier)),
                Node::Module(at) => self.snapshot.modules.get_mut(*at).map(|it| it.after.insert(*earlier)),
            };
        }
    }
}

/// `@batchSize(n)`
pub(super) fn batch_size(decorators: &[Decorator]) -> Option<u64> {
    decorators.iter().find_map(|decorator| match &decorator.expression.kind {
        ExpressionKind::Call { name, arguments } if name.text == "batchSize" => match arguments.first()?.kind {
            ExpressionKind::Integer(number) => Some(number),
            _ => None,
        },
        _ => None,
    })
}
