//! Which partition keys a filter lets through.

use serde_json::Value;

use super::Range;
use crate::{
    Parameters,
    effective_partition_key::{self, KeyValue, Kind, MAX, MIN, PartitionKeyDefinition, segments},
    resolve::{exprs, has_aggregate, path},
    syntax::{Binary, Chain, Collection, Expr, ExprKind, Quantifier, Select, Spec, Step, Unary},
};

/// Keys that are told one by one; with more, all are asked.
const MOST: usize = 2000;

/// Keys by alternatives: each says of every path a value, or that any will do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Keys(Vec<Vec<Option<KeyValue>>>);

impl Keys {
    fn all(paths: usize) -> Keys {
        Keys(vec![vec![None; paths]])
    }

    fn none() -> Keys {
        Keys(Vec::new())
    }

    /// Whether it is one key, whose rows are in one place.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.0.as_slice(), [one] if !one.is_empty() && one.iter().all(Option::is_some))
    }

    fn or(mut self, other: Keys, paths: usize) -> Keys {
        self.0.extend(other.0);
        if self.0.len() > MOST { Keys::all(paths) } else { self }
    }

    fn and(self, other: &Keys, paths: usize) -> Keys {
        if self.0.len().saturating_mul(other.0.len()) > MOST {
            return Keys::all(paths);
        }
        let both = self.0.iter().flat_map(|left| other.0.iter().filter_map(|right| joined(left, right)));
        Keys(both.collect())
    }
}

/// Both at once; `None` if they contradict each other.
fn joined(left: &[Option<KeyValue>], right: &[Option<KeyValue>]) -> Option<Vec<Option<KeyValue>>> {
    let one = |(left, right): (&Option<KeyValue>, &Option<KeyValue>)| match (left, right) {
        (Some(left), Some(right)) => (left == right).then(|| Some(left.clone())),
        (one, other) => Some(one.clone().or_else(|| other.clone())),
    };
    left.iter().zip(right).map(one).collect()
}

/// The keys of a query's documents, as far as its filter says.
pub(super) fn keys(select: &Select, parameters: &Parameters, paths: &[String]) -> Keys {
    if select.from.is_empty() {
        return Keys::none();
    }
    let paths = paths.iter().map(|path| segments(path)).collect();
    Finder { parameters, paths }.select(select, &[])
}

/// Aliases with the paths that they stand for.
type Scope = Vec<(String, Vec<Step>)>;

struct Finder<'p> {
    parameters: &'p Parameters,
    paths: Vec<Vec<String>>,
}

