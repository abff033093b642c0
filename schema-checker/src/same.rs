//! Sameness: whether two texts are one schema but for documentation and the order of members in JSON.

use std::collections::HashSet;

use crate::{
    compare::MAX_DEPTH,
    defaults::is_same_to_all as is_same_default,
    model::{Field, NamedId, NamedKind, Schema, Type},
};

/// Whether readers cannot tell the two apart: then there is no new version.
pub(crate) fn is_same(one: &Schema, other: &Schema) -> bool {
    Sameness { one, other, seen: HashSet::new(), depth: 0 }.of(&one.root, &other.root)
}

struct Sameness<'a> {
    one: &'a Schema,
    other: &'a Schema,
    seen: HashSet<(NamedId, NamedId)>,
    depth: usize,
}

impl Sameness<'_> {
    fn of(&mut self, one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::Primitive(one, as_one), Type::Primitive(other, as_other)) => one == other && as_one == as_other,
            (Type::Array(one), Type::Array(other)) | (Type::Map(one), Type::Map(other)) => self.of(one, other),
            (Type::Union(one), Type::Union(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.of(one, other))
            }
            (Type::Named(one), Type::Named(other)) => {
                self.depth += 1;
                let is_same = self.depth <= MAX_DEPTH && self.named(*one, *other);
                self.depth -= 1;
                is_same
            }
            _ => false,
        }
    }

    fn named(&mut self, one: NamedId, other: NamedId) -> bool {
        if !self.seen.insert((one, other)) {
            return true;
        }
        let (one, other) = (self.one.get(one), self.other.get(other));
        if one.name != other.name || !is_same_list(&one.aliases, &other.aliases) || one.more != other.more {
            return false;
        }
        match (&one.kind, &other.kind) {
            (NamedKind::Record(one), NamedKind::Record(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.field(one, other))
            }
            (NamedKind::Enum { symbols, default }, NamedKind::Enum { symbols: others, default: other }) => {
                symbols == others && default == other
            }
            (NamedKind::Fixed { size, logical }, NamedKind::Fixed { size: other, logical: as_other }) => {
                size == other && logical == as_other
            }
            _ => false,
        }
    }

    fn field(&mut self, one: &Field, other: &Field) -> bool {
        let defaults = match (&one.default, &other.default) {
            (None, None) => true,
            (Some(one), Some(other)) => is_same_default(one, other),
            _ => false,
        };
        one.name == other.name
            && is_same_list(&one.aliases, &other.aliases)
            && one.more == other.more
            && defaults
            && self.of(&one.of, &other.of)
    }
}

/// Aliases in any order.
fn is_same_list(one: &[String], other: &[String]) -> bool {
    let [mut one, mut other] = [one, other].map(<[String]>::to_vec);
    one.sort_unstable();
    other.sort_unstable();
    one == other
}
