//! Whether a value is one that its parameter takes. Azure looks at the start of a deployment; the compiler only where the value is
//! written in the same file, so that what comes from JSON, or through a module, goes unseen until then.

use std::rc::Rc;

use super::{Run, error::EvaluateError, source::Source, value::Value};
use crate::syntax::ast::{
    Decorator, Expression, ExpressionKind, ObjectType, ObjectTypeKey, StatementKind, TypeExpression, TypeKind,
    UnaryOperator,
};

/// How deep types may name each other.
const DEPTH: usize = 32;

/// What is wrong: the path into the value, and why.
type Wrong = Result<(), String>;

impl Run<'_> {
    /// Checks a value against the type and the decorators of a parameter.
    pub(super) fn admit(
        &mut self,
        source: &Rc<Source>,
        name: &str,
        (ty, decorators): (Option<&TypeExpression>, &[Decorator]),
        value: &Value,
    ) -> Result<Wrong, EvaluateError> {
        if let Err(message) = decorated(name, decorators, value) {
            return Ok(Err(message));
        }
        match ty {
            Some(ty) => self.fits(source, name, ty, value, 0),
            None => Ok(Ok(())),
        }
    }

    fn fits(
        &mut self,
        source: &Rc<Source>,
        path: &str,
        ty: &TypeExpression,
        value: &Value,
        depth: usize,
    ) -> Result<Wrong, EvaluateError> {
        let differs = |wanted: &str| Ok(Err(format!("{path} is {}, not {wanted}", value.expression())));
        if value.is_runtime() || depth == DEPTH {
            return Ok(Ok(()));
        }
        match (&ty.kind, value) {
            (TypeKind::Nullable(_), Value::Null) => Ok(Ok(())),
            (TypeKind::Nullable(inner) | TypeKind::NonNull(inner) | TypeKind::Parenthesized(inner), _) => {
                self.fits(source, path, inner, value, depth + 1)
            }
            (TypeKind::String(wanted), _) => match (wanted.literal(), value) {
                (Some(wanted), Value::Text(text)) if text == wanted => Ok(Ok(())),
                (Some(wanted), _) => differs(&format!("'{wanted}'")),
                (None, _) => Ok(Ok(())),
            },
            (TypeKind::Integer(wanted), _) => match value {
                Value::Integer(number) if i64::try_from(*wanted) == Ok(*number) => Ok(Ok(())),
                _ => differs(&wanted.to_string()),
            },
            (TypeKind::Boolean(wanted), _) => match value {
                Value::Boolean(flag) if flag == wanted => Ok(Ok(())),
                _ => differs(&wanted.to_string()),
            },
            (TypeKind::Union(members), _) => {
                for member in members {
                    if self.fits(source, path, member, value, depth + 1)?.is_ok() {
                        return Ok(Ok(()));
                    }
                }
                differs(ty.span.text(&source.text))
            }
            (TypeKind::Array(item), Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    let fits = self.fits(source, &format!("{path}[{index}]"), item, value, depth + 1)?;
                    if fits.is_err() {
                        return Ok(fits);
                    }
                }
                Ok(Ok(()))
            }
            (TypeKind::Object(object), Value::Object(_)) => self.object_fits(source, path, object, value, depth),
            (TypeKind::Array(_) | TypeKind::Object(_), _) => differs(ty.span.text(&source.text)),
            (TypeKind::Name(name), _) => match (name.text.as_str(), value) {
                ("string", Value::Text(_))
                | ("int", Value::Integer(_))
                | ("bool", Value::Boolean(_))
                | ("array", Value::Array(_))
                | ("object", Value::Object(_)) => Ok(Ok(())),
                ("string" | "int" | "bool" | "array" | "object", _) => differs(&name.text),
                (other, _) => self.named_fits(source, path, other, value, depth),
            },
            // Types of resources, tuples and parts of types, which are the checker's business.
            _ => Ok(Ok(())),
        }
    }

    fn object_fits(
        &mut self,
        source: &Rc<Source>,
        path: &str,
        object: &ObjectType,
        value: &Value,
        depth: usize,
    ) -> Result<Wrong, EvaluateError> {
        let Value::Object(members) = value else { return Ok(Ok(())) };
        let mut others: Vec<&String> = members.keys().collect();
        let mut of_others = None;
        for item in &object.items {
            let ObjectTypeKey::Named(key) = &item.key else {
                of_others = Some(item);
                continue;
            };
            let name = key.text().unwrap_or_default();
            others.retain(|other| *other != name);
            let at = format!("{path}.{name}");
            let checked = match members.get(name) {
                Some(value) => self.admit_at(source, &at, (&item.value, &item.decorators), value, depth)?,
                None if matches!(item.value.kind, TypeKind::Nullable(_)) => Ok(()),
                None => Err(format!("{path} lacks {name}")),
            };
            if checked.is_err() {
                return Ok(checked);
            }
        }
        for name in others {
            let at = format!("{path}.{name}");
            let checked = match (of_others, members.get(name)) {
                (Some(item), Some(value)) => {
                    self.admit_at(source, &at, (&item.value, &item.decorators), value, depth)?
                }
                // What a type does not name passes, as in Azure, unless the type is sealed.
                _ => Ok(()),
            };
            if checked.is_err() {
                return Ok(checked);
            }
        }
        Ok(Ok(()))
    }

    fn admit_at(
        &mut self,
        source: &Rc<Source>,
        path: &str,
        (ty, decorators): (&TypeExpression, &[Decorator]),
        value: &Value,
        depth: usize,
    ) -> Result<Wrong, EvaluateError> {
        match decorated(path, decorators, value) {
            Ok(()) => self.fits(source, path, ty, value, depth + 1),
            wrong => Ok(wrong),
        }
    }

    /// A type of this file, or of one that it imports from.
    fn named_fits(
        &mut self,
        source: &Rc<Source>,
        path: &str,
        name: &str,
        value: &Value,
        depth: usize,
    ) -> Result<Wrong, EvaluateError> {
        let (source, name) = match source.imports.get(name).cloned() {
            Some((file, there)) => (self.source(&file)?, there),
            None => (Rc::clone(source), name.to_owned()),
        };
        let found = source.file.statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::Type { name: declared, value } if declared.text == name => {
                Some((value, &statement.decorators))
            }
            _ => None,
        });
        match found {
            Some((ty, decorators)) => self.admit_at(&source, path, (ty, decorators), value, depth),
            None => Ok(Err(format!("{path} has the type {name}, which nothing declares"))),
        }
    }
}

