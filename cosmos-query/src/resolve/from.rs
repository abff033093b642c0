//! FROM and JOIN: what a query takes its rows from.

use serde_json::Value;

use super::Resolver;
use crate::{
    resolved::{Bind, From, Node},
    syntax::{Collection, Source, Span, Step},
};

impl Resolver<'_> {
    /// Resolves a source and makes its alias known to what follows.
    pub(super) fn source(&mut self, source: &Source, first: bool) -> Bind {
        self.joins += usize::from(!first);
        let from = match &source.collection {
            Collection::Subquery(select) => From::Rows(Box::new(self.select(select, false))),
            Collection::Path { head, head_span, steps } => {
                From::Node(steps.iter().fold(self.head(head, *head_span, first), into))
            }
        };
        let slot = self.slots;
        self.slots += 1;
        // No name can be empty, so nothing finds a source that has none.
        self.names.push((source.alias().unwrap_or_default().to_owned(), slot));
        Bind { from, iterates: source.iterates }
    }

    /// The name that a collection begins with: an alias, or, where a FROM begins, whatever the query calls its container.
    fn head(&mut self, head: &str, span: Span, first: bool) -> Node {
        if let Some(slot) = self.lookup(head) {
            return Node::Slot(slot);
        }
        if first && self.collection.as_ref().is_none_or(|collection| collection == head) {
            self.collection = Some(head.to_owned());
            return Node::Slot(0);
        }
        self.unresolved(head, span)
    }

    pub(super) fn lookup(&self, name: &str) -> Option<usize> {
        self.names.iter().rev().find(|(known, _)| known == name).map(|(_, slot)| *slot)
    }

    pub(super) fn unresolved(&mut self, name: &str, span: Span) -> Node {
        self.fault("SC2001", span, format!("Identifier '{name}' could not be resolved."));
        Node::Constant(None)
    }
}

fn into(of: Node, step: &Step) -> Node {
    match step {
        Step::Member(name) | Step::Quoted(name) => Node::Member(Box::new(of), name.clone()),
        Step::Element(index) => Node::Index(Box::new(of), Box::new(Node::Constant(Some(Value::from(*index))))),
    }
}