impl Finder<'_> {
    fn all(&self) -> Keys {
        Keys::all(self.paths.len())
    }

    fn select(&self, select: &Select, outer: &[(String, Vec<Step>)]) -> Keys {
        let mut scope = outer.to_vec();
        let mut keys = self.all();
        for (index, source) in select.from.iter().enumerate() {
            let Some(alias) = source.alias() else { continue };
            let stands_for = match &source.collection {
                Collection::Path { head, steps, .. } => match scope.iter().rev().find(|(known, _)| known == head) {
                    Some((_, before)) => Some(before.iter().chain(steps).cloned().collect()),
                    None if index == 0 => Some(steps.clone()),
                    None => None,
                },
                Collection::Subquery(inner) => {
                    // Without a row of it there is none of the whole, unless it counts rows.
                    if index == 0 && inner.group_by.is_empty() && !exprs(&inner.spec).any(has_aggregate) {
                        keys = keys.and(&self.select(inner, &scope), self.paths.len());
                    }
                    self.value_of(inner, &scope)
                }
            };
            // What stands for no path hides what had its name.
            let hidden = vec![Step::Element(u64::MAX)];
            let stands_for = stands_for.filter(|_| !source.iterates).unwrap_or(hidden);
            scope.push((alias.to_owned(), stands_for));
        }
        match &select.filter {
            Some(filter) => keys.and(&self.expr(filter, &scope), self.paths.len()),
            None => keys,
        }
    }

    /// The path that a subquery selects as its value.
    fn value_of(&self, select: &Select, scope: &Scope) -> Option<Vec<Step>> {
        let [source] = select.from.as_slice() else { return None };
        let (Collection::Path { head, steps, .. }, false) = (&source.collection, source.iterates) else { return None };
        let known = scope.iter().rev().find(|(known, _)| known == head).map(|(_, before)| before.clone());
        let before: Vec<Step> = known.unwrap_or_default().into_iter().chain(steps.iter().cloned()).collect();
        match &select.spec {
            Spec::Star(_) => Some(before),
            Spec::Value(expr) => {
                let (head, own) = path(expr)?;
                let alias = source.alias()?;
                (head == alias).then(|| before.into_iter().chain(own).collect())
            }
            Spec::List(_) => None,
        }
    }

    fn expr(&self, expr: &Expr, scope: &Scope) -> Keys {
        match &expr.kind {
            ExprKind::Literal(Value::Bool(true)) => self.all(),
            ExprKind::Literal(_) | ExprKind::Undefined => Keys::none(),
            ExprKind::Chain(Chain::And, all) => {
                all.iter().fold(self.all(), |keys, part| keys.and(&self.expr(part, scope), self.paths.len()))
            }
            ExprKind::Chain(Chain::Or, all) => {
                all.iter().fold(Keys::none(), |keys, part| keys.or(self.expr(part, scope), self.paths.len()))
            }
            ExprKind::Binary(Binary::Equal, left, right) => {
                let own = self.equal(left, right, scope).or_else(|| self.equal(right, left, scope));
                own.unwrap_or_else(|| self.inner(left, scope).and(&self.inner(right, scope), self.paths.len()))
            }
            ExprKind::In { not: false, value, list } => {
                let each = list.iter().map(|item| self.equal(value, item, scope));
                let each: Option<Vec<Keys>> = each.collect();
                each.map_or_else(
                    || self.all(),
                    |each| each.into_iter().fold(Keys::none(), |keys, one| keys.or(one, self.paths.len())),
                )
            }
            ExprKind::Unary(Unary::Not, of) => {
                self.place(of, scope, KeyValue::Bool(false)).unwrap_or_else(|| self.all())
            }
            ExprKind::Name(_) | ExprKind::Member(..) | ExprKind::Index(..) => {
                self.place(expr, scope, KeyValue::Bool(true)).unwrap_or_else(|| self.all())
            }
            ExprKind::Subquery(Quantifier::Exists | Quantifier::Scalar, _) => self.inner(expr, scope),
            _ => self.all(),
        }
    }

    /// What a subquery needs for a row, without which the comparison with it is undefined.
    fn inner(&self, expr: &Expr, scope: &Scope) -> Keys {
        match &expr.kind {
            ExprKind::Subquery(Quantifier::Exists | Quantifier::Scalar, select)
                if select.group_by.is_empty() && !exprs(&select.spec).any(has_aggregate) =>
            {
                self.select(select, scope)
            }
            _ => self.all(),
        }
    }

    /// `of = to`, if the one is a path of the key and the other is known.
    fn equal(&self, of: &Expr, to: &Expr, scope: &Scope) -> Option<Keys> {
        let value = match &to.kind {
            ExprKind::Literal(value) => KeyValue::from(value),
            ExprKind::Parameter(name) => KeyValue::from(self.parameters.get(name)?),
            ExprKind::Array(_) | ExprKind::Object(_) => KeyValue::Undefined,
            _ => return None,
        };
        self.place(of, scope, value)
    }

    /// Keys with this value at a path, if it is one of the key.
    fn place(&self, expr: &Expr, scope: &Scope, value: KeyValue) -> Option<Keys> {
        let (head, own) = path(expr)?;
        let (_, before) = scope.iter().rev().find(|(known, _)| known == head)?;
        let names = before.iter().chain(&own).map(|step| match step {
            Step::Member(name) | Step::Quoted(name) => Some(name.as_str()),
            Step::Element(_) => None,
        });
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        let index = self.paths.iter().position(|path| *path == names)?;
        let mut one = vec![None; self.paths.len()];
        *one.get_mut(index)? = Some(value);
        Some(Keys(vec![one]))
    }
}

/// The ranges of effective partition keys, in their order.
pub(super) fn ranges(keys: &Keys, definition: &PartitionKeyDefinition) -> Vec<Range> {
    let mut ranges: Vec<Range> = keys.0.iter().map(|one| range(one, definition)).collect();
    ranges.sort_unstable();
    ranges.dedup();
    // A range that begins within the one before is in it: they are all beginnings of keys.
    let mut apart: Vec<Range> = Vec::new();
    for range in ranges {
        if !apart.last().is_some_and(|last| !last.is_max_inclusive && range.min < last.max) {
            apart.push(range);
        }
    }
    if apart.is_empty() {
        apart.push(point(MIN.into()));
    }
    apart
}

fn range(one: &[Option<KeyValue>], definition: &PartitionKeyDefinition) -> Range {
    let known: Vec<KeyValue> = one.iter().map_while(Clone::clone).collect();
    let is_whole = !one.is_empty() && known.len() == one.len();
    if !is_whole && (definition.kind != Kind::MultiHash || known.is_empty()) {
        return Range { min: MIN.into(), max: MAX.into(), is_min_inclusive: true, is_max_inclusive: false };
    }
    let (min, max) = effective_partition_key::range(definition, &known);
    if min == max { point(min) } else { Range { min, max, is_min_inclusive: true, is_max_inclusive: false } }
}

fn point(key: String) -> Range {
    Range { min: key.clone(), max: key, is_min_inclusive: true, is_max_inclusive: true }
}
