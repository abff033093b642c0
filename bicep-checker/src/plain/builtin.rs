//! Functions of Bicep, those that templates use to put lists and objects together.

use super::{
    evaluate::{Evaluator, list_of, put},
    scope::Scope,
    value::{List, Piece, Value, literal},
};
use crate::syntax::ast::{Expression, ExpressionKind};

/// Numbers that a list is made of, at most.
const MANY: i64 = 100;

/// Functions that only Azure computes and that scanners read.
const AZURE: [&str; 6] =
    ["guid", "uniqueString", "resourceId", "subscriptionResourceId", "extensionResourceId", "tenantResourceId"];

impl Evaluator<'_> {
    pub(super) fn builtin(&self, name: &str, arguments: &[Expression], scope: &Scope) -> Value {
        if let (Some(lambda), true) = (arguments.get(1), takes_lambda(name)) {
            return self.with_lambda(name, arguments, lambda, scope);
        }
        let values: Vec<Value> = arguments.iter().map(|argument| self.value(argument, scope)).collect();
        if let Some(name) = AZURE.into_iter().find(|known| *known == name) {
            return Value::Call { name, arguments: values };
        }
        computed(name, values).unwrap_or(Value::Computed)
    }

    fn with_lambda(&self, name: &str, arguments: &[Expression], lambda: &Expression, scope: &Scope) -> Value {
        let Some(first) = arguments.first() else { return Value::Computed };
        let first = self.value(first, scope);
        match name {
            "map" => {
                let list = list_of(first);
                // Of a list that is not known, one item.
                let List { items, whole } = if list.whole { list } else { example(list, lambda) };
                Value::list(items.into_iter().map(|item| self.apply(lambda, &[item], scope)).collect(), whole)
            }
            "filter" => {
                let List { items, mut whole } = list_of(first);
                let mut kept = Vec::new();
                for item in items {
                    match self.apply(lambda, std::slice::from_ref(&item), scope) {
                        Value::Boolean(false) => {}
                        Value::Boolean(true) => kept.push(item),
                        // Perhaps not one of them, but better seen than not.
                        _ => {
                            whole = false;
                            kept.push(item);
                        }
                    }
                }
                Value::list(kept, whole)
            }
            "toObject" => {
                let List { items, mut whole } = list_of(first);
                let mut entries = Vec::new();
                for item in items {
                    let key = self.apply(lambda, std::slice::from_ref(&item), scope);
                    let value = match arguments.get(2) {
                        Some(lambda) => self.apply(lambda, &[item], scope),
                        None => item,
                    };
                    match key {
                        Value::Text(pieces) => put(&mut entries, pieces, value),
                        _ => whole = false,
                    }
                }
                Value::object(entries, whole)
            }
            "mapValues" => match first {
                Value::Object(object) => {
                    let entry = |(key, value): (Vec<Piece>, Value)| (key, self.apply(lambda, &[value], scope));
                    Value::object(object.entries.into_iter().map(entry).collect(), object.whole)
                }
                _ => Value::object(Vec::new(), false),
            },
            _ => Value::Computed,
        }
    }
}

fn takes_lambda(name: &str) -> bool {
    matches!(name, "map" | "filter" | "toObject" | "mapValues" | "sort" | "reduce" | "groupBy")
}

/// One item under the name that the lambda has for it.
fn example(list: List, lambda: &Expression) -> List {
    if !list.items.is_empty() {
        return list;
    }
    let name = match &lambda.inner().kind {
        ExpressionKind::Lambda { parameters, .. } => parameters.first().map(|name| name.text.clone()),
        _ => None,
    };
    List { items: name.map(Value::named).into_iter().collect(), whole: false }
}

