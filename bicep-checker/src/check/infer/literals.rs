//! Texts, objects and arrays that are written out.

use std::rc::Rc;

use super::{Flags, Here, Object, Rest, Type, assignable};
use crate::syntax::ast::{self, ArrayItem, Key, ObjectItem, StringLiteral, StringPart};

impl<'a> Here<'_, 'a> {
    pub(super) fn string(&self, string: &'a StringLiteral) -> Type {
        if let Some(text) = string.literal() {
            return Type::literal(text);
        }
        let (mut least, mut most, mut known) = (0, Some(0), Some(String::new()));
        for part in &string.parts {
            let (low, high, text) = match part {
                StringPart::Text { value, .. } => {
                    let length = length(value);
                    (length, Some(length), Some(value.clone()))
                }
                StringPart::Expression(part) => {
                    let ty = self.type_of(part);
                    let (low, high) = lengths(&ty);
                    let text = match ty {
                        Type::TextIs(text) => Some(text.to_string()),
                        Type::IntIs(number) => Some(number.to_string()),
                        _ => None,
                    };
                    (low, high, text)
                }
            };
            least += low;
            most = most.zip(high).map(|(most, high): (u64, u64)| most.saturating_add(high));
            known = known.zip(text).map(|(known, text)| known + &text);
        }
        known.map_or_else(|| Type::text_of(least, most), |known| Type::literal(&known))
    }

    pub(super) fn object(&self, object: &'a ast::Object) -> Type {
        let mut made = Object { name: "object".to_owned(), ..Object::default() };
        let mut rest: Vec<Type> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let flags = Flags { required: true, ..Flags::default() };
        for item in &object.items {
            match item {
                ObjectItem::Property(property) => {
                    let ty = self.type_of(&property.value);
                    let name = match &property.key {
                        Key::String(text) => match self.string(text) {
                            Type::TextIs(name) => Some(name.to_string()),
                            _ => None,
                        },
                        Key::Name(name) => Some(name.text.clone()),
                    };
                    if let Some(text) = property.key.text() {
                        if seen.contains(&text) {
                            let message = format!("The object has a property `{text}` twice.");
                            self.error("BCP025", property.key.span(), message);
                        }
                        seen.push(text);
                    }
                    match name {
                        Some(name) => made.set(&name, ty, flags),
                        None => rest.push(ty),
                    }
                }
                ObjectItem::Spread(value, _) => match self.type_of(value) {
                    Type::Object(other) => {
                        other.properties.iter().for_each(|one| made.set(&one.name, one.of.clone(), one.flags));
                        rest.extend(other.rest.iter().map(|rest| rest.of.clone()));
                    }
                    Type::Any => rest.push(Type::Any),
                    other if assignable(&other, &Type::object()) => rest.push(Type::Any),
                    other => {
                        let message = format!("`...` needs an object here, not {other}.");
                        self.error("BCP402", value.span, message);
                        rest.push(Type::Any);
                    }
                },
                ObjectItem::Resource(_) | ObjectItem::Error(_) => {}
            }
        }
        if !rest.is_empty() {
            made.rest = Some(Rest { of: Type::union(rest), discouraged: false });
        }
        Type::Object(Rc::new(made))
    }

    pub(super) fn array(&self, items: &'a [ArrayItem]) -> Type {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                ArrayItem::Value(value) => known.push(self.type_of(value)),
                ArrayItem::Spread(value, _) => match self.type_of(value) {
                    Type::Tuple(items) => known.extend(items.iter().cloned()),
                    ty => match ty.item() {
                        Some(item) => others.push(item),
                        None => {
                            let message = format!("`...` needs an array here, not {ty}.");
                            self.error("BCP402", value.span, message);
                            others.push(Type::Any);
                        }
                    },
                },
            }
        }
        match others.is_empty() {
            true => Type::Tuple(known.into()),
            false => Type::list(Type::union(known.into_iter().chain(others))),
        }
    }
}

/// The length of a text, as .NET and Azure count: in UTF-16 units.
pub(crate) fn length(text: &str) -> u64 {
    text.encode_utf16().count() as u64
}

/// The least and greatest length of a value written as text.
pub(crate) fn lengths(ty: &Type) -> (u64, Option<u64>) {
    match ty.now() {
        Type::TextIs(text) => (length(&text), Some(length(&text))),
        Type::IntIs(number) => {
            let digits = number.to_string().len() as u64;
            (digits, Some(digits))
        }
        Type::BoolIs(value) => {
            if value {
                (4, Some(4))
            } else {
                (5, Some(5))
            }
        }
        Type::Text(text) => (text.least.unwrap_or(0), text.most),
        Type::Int(range) => {
            let of = |number: i64| number.to_string().len() as u64;
            let (low, high) = (range.least.unwrap_or(i64::MIN), range.most.unwrap_or(i64::MAX));
            let least = if low < 0 && high >= 0 { 1 } else { of(low).min(of(high)) };
            (least, Some(of(low).max(of(high))))
        }
        Type::Bool => (4, Some(5)),
        Type::List(_) | Type::Tuple(_) | Type::Object(_) | Type::Tagged(_) => (2, None),
        Type::Union(members) => members.iter().map(lengths).fold((u64::MAX, Some(0)), |(low, high), (l, h)| {
            (low.min(l), high.zip(h).map(|(high, h): (u64, u64)| high.max(h)))
        }),
        _ => (0, None),
    }
}
