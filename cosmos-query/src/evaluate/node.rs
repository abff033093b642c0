//! The value of an expression.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    Evaluator, Slots, like,
    members::{descend, element, member},
    meter::{NODE, Reservation},
    operators::{binary, chain, equals, integer, within},
};
use crate::{
    QueryError,
    functions::Function,
    resolved::Node,
    syntax::{Binary, Chain, Unary},
    value::{Item, boolean, finite, memory, shared, size},
};

impl<'a> Evaluator<'a> {
    pub(crate) fn node(&self, node: &'a Node, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        self.charge(NODE)?;
        Ok(match node {
            Node::Constant(value) => value.as_ref().map(Cow::Borrowed),
            Node::Parameter(name) => {
                self.charge(name.len() as u64)?;
                self.context.parameters.get(name).map(Cow::Borrowed)
            }
            Node::Slot(slot) => self.copied(slots.get(*slot).and_then(Option::as_ref))?,
            Node::Member(of, name) => match self.place(node, slots)? {
                Some(found) => found,
                None => self.node(of, slots)?.and_then(|of| member(of, name)),
            },
            Node::Index(of, index) => self.index(of, index, slots)?,
            Node::Array(items) => self.array(items, slots)?,
            Node::Object(members) => self.object(members, slots)?,
            Node::Unary(operator, of) => {
                let value = self.node(of, slots)?;
                self.number(&value)?;
                unary(*operator, value)
            }
            Node::Binary(operator, both) => self.binary(*operator, both, slots)?,
            Node::Chain(Chain::Concat, operands) => self.concat(operands, slots)?,
            Node::Chain(kind, operands) => self.logic(*kind, operands, slots)?,
            Node::Conditional(all) => self.conditional(all, slots)?,
            Node::Between { not, operands } => negated(*not, self.between(operands, slots)?),
            Node::In { not, value, list } => negated(*not, self.is_in(value, list, slots)?),
            Node::Like { not, operands, escape } => negated(*not, self.is_like(operands, *escape, slots)?),
            Node::Call(function, arguments) => self.call(function, arguments, slots)?,
            Node::Subquery(quantifier, rows) => self.subquery(*quantifier, rows, slots)?,
        })
    }

    /// What a slot or a part of it holds: what was made for this query is copied.
    fn copied(&self, value: Option<&Cow<'a, Value>>) -> Result<Item<'a>, QueryError> {
        if let Some(Cow::Owned(value)) = value {
            self.charge(memory(value))?;
        }
        Ok(value.cloned())
    }

    /// What a path of members from a slot leads to, without a copy of what is on the way. `None`: it is another kind of expression.
    fn place(&self, node: &Node, slots: &Slots<'a>) -> Result<Option<Item<'a>>, QueryError> {
        let mut names = Vec::new();
        let mut node = node;
        while let Node::Member(of, name) = node {
            names.push(name.as_str());
            node = of;
        }
        let Node::Slot(slot) = node else { return Ok(None) };
        let Some(of) = slots.get(*slot) else { return Ok(None) };
        self.charge(names.iter().map(|name| NODE + name.len() as u64).sum())?;
        Ok(Some(match of {
            None => None,
            Some(Cow::Borrowed(value)) => descend(value, &names).map(Cow::Borrowed),
            Some(Cow::Owned(value)) => {
                let found = descend(value, &names);
                self.charge(found.map_or(0, memory))?;
                found.cloned().map(Cow::Owned)
            }
        }))
    }

    /// Counts reading a number, which may be long.
    fn number(&self, value: &Item<'a>) -> Result<(), QueryError> {
        match value.as_deref() {
            Some(number @ Value::Number(_)) => self.charge(size(number) as u64),
            _ => Ok(()),
        }
    }

    /// The value of an operand that is kept while others are evaluated.
    fn operand(&self, node: &'a Node, slots: &mut Slots<'a>, held: &mut Reservation) -> Result<Item<'a>, QueryError> {
        let value = self.node(node, slots)?;
        held.keep(&value)?;
        Ok(value)
    }

    fn index(&self, of: &'a Node, index: &'a Node, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let index = self.operand(index, slots, &mut self.held())?;
        self.number(&index)?;
        Ok(self.node(of, slots)?.zip(index).and_then(|(of, index)| element(of, &index)))
    }

    /// Without what is undefined.
    fn array(&self, items: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut all = Vec::new();
        let mut held = self.held();
        for item in items {
            if let Some(value) = self.node(item, slots)? {
                held.grow(memory(&value))?;
                all.push(value.into_owned());
            }
        }
        Ok(Some(Cow::Owned(Value::Array(all))))
    }

    fn between(&self, [value, low, high]: &'a [Node; 3], slots: &mut Slots<'a>) -> Result<Option<bool>, QueryError> {
        let mut held = self.held();
        let value = self.operand(value, slots, &mut held)?;
        let low = self.operand(low, slots, &mut held)?;
        let high = self.node(high, slots)?;
        if let Some(value) = &value {
            self.charge([&low, &high].into_iter().flatten().map(|limit| shared(value, limit)).sum())?;
        }
        Ok(within(value, low, high))
    }

    fn is_like(
        &self,
        [value, pattern]: &'a [Node; 2],
        escape: Option<char>,
        slots: &mut Slots<'a>,
    ) -> Result<Option<bool>, QueryError> {
        let mut held = self.held();
        let (value, pattern) = (self.operand(value, slots, &mut held)?, self.operand(pattern, slots, &mut held)?);
        Ok(match (value.as_deref(), pattern.as_deref()) {
            (Some(Value::String(text)), Some(Value::String(pattern))) => {
                held.grow(like::takes(text, pattern))?;
                Some(like::matches(text, pattern, escape, &self.meter)?)
            }
            _ => None,
        })
    }

    fn call(&self, function: &Function, arguments: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut held = self.held();
        for argument in arguments {
            let value = self.operand(argument, slots, &mut held)?;
            // Each is read, whatever the function is; what takes more is counted by the function.
            self.charge(value.as_deref().map_or(0, size) as u64)?;
            values.push(value);
        }
        let result = (function.call)(self, &values);
        self.refused.take().map_or(Ok(()), Err)?;
        held.keep(&result)?;
        Ok(result)
    }

    pub(super) fn object(&self, members: &'a [(String, Node)], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut object = Map::new();
        let mut held = self.held();
        for (name, node) in members {
            if let Some(value) = self.node(node, slots)? {
                // As [`memory`] counts members.
                held.grow(name.len() as u64 + memory(&value) + if object.len().is_multiple_of(6) { 640 } else { 0 })?;
                object.insert(name.clone(), value.into_owned());
            }
        }
        Ok(Some(Cow::Owned(Value::Object(object))))
    }

    fn binary(
        &self,
        operator: Binary,
        [left, right]: &'a [Node; 2],
        slots: &mut Slots<'a>,
    ) -> Result<Item<'a>, QueryError> {
        let mut held = self.held();
        let left = self.operand(left, slots, &mut held)?;
        if operator == Binary::Coalesce {
            return if left.is_some() { Ok(left) } else { self.node(right, slots) };
        }
        let right = self.node(right, slots)?;
        let Some((left, right)) = left.zip(right) else { return Ok(None) };
        self.charge(shared(&left, &right))?;
        Ok(binary(operator, &left, &right))
    }

