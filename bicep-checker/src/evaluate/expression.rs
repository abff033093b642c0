use std::{collections::BTreeMap, rc::Rc};

use super::{
    Run,
    error::EvaluateError,
    instance::{Instance, Locals},
    value::Value,
};
use crate::{
    Span,
    syntax::ast::{
        ArrayItem, BinaryOperator, Expression, ExpressionKind, For, Key, Object, ObjectItem, StringLiteral, StringPart,
        UnaryOperator,
    },
};

type Valued = Result<Value, EvaluateError>;

impl Run<'_> {
    /// The value of an expression.
    pub(super) fn value(&mut self, at: &Rc<Instance>, locals: Option<&Locals<'_>>, of: &Expression) -> Valued {
        let wrong = |message: &str| Err(at.source.error(of.span, message));
        match &of.kind {
            ExpressionKind::Null => Ok(Value::Null),
            ExpressionKind::Boolean(flag) => Ok(Value::Boolean(*flag)),
            ExpressionKind::Integer(number) => match i64::try_from(*number) {
                Ok(number) => Ok(Value::Integer(number)),
                Err(_) => wrong("a number beyond 64 bits"),
            },
            ExpressionKind::String(string) => self.string(at, locals, string),
            ExpressionKind::Object(object) => self.members(at, locals, object, &[]).map(Value::Object),
            ExpressionKind::Array(items) => self.array(at, locals, items),
            ExpressionKind::For(each) => self.each(at, locals, each),
            ExpressionKind::Parenthesized(inner) | ExpressionKind::NonNull(inner) => self.value(at, locals, inner),
            ExpressionKind::Ternary { condition, then, otherwise } => match self.value(at, locals, condition)? {
                Value::Boolean(true) => self.value(at, locals, then),
                Value::Boolean(false) => self.value(at, locals, otherwise),
                Value::Runtime(_) => Ok(Value::Runtime(of.span.text(&at.source.text).to_owned())),
                other => Err(at.source.error(condition.span, format!("a condition that is {}", other.kind()))),
            },
            ExpressionKind::Binary { operator, left, right, .. } => {
                self.binary(at, locals, *operator, left, right, of.span)
            }
            ExpressionKind::Unary { operator, operand } => match (operator, self.value(at, locals, operand)?) {
                (UnaryOperator::Not, Value::Boolean(flag)) => Ok(Value::Boolean(!flag)),
                (UnaryOperator::Minus, Value::Integer(number)) => Ok(Value::Integer(-number)),
                (_, Value::Runtime(_)) => Ok(Value::Runtime(of.span.text(&at.source.text).to_owned())),
                (_, other) => Err(at.source.error(of.span, format!("an operator before {}", other.kind()))),
            },
            ExpressionKind::Variable(name) => self.named(at, locals, name),
            ExpressionKind::Call { name, arguments } => self.call(at, locals, name, arguments),
            ExpressionKind::MethodCall { base, name, arguments } => self.method(at, locals, base, name, arguments),
            ExpressionKind::Property { base, name, safe } => {
                if let ExpressionKind::Variable(file) = &base.kind
                    && let Some(path) = at.source.wildcards.get(&file.text).cloned()
                {
                    return self.declared_in(&path, &name.text, at, name.span);
                }
                let base = self.value(at, locals, base)?;
                self.property(at, &base, &name.text, *safe, name.span)
            }
            ExpressionKind::NestedResource { base, name } => self.nested(at, locals, base, name),
            ExpressionKind::Index { base, index, safe, from_end } => {
                let base = self.value(at, locals, base)?;
                let index = self.value(at, locals, index)?;
                self.index(at, &base, &index, (*safe, *from_end), of.span)
            }
            ExpressionKind::If { .. } => wrong("`if` outside of a resource or module"),
            ExpressionKind::Lambda { .. } => wrong("a lambda outside of a function that takes one"),
            ExpressionKind::None | ExpressionKind::Error => wrong("this has no value"),
        }
    }

    fn string(&mut self, at: &Rc<Instance>, locals: Option<&Locals<'_>>, string: &StringLiteral) -> Valued {
        let (mut known, mut expression, mut runtime) = (String::new(), String::new(), false);
        for part in &string.parts {
            match part {
                StringPart::Text { value, .. } => {
                    known.push_str(value);
                    expression.push_str(value);
                }
                StringPart::Expression(inner) => {
                    let value = self.value(at, locals, inner)?;
                    if matches!(value, Value::Node(_) | Value::Absent) {
                        return Err(at.source.error(inner.span, format!("a string with {} in it", value.kind())));
                    }
                    match value.written() {
                        Some(text) => {
                            known.push_str(&text);
                            expression.push_str(&text);
                        }
                        None => {
                            runtime = true;
                            expression.push_str(&format!("${{{}}}", value.expression()));
                        }
                    }
                }
            }
        }
        Ok(if runtime { Value::Runtime(format!("'{expression}'")) } else { Value::Text(known) })
    }

    /// The properties of an object, those named in `without` and nested resources left out.
    pub(super) fn members(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        object: &Object,
        without: &[&str],
    ) -> Result<BTreeMap<String, Value>, EvaluateError> {
        let mut members = BTreeMap::new();
        for item in &object.items {
            match item {
                ObjectItem::Property(property) => {
                    if property.key.text().is_some_and(|name| without.contains(&name)) {
                        continue;
                    }
                    let name = match &property.key {
                        Key::Name(name) => name.text.clone(),
                        Key::String(string) => match self.string(at, locals, string)? {
                            Value::Text(name) => name,
                            other => format!("[{}]", other.expression()),
                        },
                    };
                    let value = self.value(at, locals, &property.value)?;
                    members.insert(name, value);
                }
                ObjectItem::Spread(spread, span) => match self.value(at, locals, spread)? {
                    Value::Object(more) => members.extend(more),
                    other => return Err(at.source.error(*span, format!("`...` before {}", other.kind()))),
                },
                ObjectItem::Resource(_) => {}
                ObjectItem::Error(span) => return Err(at.source.error(*span, "no property")),
            }
        }
        Ok(members)
    }

    fn array(&mut self, at: &Rc<Instance>, locals: Option<&Locals<'_>>, items: &[ArrayItem]) -> Valued {
        let mut values = Vec::new();
        for item in items {
            match item {
                ArrayItem::Value(item) => values.push(self.value(at, locals, item)?),
                ArrayItem::Spread(spread, span) => match self.value(at, locals, spread)? {
                    Value::Array(more) => values.extend(more),
                    other => return Err(at.source.error(*span, format!("`...` before {}", other.kind()))),
                },
            }
        }
        Ok(Value::Array(values))
    }

    fn each(&mut self, at: &Rc<Instance>, locals: Option<&Locals<'_>>, each: &For) -> Valued {
        let mut values = Vec::new();
        for (index, item) in self.rounds(at, locals, each)?.into_iter().enumerate() {
            let (names, round) = round(each, index, item);
            values.push(self.with(at, locals, &names, &round, &each.body)?);
        }
        Ok(Value::Array(values))
    }

    /// What a loop goes through.
    pub(super) fn rounds(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        each: &For,
    ) -> Result<Vec<Value>, EvaluateError> {
        match self.value(at, locals, &each.list)? {
            Value::Array(items) => Ok(items),
            other => Err(at.source.error(each.list.span, format!("a loop over what is {}", other.kind()))),
        }
    }

    fn binary(
        &mut self,
        at: &Rc<Instance>,
        locals: Option<&Locals<'_>>,
        operator: BinaryOperator,
        left: &Expression,
        right: &Expression,
        span: Span,
    ) -> Valued {
        use BinaryOperator as Op;
        let first = self.value(at, locals, left)?;
        match (operator, &first) {
            (Op::Coalesce, Value::Null) => return self.value(at, locals, right),
            (Op::Or, Value::Boolean(true)) | (Op::And, Value::Boolean(false)) => return Ok(first),
            (Op::Coalesce, _) if !first.is_runtime() => return Ok(first),
            _ => {}
        }
        let second = self.value(at, locals, right)?;
        if first.has_runtime() || second.has_runtime() {
            return Ok(Value::Runtime(span.text(&at.source.text).to_owned()));
        }
        let wrong = |what: &str| Err(at.source.error(span, format!("{} and {}: {what}", first.kind(), second.kind())));
        let alike = |a: &Value, b: &Value| match (a, b) {
            (Value::Text(a), Value::Text(b)) => a.to_lowercase() == b.to_lowercase(),
            (a, b) => a == b,
        };
        let number = |number: Option<i64>| match number {
            Some(number) => Ok(Value::Integer(number)),
            None => Err(at.source.error(span, "a division by zero, or a number beyond 64 bits")),
        };
        match (operator, &first, &second) {
            (Op::Or | Op::And, _, Value::Boolean(_)) if matches!(first, Value::Boolean(_)) => Ok(second),
            (Op::Equal, ..) => Ok(Value::Boolean(first == second)),
            (Op::NotEqual, ..) => Ok(Value::Boolean(first != second)),
            (Op::EqualIgnoringCase, ..) => Ok(Value::Boolean(alike(&first, &second))),
            (Op::NotEqualIgnoringCase, ..) => Ok(Value::Boolean(!alike(&first, &second))),
            (_, Value::Integer(a), Value::Integer(b)) => match operator {
                Op::Less => Ok(Value::Boolean(a < b)),
                Op::LessOrEqual => Ok(Value::Boolean(a <= b)),
                Op::Greater => Ok(Value::Boolean(a > b)),
                Op::GreaterOrEqual => Ok(Value::Boolean(a >= b)),
                Op::Add => number(a.checked_add(*b)),
                Op::Subtract => number(a.checked_sub(*b)),
                Op::Multiply => number(a.checked_mul(*b)),
                Op::Divide => number(a.checked_div(*b)),
                Op::Remainder => number(a.checked_rem(*b)),
                _ => wrong("this operator is not for numbers"),
            },
            _ => wrong("this operator is not for them"),
        }
    }
}

/// The names of a round of a loop, and their values.
pub(super) fn round(each: &For, index: usize, item: Value) -> (Vec<&str>, Vec<Value>) {
    let mut names = vec![each.item.text.as_str()];
    let mut values = vec![item];
    if let Some(name) = &each.index {
        names.push(&name.text);
        values.push(Value::Integer(i64::try_from(index).unwrap_or(i64::MAX)));
    }
    (names, values)
}