fn computed(name: &str, mut values: Vec<Value>) -> Option<Value> {
    match name {
        // These have properties, but no value before a deployment.
        "subscription" | "resourceGroup" | "deployment" | "environment" | "tenant" if values.is_empty() => {
            return Some(Value::symbol(format!("{name}()")));
        }
        "union" => return union(values),
        "concat" => return concat(values),
        "flatten" => {
            let outer = list_of(values.pop()?);
            let whole = outer.whole;
            let inner: Vec<List> = outer.items.into_iter().map(list_of).collect();
            let whole = whole && inner.iter().all(|list| list.whole);
            return Some(Value::list(inner.into_iter().flat_map(|list| list.items).collect(), whole));
        }
        "intersection" => return matches!(values.first()?, Value::List(_)).then(|| Value::list(Vec::new(), false)),
        _ => {}
    }
    let first = values.first()?;
    let text = |at: usize| values.get(at).and_then(Value::as_text);
    let number = |at: usize| match values.get(at) {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    };
    Some(match name {
        "any" => first.clone(),
        "empty" => Value::Boolean(first.is_empty()?),
        "length" => match first {
            Value::List(list) if list.whole => Value::Integer(i64::try_from(list.items.len()).ok()?),
            _ => return None,
        },
        "contains" => Value::Boolean(contains(first, values.get(1)?)?),
        "range" => {
            let (start, count) = (number(0)?, number(1)?);
            if count > MANY {
                return None;
            }
            Value::list((start..start.checked_add(count)?).map(Value::Integer).collect(), true)
        }
        "items" => match first {
            Value::Object(object) => {
                let item = |(key, value): &(Vec<Piece>, Value)| {
                    let named = |name: &str, value: Value| (vec![Piece::Text(name.to_owned())], value);
                    Value::object(vec![named("key", Value::Text(key.clone())), named("value", value.clone())], true)
                };
                Value::list(object.entries.iter().map(item).collect(), object.whole)
            }
            _ => return None,
        },
        "first" => match first {
            Value::List(list) if list.whole => list.items.first()?.clone(),
            _ => return None,
        },
        "join" => {
            let (Value::List(list), Some(between)) = (first, text(1)) else { return None };
            let items: Option<Vec<&str>> = list.items.iter().map(Value::as_text).collect();
            Value::text_of(items.filter(|_| list.whole)?.join(between))
        }
        "toLower" => Value::text_of(text(0)?.to_lowercase()),
        "toUpper" => Value::text_of(text(0)?.to_uppercase()),
        "replace" => Value::text_of(text(0)?.replace(text(1)?, text(2)?)),
        "startsWith" => Value::Boolean(text(0)?.to_lowercase().starts_with(&text(1)?.to_lowercase())),
        "endsWith" => Value::Boolean(text(0)?.to_lowercase().ends_with(&text(1)?.to_lowercase())),
        "string" => match first {
            Value::Text(_) => first.clone(),
            Value::Integer(number) => Value::text_of(number.to_string()),
            _ => return None,
        },
        "int" => match first {
            Value::Integer(_) => first.clone(),
            _ => Value::Integer(text(0)?.parse().ok()?),
        },
        _ => return None,
    })
}

fn contains(within: &Value, wanted: &Value) -> Option<bool> {
    match within {
        Value::List(_) if within.is_literal() && wanted.is_literal() => match within {
            Value::List(list) => Some(list.items.contains(wanted)),
            _ => None,
        },
        Value::Object(object) if object.whole => {
            let wanted = wanted.as_text()?;
            Some(object.entries.iter().any(|(key, _)| literal(key) == Some(wanted)))
        }
        Value::Text(_) => Some(within.as_text()?.contains(wanted.as_text()?)),
        _ => None,
    }
}

/// Objects put together, or lists without what is there twice.
fn union(values: Vec<Value>) -> Option<Value> {
    if values.iter().any(|value| matches!(value, Value::Object(_))) {
        let (mut entries, mut whole) = (Vec::new(), true);
        for value in values {
            match value {
                Value::Object(object) => {
                    whole &= object.whole;
                    for (key, value) in object.entries {
                        put(&mut entries, key, value);
                    }
                }
                _ => whole = false,
            }
        }
        return Some(Value::object(entries, whole));
    }
    let Value::List(list) = concat(values)? else { return None };
    let mut items: Vec<Value> = Vec::new();
    for item in list.items {
        if !items.contains(&item) {
            items.push(item);
        }
    }
    Some(Value::list(items, list.whole))
}

/// Lists or texts, one behind the other.
fn concat(values: Vec<Value>) -> Option<Value> {
    if values.iter().any(|value| matches!(value, Value::Text(_))) {
        return Some(Value::text(values.into_iter().map(Piece::Value)));
    }
    if !values.iter().any(|value| matches!(value, Value::List(_))) {
        return None;
    }
    let lists: Vec<List> = values.into_iter().map(list_of).collect();
    let whole = lists.iter().all(|list| list.whole);
    Some(Value::list(lists.into_iter().flat_map(|list| list.items).collect(), whole))
}