/// Whether a value keeps to `@minValue`, `@maxValue`, `@minLength` and `@maxLength`.
fn decorated(path: &str, decorators: &[Decorator], value: &Value) -> Wrong {
    for decorator in decorators {
        let ExpressionKind::Call { name, arguments } = &decorator.expression.kind else { continue };
        let Some(argument) = arguments.first() else { continue };
        let size = match value {
            Value::Text(text) => i64::try_from(text.chars().count()).ok(),
            Value::Array(items) => i64::try_from(items.len()).ok(),
            _ => None,
        };
        let number = if let Value::Integer(number) = value { Some(*number) } else { None };
        let fits = match (name.text.as_str(), integer(argument)) {
            ("minValue", Some(least)) => number.is_none_or(|number| number >= least),
            ("maxValue", Some(most)) => number.is_none_or(|number| number <= most),
            ("minLength", Some(least)) => size.is_none_or(|size| size >= least),
            ("maxLength", Some(most)) => size.is_none_or(|size| size <= most),
            _ => true,
        };
        if !fits {
            let limit = integer(argument).unwrap_or_default();
            return Err(format!("{path} is {}, against @{}({limit})", value.expression(), name.text));
        }
    }
    Ok(())
}

fn integer(expression: &Expression) -> Option<i64> {
    match &expression.kind {
        ExpressionKind::Integer(number) => i64::try_from(*number).ok(),
        ExpressionKind::Unary { operator: UnaryOperator::Minus, operand } => integer(operand).map(|number| -number),
        _ => None,
    }
}
