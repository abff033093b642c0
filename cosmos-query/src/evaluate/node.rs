//! The value of an expression.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    Evaluator, Slots, like,
    operators::{binary, chain, equals, integer, within},
};
use crate::{
    QueryError,
    functions::Function,
    resolved::Node,
    syntax::{Binary, Chain, Unary},
    value::{Item, boolean, finite, size},
};

impl<'a> Evaluator<'a> {
    pub(crate) fn node(&self, node: &'a Node, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        Ok(match node {
            Node::Constant(value) => value.as_ref().map(Cow::Borrowed),
            Node::Parameter(name) => self.context.parameters.get(name).map(Cow::Borrowed),
            Node::Slot(slot) => slots.get(*slot).cloned().flatten(),
            Node::Member(of, name) => match place(node, slots) {
                Some(found) => found,
                None => self.node(of, slots)?.and_then(|of| member(of, name)),
            },
            Node::Index(of, index) => self.index(of, index, slots)?,
            Node::Array(items) => self.array(items, slots)?,
            Node::Object(members) => self.object(members, slots)?,
            Node::Unary(operator, of) => unary(*operator, self.node(of, slots)?),
            Node::Binary(operator, both) => self.binary(*operator, both, slots)?,
            Node::Chain(kind, operands) => self.chain(*kind, operands, slots)?,
            Node::Conditional(all) => self.conditional(all, slots)?,
            Node::Between { not, operands } => negated(*not, self.between(operands, slots)?),
            Node::In { not, value, list } => negated(*not, self.is_in(value, list, slots)?),
            Node::Like { not, operands, escape } => negated(*not, self.is_like(operands, *escape, slots)?),
            Node::Call(function, arguments) => self.call(function, arguments, slots)?,
            Node::Subquery(quantifier, rows) => self.subquery(*quantifier, rows, slots)?,
        })
    }

    fn index(&self, of: &'a Node, index: &'a Node, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let index = self.node(index, slots)?;
        Ok(self.node(of, slots)?.zip(index).and_then(|(of, index)| element(of, &index)))
    }

    /// Without what is undefined.
    fn array(&self, items: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut all = Vec::with_capacity(items.len());
        let mut built = 0;
        for item in items {
            if let Some(value) = self.node(item, slots)? {
                self.grow(&mut built, size(&value) as u64)?;
                all.push(value.into_owned());
            }
        }
        Ok(Some(Cow::Owned(Value::Array(all))))
    }

    fn between(&self, [value, low, high]: &'a [Node; 3], slots: &mut Slots<'a>) -> Result<Option<bool>, QueryError> {
        let (value, low) = (self.node(value, slots)?, self.node(low, slots)?);
        Ok(within(value, low, self.node(high, slots)?))
    }

    fn is_like(
        &self,
        [value, pattern]: &'a [Node; 2],
        escape: Option<char>,
        slots: &mut Slots<'a>,
    ) -> Result<Option<bool>, QueryError> {
        let (value, pattern) = (self.node(value, slots)?, self.node(pattern, slots)?);
        Ok(match (value.as_deref(), pattern.as_deref()) {
            (Some(Value::String(text)), Some(Value::String(pattern))) => {
                // A `%` looks for what follows it at every place of the text.
                self.charge((text.len() as u64).saturating_mul(pattern.len() as u64) / 16)?;
                Some(like::matches(text, pattern, escape))
            }
            _ => None,
        })
    }

    fn call(&self, function: &Function, arguments: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.node(argument, slots)?);
        }
        self.charge(function.reads(&values))?;
        self.grow(&mut 0, function.builds(&values))?;
        let result = (function.call)(self, &values);
        self.refused.take().map_or(Ok(result), Err)
    }

    pub(super) fn object(&self, members: &'a [(String, Node)], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        let mut object = Map::new();
        let mut built = 0;
        for (name, node) in members {
            if let Some(value) = self.node(node, slots)? {
                self.grow(&mut built, size(&value) as u64)?;
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
        let left = self.node(left, slots)?;
        if operator == Binary::Coalesce {
            return if left.is_some() { Ok(left) } else { self.node(right, slots) };
        }
        let right = self.node(right, slots)?;
        Ok(left.zip(right).and_then(|(left, right)| binary(operator, &left, &right)))
    }

    /// AND and OR look no further than they must; `||` joins strings.
    fn chain(&self, kind: Chain, operands: &'a [Node], slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        if kind == Chain::Concat {
            let mut values = Vec::with_capacity(operands.len());
            for operand in operands {
                values.push(self.node(operand, slots)?);
            }
            // The joined text is as long as all of them.
            let mut built = 0;
            values.iter().flatten().try_for_each(|value| self.grow(&mut built, size(value) as u64))?;
            return Ok(chain(&values));
        }
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
        let Some(value) = self.node(value, slots)? else { return Ok(None) };
        for item in list {
            if self.node(item, slots)?.is_some_and(|item| equals(&value, &item)) {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }
}

/// What a path of members from a slot leads to, without a copy of what is on the way. `None`: it is another kind of expression.
fn place<'a>(node: &Node, slots: &Slots<'a>) -> Option<Item<'a>> {
    let mut names = Vec::new();
    let mut node = node;
    while let Node::Member(of, name) = node {
        names.push(name.as_str());
        node = of;
    }
    let Node::Slot(slot) = node else { return None };
    Some(match slots.get(*slot)? {
        None => None,
        Some(Cow::Borrowed(value)) => descend(value, &names).map(Cow::Borrowed),
        Some(Cow::Owned(value)) => descend(value, &names).cloned().map(Cow::Owned),
    })
}

fn descend<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().rev().try_fold(value, |value, name| value.as_object()?.get(*name))
}

fn member<'a>(of: Cow<'a, Value>, name: &str) -> Item<'a> {
    match of {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(Value::Object(mut members)) => members.remove(name).map(Cow::Owned),
        Cow::Owned(_) => None,
    }
}

/// `[...]` with a value that is not known before: a number for arrays, a name for objects.
fn element<'a>(of: Cow<'a, Value>, index: &Value) -> Item<'a> {
    match index {
        Value::String(name) => member(of, name),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
            match of {
                Cow::Borrowed(value) => value.as_array()?.get(number as usize).map(Cow::Borrowed),
                Cow::Owned(Value::Array(mut items)) => {
                    ((number as usize) < items.len()).then(|| Cow::Owned(items.swap_remove(number as usize)))
                }
                Cow::Owned(_) => None,
            }
        }
        _ => None,
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
