//! Making types, and asking what they are.

use std::rc::Rc;

use super::{Flags, Integers, Later, List, Object, Property, Rest, Text, Type};

impl Type {
    /// `string`
    pub(crate) fn text() -> Self {
        Type::Text(Text::default())
    }

    /// A text of certain lengths.
    pub(crate) fn text_of(least: u64, most: Option<u64>) -> Self {
        Type::Text(Text { least: (least > 0).then_some(least), most, ..Text::default() })
    }

    /// `int`
    pub(crate) fn int() -> Self {
        Type::Int(Integers::default())
    }

    /// `object`: anything may stand in it.
    pub(crate) fn object() -> Self {
        let rest = Some(Rest { of: Type::Any, discouraged: false });
        Type::Object(Rc::new(Object { name: "object".to_owned(), rest, ..Object::default() }))
    }

    /// An array of this.
    pub(crate) fn list(item: Type) -> Self {
        Type::List(List { item: Rc::new(item), least: None, most: None })
    }

    /// A literal.
    pub(crate) fn literal(text: &str) -> Self {
        Type::TextIs(text.into())
    }

    /// An object of these properties, all readable and none required.
    pub(crate) fn record<const N: usize>(name: &str, properties: [(&str, Type); N]) -> Rc<Object> {
        let property = |(name, of): (&str, Type)| Property { name: name.to_owned(), of, flags: Flags::default() };
        let properties = properties.into_iter().map(property).collect();
        Rc::new(Object { name: name.to_owned(), properties, ..Object::default() })
    }

    /// One of these: unions opened, equal members once, `any` takes all.
    pub(crate) fn union(members: impl IntoIterator<Item = Type>) -> Self {
        let mut flat: Vec<Type> = Vec::new();
        for member in members {
            match member.now() {
                Type::Any => return Type::Any,
                Type::Never => {}
                Type::Union(inner) => inner.iter().for_each(|one| add(&mut flat, one.clone())),
                one => add(&mut flat, one),
            }
        }
        match flat.len() {
            0 => Type::Never,
            1 => flat.remove(0),
            _ => Type::Union(flat.into()),
        }
    }

    /// This or null.
    pub(crate) fn or_null(self) -> Self {
        Type::union([self, Type::Null])
    }

    /// The type itself, where it is one that is worked out later.
    pub(crate) fn now(&self) -> Type {
        let mut now = self.clone();
        // Each step looks up one definition; a definition that is only itself was refused where it was read.
        for _ in 0..64 {
            now = match now {
                Type::Later(Later::Azure(place)) => place.read(),
                Type::Later(Later::Alias(cell)) => {
                    cell.upgrade().and_then(|cell| cell.get().cloned()).unwrap_or(Type::Any)
                }
                done => return done,
            };
        }
        Type::Any
    }

    /// Its members: itself, where it is no union.
    pub(crate) fn members(&self) -> Vec<Type> {
        match self.now() {
            Type::Union(members) => members.to_vec(),
            one => vec![one],
        }
    }

    /// What remains without null; `None` where null is not among it.
    pub(crate) fn without_null(&self) -> Option<Type> {
        let members = self.members();
        let left: Vec<Type> = members.iter().filter(|one| !matches!(one, Type::Null)).cloned().collect();
        (left.len() < members.len()).then(|| Type::union(left))
    }

    /// Whether null is among its values.
    pub(crate) fn is_nullable(&self) -> bool {
        self.without_null().is_some()
    }

    /// Whether it or, without `below`, anything in it is marked `@secure()`.
    pub(crate) fn is_secret(&self, below: bool) -> bool {
        self.secret_at(below, 0)
    }

    fn secret_at(&self, below: bool, depth: usize) -> bool {
        // Types may contain themselves; nothing secret lies deeper than this.
        if depth > 8 {
            return false;
        }
        match self.now() {
            Type::Text(text) => text.secure,
            Type::Union(members) => members.iter().any(|one| one.secret_at(below, depth + 1)),
            Type::Object(object) => {
                object.secure
                    || below
                        && (object.properties.iter().any(|property| property.of.secret_at(true, depth + 1))
                            || object.rest.as_ref().is_some_and(|rest| rest.of.secret_at(true, depth + 1)))
            }
            Type::Tuple(items) => below && items.iter().any(|item| item.secret_at(true, depth + 1)),
            Type::List(list) => below && list.item.secret_at(true, depth + 1),
            _ => false,
        }
    }

    /// The type of an array's items; `None` where it is no array.
    pub(crate) fn item(&self) -> Option<Type> {
        match self.now() {
            Type::Any => Some(Type::Any),
            Type::List(list) => Some(list.item.now()),
            Type::Tuple(items) => Some(match items.len() {
                0 => Type::Any,
                _ => Type::union(items.iter().cloned()),
            }),
            Type::Union(members) => members.iter().map(Type::item).collect::<Option<Vec<_>>>().map(Type::union),
            _ => None,
        }
    }
}

fn add(to: &mut Vec<Type>, one: Type) {
    if !to.iter().any(|other| same(other, &one)) {
        to.push(one);
    }
}

/// Whether two types are certainly the same; objects are compared by identity.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Null, Type::Null) | (Type::Bool, Type::Bool) => true,
        (Type::BoolIs(a), Type::BoolIs(b)) => a == b,
        (Type::Int(a), Type::Int(b)) => a == b,
        (Type::IntIs(a), Type::IntIs(b)) => a == b,
        (Type::Text(a), Type::Text(b)) => a == b,
        (Type::TextIs(a), Type::TextIs(b)) => a == b,
        (Type::Object(a), Type::Object(b)) | (Type::Module(a), Type::Module(b)) => Rc::ptr_eq(a, b),
        (Type::Resource(a), Type::Resource(b)) => Rc::ptr_eq(a, b),
        (Type::Tagged(a), Type::Tagged(b)) => Rc::ptr_eq(a, b),
        (Type::List(a), Type::List(b)) => (a.least, a.most) == (b.least, b.most) && same(&a.item.now(), &b.item.now()),
        _ => false,
    }
}