    /// Strings joined.
    fn concat(&self, operands: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut values = Vec::with_capacity(operands.len());
        let (mut held, mut joined) = (self.held(), self.held());
        for operand in operands {
            let value = self.operand(operand, slots, &mut held)?;
            joined.grow(value.as_deref().and_then(Value::as_str).map_or(0, str::len) as u64)?;
            values.push(value);
        }
        Ok(chain(&values))
    }

    /// AND and OR look no further than they must.
    fn logic(&self, kind: Chain, operands: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let decides = kind == Chain::Or;
        let mut known = true;
        for operand in operands {
            match self.node(operand, slots)?.as_deref() {
                Some(Value::Bool(value)) if *value == decides => return Ok(boolean(decides)),
                Some(Value::Bool(_)) => {}
                _ => known = false,
            }
        }
        Ok(if known { boolean(!decides) } else { None })
    }

    fn conditional(
        &self,
        [condition, then, otherwise]: &'a [Node; 3],
        slots: &mut Slots<'a>,
    ) -> Result<Item<'a>, QueryError> {
        match self.node(condition, slots)?.as_deref() {
            Some(Value::Bool(true)) => self.node(then, slots),
            Some(Value::Bool(false)) => self.node(otherwise, slots),
            _ => Ok(None),
        }
    }

    fn is_in(&self, value: &'a Node, list: &'a [Node], slots: &mut Slots<'a>) -> Result<Option<bool>, QueryError> {
        let mut held = self.held();
        let Some(value) = self.operand(value, slots, &mut held)? else { return Ok(None) };
        for item in list {
            let Some(item) = self.node(item, slots)? else { continue };
            self.charge(shared(&value, &item))?;
            if equals(&value, &item) {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }
}

fn negated<'a>(not: bool, found: Option<bool>) -> Item<'a> {
    found.and_then(|found| boolean(found != not))
}

fn unary<'a>(operator: Unary, of: Item<'a>) -> Item<'a> {
    let number = || of.as_deref().and_then(Value::as_f64);
    match operator {
        Unary::Not => boolean(!of?.as_bool()?),
        Unary::Minus => finite(-number()?),
        Unary::Plus => finite(number()?),
        Unary::BitNot => finite(f64::from(!integer(number()?)?)),
    }
}
